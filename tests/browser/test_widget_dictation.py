"""The microphone button, with the stand-in's recording: a few bytes that begin as WebM does."""

import pytest
from playwright.sync_api import expect

from tests import standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, strict  # noqa: F401  (a fixture)
from tests.servers import HearingServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]


def dictate(page):
    page.get_by_role("button", name="Dictate").click()
    page.get_by_role("button", name="Stop dictation").click()


def test_what_is_said_stands_in_the_composer_and_can_be_sent(strict):  # noqa: F811
    show(strict, "{% chatkit_widget 'hearing' %}", fake=standin.script())
    dictate(strict)
    expect(strict.get_by_role("textbox")).to_have_text("ann said 26 bytes")
    strict.get_by_role("button", name="Send message").click()
    expect(answers(strict)).to_contain_text("You said: ann said 26 bytes")


def test_a_failure_is_told(strict, console, monkeypatch):  # noqa: F811
    console.expect("503")

    def fail(recording, context):
        raise RuntimeError

    monkeypatch.setattr(HearingServer, "dictation", type(HearingServer.dictation)(fail))
    show(strict, "{% chatkit_widget 'hearing' %}", fake=standin.script())
    dictate(strict)
    expect(strict.get_by_text("Your words could not be understood.")).to_be_visible()


def test_a_server_that_cannot_listen_has_no_button(strict):  # noqa: F811
    show(strict, "{% chatkit_widget 'public' %}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    expect(strict.get_by_role("button", name="Send message")).to_be_visible()
    expect(strict.get_by_role("button", name="Dictate")).to_have_count(0)
