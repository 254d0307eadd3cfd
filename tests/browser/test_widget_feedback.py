"""Thumbs down, and the question that follows, in the page."""

import pytest
from playwright.sync_api import expect

from django_chatkit.models import Feedback, ThreadItem
from tests import standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401  (a fixture)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]


@pytest.fixture
def answered(strict):  # noqa: F811
    show(strict, "{% chatkit_widget 'curious' %}", fake=standin.script())
    say(strict, "Hello there")
    expect(answers(strict)).to_contain_text("You said: Hello there")
    return strict


def test_the_page_asks_why_and_keeps_the_reason(answered):
    answered.get_by_role("button", name="Thumbs down").click()
    expect(answered.get_by_text("What was wrong?")).to_be_visible()
    answered.get_by_label("The tone").check()
    answered.get_by_role("button", name="Submit").click()
    expect(answers(answered).last).to_contain_text("Noted.")
    assert Feedback.objects.get().reason == "The tone"
    say(answered, "And now?")
    expect(answers(answered).last).to_contain_text("You said: And now?")


def test_the_question_can_be_skipped(answered):
    answered.get_by_role("button", name="Thumbs down").click()
    answered.get_by_role("button", name="Skip").click()
    say(answered, "And now?")
    expect(answers(answered).last).to_contain_text("You said: And now?")
    assert (Feedback.objects.get().kind, Feedback.objects.get().reason) == ("negative", "")


def test_thumbs_up_ask_nothing(answered):
    with answered.expect_response(lambda response: "items.feedback" in (response.request.post_data or "")):
        answered.get_by_role("button", name="Thumbs up").click()
    expect(answered.get_by_text("What was wrong?")).to_have_count(0)
    assert not ThreadItem.objects.filter(type="structured_input").exists()


def test_the_other_thumb_takes_the_question_away(answered):
    answered.get_by_role("button", name="Thumbs down").click()
    expect(answered.get_by_text("What was wrong?")).to_be_visible()
    answered.get_by_role("button", name="Thumbs up").click()
    expect(answered.get_by_text("What was wrong?")).to_have_count(0)
    say(answered, "And now?")
    expect(answers(answered).last).to_contain_text("You said: And now?")
    assert Feedback.objects.get().kind == "positive"
