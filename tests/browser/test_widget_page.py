"""What the tag says of the page, on its way through the browser."""

import pytest
from playwright.sync_api import expect

from tests import standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401  (a fixture)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

TAG = "{% chatkit_widget 'remembering' page_object=request.user %}"


def test_the_answer_knows_the_page(strict):  # noqa: F811
    show(strict, TAG, fake=standin.script())
    say(strict, "Who is this?")
    expect(answers(strict)).to_contain_text("[], ann")


def test_an_altered_page_tells_nothing(strict, caplog):  # noqa: F811
    def alter(route):
        headers = route.request.headers
        assert headers["x-chatkit-page"]
        route.continue_(headers={**headers, "x-chatkit-page": headers["x-chatkit-page"][:-1] + "_"})

    show(strict, TAG, fake=standin.script())
    strict.route("**/chatkit/remembering/", alter)
    say(strict, "Who is this?")
    expect(answers(strict)).to_contain_text("[], None")
    assert "its signature is wrong" in caplog.text


def test_a_page_that_tells_nothing_sends_no_header(strict):  # noqa: F811
    sent = []
    strict.on("request", lambda request: sent.append(request.headers) if request.method == "POST" else None)
    show(strict, "{% chatkit_widget 'remembering' %}", fake=standin.script())
    say(strict, "Who is this?")
    expect(answers(strict)).to_contain_text("[], None")
    assert sent
    assert not [headers for headers in sent if "x-chatkit-page" in headers]
