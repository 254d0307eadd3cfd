"""Files from the composer to the storage and back into the page, with the stand-in for OpenAI's element."""

import pytest
from playwright.sync_api import expect

from django_chatkit.models import Attachment
from tests import files, standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401  (a fixture)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]


@pytest.fixture(autouse=True)
def storage():
    yield
    files.empty_storage()


def pick(page, name, mime_type, content):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": mime_type, "buffer": content})


@pytest.mark.parametrize("server", ["files", "two-phase"])
def test_a_picture_is_sent_and_seen_again(strict, server):  # noqa: F811
    show(strict, f"{{% chatkit_widget '{server}' %}}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    pick(strict, "cat.png", "image/png", files.PNG)
    expect(strict.locator(".upload[data-state=ready]")).to_have_count(1)
    pick(strict, "page.html", "text/html", files.HTML)
    expect(strict.get_by_text("That file type isn't supported.")).to_be_visible()
    say(strict, "Look!")
    expect(answers(strict)).to_contain_text("You said: Look!")
    row = Attachment.objects.get()
    assert (row.state, row.name, row.size) == ("sent", "cat.png", len(files.PNG))

    show(strict, f"{{% chatkit_widget '{server}' initialThread='{row.thread_id}' %}}", fake=standin.script())
    picture = strict.locator("[data-thread-turn=user] img")
    expect(picture).to_have_js_property("naturalWidth", 1)


@pytest.mark.parametrize("server", ["files", "two-phase"])
def test_a_file_is_taken_back(strict, server):  # noqa: F811
    show(strict, f"{{% chatkit_widget '{server}' %}}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    pick(strict, "cat.png", "image/png", files.PNG)
    expect(strict.locator(".upload[data-state=ready]")).to_have_count(1)
    with strict.expect_response(lambda response: "attachments.delete" in (response.request.post_data or "")):
        strict.get_by_role("button", name="Remove cat.png").click()
    assert not Attachment.objects.exists()
    assert files.stored() == []


def test_what_the_server_refuses_is_told(strict, console):  # noqa: F811
    console.expect("415")
    show(strict, "{% chatkit_widget 'files' %}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    pick(strict, "cat.png", "image/png", files.HTML)
    expect(strict.get_by_text("Files of this type are not accepted here.")).to_be_visible()
    assert not Attachment.objects.exists()
