"""The microphone button, with the stand-in's recording of a few bytes, and what Chromium really records."""

import re

import pytest
from playwright.sync_api import expect

from tests import standin
from tests.browser.conftest import ARGUMENTS, CHROMIUM, SECONDS
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


RECORD = """async (type) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream, { mimeType: type });
  const data = new Promise((resolve) => (recorder.ondataavailable = ({ data }) => resolve(data)));
  recorder.start();
  setTimeout(() => recorder.stop(), 1500);
  const bytes = new Uint8Array(await (await data).arrayBuffer());
  const audio = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const params = { audio_base64: audio, mime_type: recorder.mimeType };
  const response = await document.querySelector("openai-chatkit").options.api.fetch("/chatkit/hearing/", {
    method: "POST",
    body: JSON.stringify({ type: "input.transcribe", params }),
    headers: { "content-type": "application/json" },
  });
  return response.text();
}"""


@pytest.fixture
def microphone(chromium, live_server):
    """A page with a microphone that beeps."""
    false = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *false])
    page = browser.new_context(base_url=live_server.url).new_page()
    page.set_default_timeout(30 * SECONDS)
    yield page
    browser.close()


def test_what_a_browser_really_records_is_understood(microphone, monkeypatch):
    listen = HearingServer.dictation.transcribe
    monkeypatch.setattr(HearingServer, "dictation", type(HearingServer.dictation)(listen))
    show(microphone, "{% chatkit_widget 'hearing' %}")
    expect(microphone.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    for kind in ("audio/webm;codecs=opus", "audio/mp4"):
        heard = microphone.evaluate(RECORD, kind)
        assert re.search(r"a visitor said \d{4,} bytes", heard), (kind, heard)
