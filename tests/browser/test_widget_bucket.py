"""Files that the browser sends straight to a storage: to another origin, which asks who may do that."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.files.base import ContentFile
from playwright.sync_api import expect

from django_chatkit.models import Attachment, attachment_storage
from tests import files, standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401
from tests.browser.test_widget_files import pick, storage  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]


SIGNED = {"content-type": "image/png", "if-none-match": "*"}


class Bucket(BaseHTTPRequestHandler):
    """As strict as S3 is with what was signed, and with the CORS rules of docs/howto/files-on-s3.md.

    Playwright answers the browser's question before the upload itself, so the upload is looked at.
    """

    def do_PUT(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        fits = all(self.headers.get(name) == value for name, value in SIGNED.items())
        fits = fits and not any(name.lower().startswith(("x-", "chatkit-")) for name in self.headers)
        if fits:
            attachment_storage.save(self.path[1:], ContentFile(content))
        self.reply(200 if fits else 403)

    def reply(self, status):
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Not in the middle of the tests' output."""


@pytest.fixture
def bucket(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    Thread(target=server.serve_forever).start()

    def presign(self, name, mime_type, size):
        return {"url": f"http://127.0.0.1:{server.server_port}/{name}", "method": "PUT", "headers": SIGNED}

    attachment_storage.exists("x")  # sets it up
    monkeypatch.setattr(type(attachment_storage._wrapped), "presign_upload", presign, raising=False)
    yield server
    server.shutdown()
    server.server_close()


def test_a_picture_goes_to_the_bucket_and_is_seen_at_once(strict, bucket):  # noqa: F811
    show(strict, "{% chatkit_widget 'two-phase' %}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    pick(strict, "cat.png", "image/png", files.PNG)
    expect(strict.locator(".upload[data-state=ready]")).to_have_count(1)
    assert Attachment.objects.get().state == "pending"
    say(strict, "Look!")
    expect(strict.locator("[data-thread-turn=user] img")).to_have_js_property("naturalWidth", 1)
    expect(answers(strict)).to_contain_text("You said: Look!")
    assert Attachment.objects.get().state == "sent"


def test_a_file_is_taken_back_from_the_bucket(strict, bucket):  # noqa: F811
    show(strict, "{% chatkit_widget 'two-phase' %}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    pick(strict, "cat.png", "image/png", files.PNG)
    expect(strict.locator(".upload[data-state=ready]")).to_have_count(1)
    assert len(files.stored()) == 1
    with strict.expect_response(lambda response: "attachments.delete" in (response.request.post_data or "")):
        strict.get_by_role("button", name="Remove cat.png").click()
    assert not Attachment.objects.exists()
    assert files.stored() == []
