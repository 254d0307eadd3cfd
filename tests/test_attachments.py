"""Files that people send: every refusal, and what is in database and storage after it."""

import asyncio
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from unittest.mock import patch

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.checks import Error
from django.core.files.base import ContentFile
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.core.signing import TimestampSigner
from django.db import connections, transaction
from django.test import AsyncClient, RequestFactory

from django_chatkit import signing
from django_chatkit.attachments import Attachments, clean_name
from django_chatkit.checks.servers import check_attachments
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused
from django_chatkit.models import Attachment, Thread, ThreadItem, attachment_storage
from django_chatkit.servers import servers
from django_chatkit.testing import ChatKitClient, read, user_input
from django_chatkit.uploads import receive
from django_chatkit.widget import get_options

from . import files
from .servers import FileServer
from .test_views import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["files", "two-phase"])
def chat(request, user):
    """Ann, once with each strategy."""
    return ChatKitClient(user=user, server=request.param)


@pytest.fixture
def direct(user):
    return ChatKitClient(user=user, server="files")


@pytest.fixture
def two_phase(user):
    return ChatKitClient(user=user, server="two-phase")


@sync_to_async
def state():
    """Everything that an upload or a message could change."""
    return (
        list(Attachment.objects.order_by("pk").values_list()),
        list(ThreadItem.objects.order_by("pk").values_list("item_id", "data")),
        list(Thread.objects.order_by("pk").values_list("thread_id")),
        files.stored(),
    )


async def upload(chat, name="cat.png", content=files.PNG, content_type="image/png"):
    reply = await chat.upload(name, content, content_type)
    assert reply.status == 200, reply.body
    return reply.json["id"]


async def announce(chat, name="cat.png", size=None, mime_type="image/png"):
    size = len(files.PNG) if size is None else size
    return await chat.create_attachment(name, size, mime_type)


def path_of(url):
    assert url.startswith("http://testserver/")
    return url.removeprefix("http://testserver")


async def fetch(url, client=None, **headers):
    """As the component does: without a cookie."""
    response = await (client or AsyncClient()).get(path_of(url), headers=headers)
    return response, b"".join([part async for part in response]) if response.streaming else response.content


# The whole way


async def test_a_file_is_uploaded_sent_and_read_again(chat):
    reply = await chat.upload("cat.png", files.PNG, "image/png")
    attachment = reply.json
    assert (attachment["type"], attachment["name"], attachment["mime_type"]) == (
        "image",
        "cat.png",
        "image/png",
    )
    assert "metadata" not in attachment
    row = await Attachment.objects.aget()
    assert (row.size, row.state, row.item_id, row.thread_id) == (len(files.PNG), "uploaded", None, None)
    assert await sync_to_async(files.stored)() == [row.file.name]

    answer = await chat.send("Look!", attachments=[attachment["id"]])
    assert not answer.errors
    [sent] = answer.items[0].attachments
    assert sent.upload_descriptor is None
    response, body = await fetch(str(sent.preview_url))
    assert (response.status_code, body) == (200, files.PNG)

    [stored, _] = await chat.load(answer.thread_id)
    [loaded] = stored["attachments"]
    assert (loaded["id"], loaded["name"], loaded["thread_id"]) == (
        attachment["id"],
        "cat.png",
        answer.thread_id,
    )
    assert (await fetch(loaded["preview_url"]))[1] == files.PNG
    row = await Attachment.objects.aget()
    item = await ThreadItem.objects.aget(type="user_message")
    assert (row.state, row.thread_id, row.item_id) == ("sent", answer.thread_id, item.pk)


async def test_addresses_are_never_stored(chat):
    await chat.send("Look!", attachments=[await upload(chat)])
    for item in [item async for item in ThreadItem.objects.all()]:
        assert "http" not in item.data
        assert 'upload_descriptor":null' in item.data or "attachments" not in item.data


async def test_addresses_are_signed_at_each_reading(chat):
    thread_id = (await chat.send("Look!", attachments=[await upload(chat)])).thread_id
    first = (await chat.load(thread_id))[0]["attachments"][0]["preview_url"]
    assert (await chat.load(thread_id))[0]["attachments"][0]["preview_url"] == first, "browsers may cache it"
    with patch("time.time", return_value=time.time() + 1000):
        assert (await chat.load(thread_id))[0]["attachments"][0]["preview_url"] != first


async def test_a_message_may_be_nothing_but_a_file(direct):
    answer = await direct.send("", attachments=[await upload(direct)])
    assert not answer.errors
    assert (await Thread.objects.aget()).title == "cat.png"


async def test_other_files_have_no_address(direct):
    reply = await direct.upload("a.txt", "hello", "text/plain")
    assert reply.json == {"id": reply.json["id"], "type": "file", "name": "a.txt", "mime_type": "text/plain"}


async def test_put_is_as_good_as_a_form(two_phase):
    created = await announce(two_phase)
    url = path_of(created.json["upload_descriptor"]["url"])
    reply = await two_phase.put_file(url, "", files.PNG, "image/png", method="PUT")
    assert reply.status == 200
    assert not (await two_phase.send("Look!", attachments=[created.json["id"]])).errors


async def test_visitor_uploads_sends_and_keeps_it_after_signing_in(user):
    visitor = ChatKitClient(server="files")
    other = ChatKitClient(server="files")
    attachment_id = await upload(visitor)
    await upload(other)
    assert_refused(await other.send("Mine!", attachments=[attachment_id]), 404, "not_found")
    assert not (await visitor.send("Look!", attachments=[attachment_id])).errors
    unsent = await upload(visitor)
    await sync_to_async(visitor.client.login)(username="ann", password="ann")
    await visitor.open_page()
    assert await Attachment.objects.filter(user=user).acount() == 2
    answer = await visitor.send("And this!", attachments=[unsent])
    assert not answer.errors


async def test_visitor_who_is_refused_gets_no_session(db):
    visitor = ChatKitClient(server="files")
    assert (await visitor.delete_attachment("atc_1")).status == 404
    assert "sessionid" not in visitor.client.cookies


async def test_two_messages_want_one_file(chat):
    """Both have been checked; one UPDATE decides."""
    attachment_id = await upload(chat)
    with patch("django_chatkit.permissions.files.check_ready"):
        first = await chat.send("one", attachments=[attachment_id])
        before = await state()
        assert_refused(await chat.send("two", attachments=[attachment_id]), 409, "attachment_sent")
    assert await state() == before
    assert not first.errors


async def test_all_or_none_of_the_files_are_taken(direct, user):
    one, two = await upload(direct), await upload(direct)
    await direct.send("one", attachments=[one])
    context = ChatKitContext(user=user, server="files")
    assert not await sync_to_async(Attachment.objects.claim)([one, two], context)
    assert (await Attachment.objects.aget(attachment_id=two)).state == "uploaded"


async def test_failing_to_give_back_does_not_hide_the_failure(direct, caplog):
    attachment_id = await upload(direct)
    with (
        patch("django_chatkit.store.DjangoStore.add_thread_item", side_effect=RuntimeError),
        patch("django_chatkit.store.DjangoStore.release_attachments", side_effect=OSError),
    ):
        answer = await direct.send("one", attachments=[attachment_id])
    assert (answer.status, answer.json["code"]) == (500, "server_error")
    assert "Files could not be given back" in caplog.text


async def test_a_message_that_fails_gives_its_files_back(direct):
    attachment_id = await upload(direct)
    with patch("django_chatkit.store.DjangoStore.save_thread", side_effect=RuntimeError):
        assert (await direct.send("one", attachments=[attachment_id])).status == 500
    assert not (await direct.send("again", attachments=[attachment_id])).errors


async def test_whoever_stops_before_the_message_was_stored_gets_the_files_back(direct, user):
    attachment_id = await upload(direct)
    context = ChatKitContext(server="files", user=user)
    message = {**user_input("one"), "attachments": [attachment_id]}
    body = json.dumps({"type": "threads.create", "params": {"input": message}})
    with patch("django_chatkit.store.DjangoStore.add_thread_item", lambda *args, **kwargs: asyncio.sleep(60)):
        stream = (await servers["files"].process(body, context)).json_events
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.5)
        assert (await Attachment.objects.aget()).state == "sent"
        task.cancel()
        with pytest.raises((asyncio.CancelledError, StopAsyncIteration)):
            await task
        await stream.aclose()
    assert (await Attachment.objects.aget()).state == "uploaded"
    assert not (await direct.send("again", attachments=[attachment_id])).errors


# Refused messages


async def test_foreign_attachments_are_refused_like_unknown_ones(chat, other_user):
    attachment_id = await upload(chat)
    other = ChatKitClient(user=other_user, server=chat.server)
    before = await state()
    foreign = await other.send("Mine!", attachments=[attachment_id])
    unknown = await other.send("Mine!", attachments=["atc_unknown"])
    assert_refused(foreign, 404, "not_found")
    assert foreign.body == unknown.body
    assert await state() == before
    assert not (await chat.send("Still mine", attachments=[attachment_id])).errors


async def test_attachments_of_another_server_are_unknown(user, direct):
    attachment_id = await upload(direct)
    other = ChatKitClient(user=user, server="two-phase")
    assert_refused(await other.send("Hello", attachments=[attachment_id]), 404, "not_found")


async def test_one_message_for_each_file(chat):
    attachment_id = await upload(chat)
    assert_refused(await chat.send("twice", attachments=[attachment_id] * 2), 400, "invalid_request")
    thread_id = (await chat.send("one", attachments=[attachment_id])).thread_id
    before = await state()
    for target in (None, thread_id):
        again = await chat.send("again", target, attachments=[attachment_id])
        assert_refused(again, 409, "attachment_sent")
    assert await state() == before


async def test_too_many_files(direct):
    ids = [await upload(direct) for _ in range(4)]
    assert_refused(await direct.send("all", attachments=ids), 400, "invalid_request")
    assert not (await direct.send("three", attachments=ids[:3])).errors


async def test_files_that_were_not_uploaded_cannot_be_sent(two_phase):
    created = await announce(two_phase)
    before = await state()
    reply = await two_phase.send("Look!", attachments=[created.json["id"]])
    assert_refused(reply, 409, "not_uploaded")
    assert b"upload" not in reply.body.replace(b"not_uploaded", b"").replace(b"not uploaded", b"")
    assert await state() == before


async def test_servers_without_attachments_know_nothing_of_them(user):
    chat = ChatKitClient(user=user)
    await chat.open_page()
    assert_refused(await chat.upload("cat.png", files.PNG, "image/png"), 404, "not_found")
    assert_refused(await announce(chat), 404, "not_found")
    assert_refused(await chat.delete_attachment("a"), 404, "not_found")
    assert (await state())[0] == []


async def test_a_strategy_that_is_not_the_servers_is_not_there(direct, two_phase):
    assert_refused(await announce(direct), 404, "not_found")
    url = "/chatkit/attachments/two-phase/upload/"
    assert_refused(await two_phase.put_file(url, "cat.png", files.PNG, "image/png"), 404, "not_found")


# Refused uploads


async def test_signed_out_people_cannot_upload(db, monkeypatch):
    monkeypatch.setattr(FileServer, "allow_anonymous", False)
    chat = ChatKitClient(server="files")
    assert_refused(await chat.upload("cat.png", files.PNG), 401, "not_authenticated")
    assert await state() == ([], [], [], [])


async def test_no_upload_without_the_csrf_token(chat):
    await chat.open_page()
    del chat.headers["X-CSRFToken"]
    assert_refused(await chat.upload("cat.png", files.PNG, "image/png"), 403, "csrf_failed")
    assert await state() == ([], [], [], [])


async def test_the_token_in_the_form_does_not_count(direct):
    """To look for it there, all of the body would have to be read first."""
    await direct.open_page()
    token = direct.headers.pop("X-CSRFToken")
    url = "/chatkit/attachments/files/upload/"
    response = await direct.client.post(url, {"csrfmiddlewaretoken": token}, headers=direct.headers)
    assert_refused(await read(response), 403, "csrf_failed")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
async def test_other_methods(direct, method):
    await direct.open_page()
    reply = await read(
        await getattr(direct.client, method)("/chatkit/attachments/files/upload/", headers=direct.headers)
    )
    assert_refused(reply, 405, "method_not_allowed")


async def test_other_content_types(direct):
    await direct.open_page()
    url = "/chatkit/attachments/files/upload/"
    response = await direct.client.post(url, b"x", content_type="image/png", headers=direct.headers)
    assert_refused(await read(response), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.html", files.HTML, "text/html"),
        ("a.txt", files.HTML, "text/plain"),
        ("a.svg", files.SVG, "image/svg+xml"),
        ("a.png", files.SVG, "image/png"),
        ("a.png", files.HTML, "image/png"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "text/xml"),
        ("a.js", b"alert(1)", "text/javascript"),
        ("a.png", b"MZ\x90\0\x03", "image/png"),
        ("a.exe", files.PNG, "image/png"),
        ("a.html", files.PNG, "image/png"),
        ("a", files.PNG, "image/png"),
    ],
)
async def test_wrong_types(chat, name, content, content_type):
    assert_refused(await chat.upload(name, content, content_type), 415, "unsupported_file_type")
    assert files.stored() == []
    assert not await Attachment.objects.exclude(state="pending").aexists()


async def test_a_refusal_speaks_the_language_of_the_page(chat):
    await chat.open_page()
    chat.headers["X-ChatKit-Language"] = "de"
    reply = await chat.upload("a.txt", b"", "text/plain")
    assert "leer" in reply.json["message"]


async def test_empty_files(chat):
    assert_refused(await chat.upload("a.txt", b"", "text/plain"), 400, "invalid_request")
    assert files.stored() == []


async def test_too_large_files(chat):
    assert_refused(await chat.upload("a.txt", b"a" * 20_001, "text/plain"), 413, "file_too_large")
    assert files.stored() == []
    assert (await chat.upload("a.txt", b"a" * 20_000, "text/plain")).status == 200


@pytest.mark.parametrize(
    ("size", "mime_type", "name", "status"),
    [
        (0, "image/png", "a.png", 400),
        (-1, "image/png", "a.png", 400),
        (10**20, "image/png", "a.png", 413),
        (20_001, "image/png", "a.png", 413),
        (1, "text/html", "a.html", 415),
        (1, "image/svg+xml", "a.svg", 415),
        (1, "", "a.png", 200),
        (1, "application/octet-stream", "a.txt", 200),
        (1, "", "a.exe", 415),
        (1, "", "a", 415),
        (1, "\0", "a.png", 415),
        (1, "image/png", "", 400),
        (1, "image/png", "..", 400),
        (1, "image/png", "a.exe", 415),
        (1, "image/png; charset=x", "a.png", 200),
        (1, "image/jpg", "../../a.jpg", 200),
        (1, "image/png", "a\0b\r\nc.png", 200),
    ],
)
async def test_announced_files(two_phase, size, mime_type, name, status):
    reply = await announce(two_phase, name, size, mime_type)
    assert reply.status == status, reply.body
    assert await Attachment.objects.acount() == (1 if status == 200 else 0)


async def test_a_browser_that_does_not_know_the_type(two_phase):
    """CSV on Windows, for example. The bytes are looked at all the same."""
    for declared in ("application/vnd.ms-excel", ""):
        file = await two_phase.upload("prices.csv", b"tea;11.20\n", declared)
        assert (await Attachment.objects.aget(attachment_id=file.json["id"])).mime_type == "text/csv"
    assert_refused(await two_phase.upload("prices.csv", files.PNG, ""), 415, "unsupported_file_type")


async def test_announced_places_are_their_owners(two_phase, other_user):
    created = await announce(two_phase)
    assert created.json["upload_descriptor"]["method"] == "PUT"
    url = path_of(created.json["upload_descriptor"]["url"])
    other = ChatKitClient(user=other_user, server="two-phase")
    before = await state()
    foreign = await other.put_file(url, "cat.png", files.PNG, "image/png")
    unknown = await other.put_file(url[:-2] + "0/", "cat.png", files.PNG, "image/png")
    assert_refused(foreign, 404, "not_found")
    assert foreign.body == unknown.body
    assert await state() == before


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_announced_places_take_one_file(two_phase, method):
    created = await announce(two_phase)
    url = path_of(created.json["upload_descriptor"]["url"])
    assert (await two_phase.put_file(url, "cat.png", files.PNG, "image/png", method)).status == 200
    before = await state()
    reply = await two_phase.put_file(url, "cat.png", files.PNG, "image/png", method)
    assert_refused(reply, 409, "already_uploaded")
    assert await state() == before


async def test_of_two_uploads_to_one_place_one_counts(two_phase):
    created = await announce(two_phase)
    url = path_of(created.json["upload_descriptor"]["url"])

    def meanwhile(row, upload):
        Attachment.objects.update(state="uploaded", file="chatkit/other")
        row.file.save("x", upload.file, save=False)

    with patch("django_chatkit.uploads.put", meanwhile):
        reply = await two_phase.put_file(url, "cat.png", files.PNG, "image/png")
    assert_refused(reply, 409, "already_uploaded")
    assert files.stored() == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (files.PNG[:-1], 400),
        (files.PNG + b"x", 413),
        (files.JPEG.ljust(len(files.PNG), b"\0"), 415),
        (b"", 400),
    ],
)
async def test_announced_and_sent_must_be_the_same(two_phase, content, status, method):
    created = await announce(two_phase)
    url = path_of(created.json["upload_descriptor"]["url"])
    reply = await two_phase.put_file(url, "cat.png", content, "image/png", method)
    assert reply.status == status, reply.body
    assert files.stored() == []
    assert (await Attachment.objects.aget()).state == "pending"


async def test_people_cannot_fill_the_storage(two_phase):
    for _ in range(4):
        await upload(two_phase)
    assert_refused(await announce(two_phase), 429, "too_many_files")


def form(body, length=None):
    return {
        "data": body,
        "content_type": "multipart/form-data; boundary=xx",
        **({"CONTENT_LENGTH": str(length)} if length else {}),
    }


PART = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'


@pytest.mark.parametrize(
    "body",
    [
        PART,
        PART + b"\r\n--x",
        PART + b"\r\n" + PART + b"\r\n--xx--\r\n",
        PART.replace(b'"file"', b'"other"') + b"\r\n--xx--\r\n",
        PART.replace(b'; filename="a.txt"', b"") + b"\r\n--xx--\r\n",
        PART.replace(b"a.txt", b"..") + b"\r\n--xx--\r\n",
        b"no form at all",
    ],
)
async def test_broken_forms(direct, body):
    await direct.open_page()
    response = await direct.client.generic(
        "POST",
        "/chatkit/attachments/files/upload/",
        body,
        content_type="multipart/form-data; boundary=xx",
        headers=direct.headers,
    )
    assert_refused(await read(response), 400, "invalid_request")
    assert await state() == ([], [], [], [])


# Read within the limit


class Endless:
    """A body of a gigabyte that is made while it is read."""

    def __init__(self, start=b"", size=2**30):
        self.start, self.left, self.given = start, size, 0

    def read(self, size=-1):
        size = min(size if size and size > 0 else self.left, self.left)
        self.left -= size
        self.given += size
        piece, self.start = self.start[:size], self.start[size:]
        return piece + b"a" * (size - len(piece))

    readline = read


def test_put_stops_at_the_limit():
    body = Endless()
    request = ASGIRequest({"type": "http", "method": "PUT", "path": "/", "headers": []}, body)
    with pytest.raises(Refused) as refused, receive(request, 1_000_000):
        pass
    assert refused.value.status == 413
    assert body.given < 1_200_000


def test_form_stops_at_the_limit():
    """Also where the declared length is a lie that passes the first check."""
    body = Endless(PART)
    environ = RequestFactory().generic("POST", "/", **form(b"x")).environ
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(1_060_000)}
    with pytest.raises(Refused) as refused, receive(WSGIRequest(environ), 1_000_000):
        pass
    assert refused.value.status == 413
    assert body.given <= 1_060_000


def test_declared_length_is_refused_unread():
    body = Endless(PART)
    environ = RequestFactory().generic("POST", "/", **form(b"x")).environ
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(2**30)}
    with pytest.raises(Refused), receive(WSGIRequest(environ), 1_000_000):
        pass
    assert body.given == 0


def test_a_body_that_ends_early_is_refused():
    environ = RequestFactory().put("/").environ
    environ |= {"wsgi.input": BytesIO(b"short"), "CONTENT_LENGTH": "100"}
    with pytest.raises(Refused) as refused, receive(WSGIRequest(environ), 1000):
        pass
    assert refused.value.status == 400


async def test_bytes_go_if_the_row_cannot_be_stored(direct):
    with patch("django_chatkit.models.Attachment.save", side_effect=RuntimeError):
        assert (await direct.upload("a.txt", "hello")).status == 500
    assert files.stored() == []


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("\u202etxt.exe", "txt.exe"),
        ("a\0.txt", "a.txt"),
        ("a\ud800.txt", "a.txt"),
        (" .a.txt. ", "a.txt"),
        ("..", ""),
        ("/", ""),
        ("e\u0301.txt", "é.txt"),
        ("n" * 300 + ".txt", "n" * 251 + ".txt"),
        ("名前.txt", "名前.txt"),
        ('"><img src=x>.txt', '"><img src=x>.txt'),
    ],
)
def test_names_are_cleaned(name, expected):
    assert clean_name(name) == expected


async def test_hostile_names_do_no_harm(two_phase):
    reply = await two_phase.upload('../"; filename=x.html\r\nX-Evil: 1;"☃.png', files.PNG, "image/png")
    assert reply.status == 200
    row = await Attachment.objects.aget()
    assert re.fullmatch(r"chatkit/\d{4}/\d\d/atc_[0-9a-f]{32}", row.file.name)
    response, _ = await fetch(reply.json["preview_url"])
    assert "X-Evil" not in response
    assert "\n" not in response["Content-Disposition"]


# What comes out


async def test_headers_of_a_picture(direct):
    reply = await direct.upload("cat.png", files.PNG, "image/png")
    response, _ = await fetch(reply.json["preview_url"])
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"] == 'inline; filename="cat.png"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Cache-Control"] == "private, max-age=300"
    assert response["Content-Encoding"] == "identity"
    assert "Cookie" not in response.get("Vary", "")
    assert "Set-Cookie" not in response


async def test_everything_else_is_a_download(direct, monkeypatch):
    accept = {"image/svg+xml": [".svg"], "text/html": [".html"], "text/plain": [".txt"]}
    monkeypatch.setattr(FileServer, "attachments", Attachments(accept=accept))
    for name, content in [("a.svg", files.SVG), ("a.html", files.HTML), ("a.txt", b"hello")]:
        attachment_id = await upload(direct, name, content, "text/plain")
        response, body = await fetch(f"http://testserver/chatkit/attachments/{signing.sign(attachment_id)}/")
        assert body == content
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"] == f'attachment; filename="{name}"'
        assert response["Content-Security-Policy"].startswith("sandbox")


async def test_a_picture_that_is_also_a_page_stays_a_picture(direct):
    reply = await direct.upload("cat.png", files.png(extra=files.HTML), "image/png")
    response, _ = await fetch(reply.json["preview_url"])
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("image/png", "nosniff")


async def test_a_picture_of_60000_by_60000_is_not_decoded(direct, monkeypatch):
    monkeypatch.setattr(FileServer, "attachments", Attachments())
    started = time.monotonic()
    reply = await direct.upload("bomb.png", files.png(60_000, 60_000, b"\0" * 440_000), "image/png")
    assert reply.status == 200
    assert time.monotonic() - started < 5


async def test_addresses_cannot_be_made_or_altered(direct):
    one, two = await upload(direct), await upload(direct)
    good = signing.sign(one)
    value, stamp, signature = good.split(":")
    for token in [
        f"{two}:{stamp}:{signature}",
        f"{value}:zzzzzz:{signature}",
        good[:-1] + ("a" if good[-1] != "a" else "b"),
        TimestampSigner(salt="another.purpose").sign(one),
        TimestampSigner().sign(one),
        one,
        "x",
    ]:
        response, _ = await fetch(f"http://testserver/chatkit/attachments/{token}/")
        assert response.status_code == 404, token
        assert response["Content-Type"] == "application/json"
    assert (await fetch(f"http://testserver/chatkit/attachments/{good}/"))[0].status_code == 200


async def test_addresses_expire(direct):
    url = (await direct.upload("cat.png", files.PNG)).json["preview_url"]
    for seconds, status in [(3200, 200), (3601, 404)]:
        with patch("time.time", return_value=time.time() + seconds):
            assert (await fetch(url))[0].status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
async def test_addresses_are_for_reading(direct, method):
    url = (await direct.upload("cat.png", files.PNG)).json["preview_url"]
    response = await getattr(AsyncClient(), method)(path_of(url))
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


async def test_nothing_is_shown_before_it_was_uploaded(two_phase):
    created = await announce(two_phase)
    assert (await fetch(created.json["preview_url"]))[0].status_code == 404


async def test_missing_bytes_are_a_404(direct):
    url = (await direct.upload("cat.png", files.PNG)).json["preview_url"]
    files.empty_storage()
    assert (await fetch(url))[0].status_code == 404


def test_wsgi_serves_files_too(client, direct, user):
    context = ChatKitContext(user=user, server="files")
    row = Attachment(attachment_id="atc_1", name="a.png", mime_type="image/png", size=len(files.PNG))
    row.give_to(context)
    row.state = "uploaded"
    row.file.save("x", ContentFile(files.PNG))
    response = client.get(f"/chatkit/attachments/{signing.sign('atc_1')}/")
    assert b"".join(response) == files.PNG
    assert client.head(f"/chatkit/attachments/{signing.sign('atc_1')}/")["Content-Length"] == str(
        len(files.PNG)
    )


# Deleting


@pytest.mark.django_db(transaction=True)
async def test_an_upload_can_be_taken_back(chat):
    attachment_id = await upload(chat)
    assert (await chat.delete_attachment(attachment_id)).json == {}
    assert await state() == ([], [], [], [])
    assert_refused(await chat.delete_attachment(attachment_id), 404, "not_found")


@pytest.mark.django_db(transaction=True)
async def test_foreign_uploads_cannot_be_deleted(chat, other_user):
    attachment_id = await upload(chat)
    other = ChatKitClient(user=other_user, server=chat.server)
    before = await state()
    foreign = await other.request("attachments.delete", attachment_id=attachment_id)
    unknown = await other.request("attachments.delete", attachment_id="atc_unknown")
    assert_refused(foreign, 404, "not_found")
    assert foreign.body == unknown.body
    assert await state() == before


async def test_what_was_sent_stays(chat):
    attachment_id = await upload(chat)
    await chat.send("Look!", attachments=[attachment_id])
    before = await state()
    reply = await chat.delete_attachment(attachment_id)
    assert_refused(reply, 409, "attachment_sent")
    assert await state() == before


async def test_what_is_being_sent_stays(direct, user):
    """Between the check and the deletion a message has taken it."""
    attachment_id = await upload(direct)
    await Attachment.objects.aupdate(state="sent")
    with patch("django_chatkit.permissions.files.REMOVABLE", ("sent",)):
        reply = await direct.request("attachments.delete", attachment_id=attachment_id)
    assert_refused(reply, 404, "not_found")
    assert await Attachment.objects.acount() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["thread", "item", "user", "thread row"])
async def test_bytes_go_with_whatever_held_them(direct, user, what):
    attachment_id = await upload(direct)
    answer = await direct.send("Look!", attachments=[attachment_id])
    assert len(files.stored()) == 1
    if what == "thread":
        await direct.request("threads.delete", thread_id=answer.thread_id)
    elif what == "item":
        await ThreadItem.objects.filter(item_id=answer.items[0].id).adelete()
    elif what == "user":
        await get_user_model().objects.filter(pk=user.pk).adelete()
    else:
        await Thread.objects.all().adelete()
    assert not await Attachment.objects.aexists()
    assert files.stored() == []


@pytest.mark.django_db(transaction=True)
async def test_a_rolled_back_deletion_keeps_the_bytes(direct):
    attachment_id = await upload(direct)

    @sync_to_async
    def delete_and_fail():
        with transaction.atomic():
            Attachment.objects.filter(attachment_id=attachment_id).delete()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await delete_and_fail()
    assert len(files.stored()) == 1
    assert await Attachment.objects.acount() == 1


@pytest.mark.django_db(transaction=True)
async def test_a_storage_that_fails_at_deletion_is_logged(direct, caplog):
    attachment_id = await upload(direct)
    with patch.object(type(attachment_storage._wrapped), "delete", side_effect=OSError("disk")):
        reply = await direct.request("attachments.delete", attachment_id=attachment_id)
    assert reply.status == 200
    assert not await Attachment.objects.aexists()
    assert len(files.stored()) == 1, "chatkit_prune finds them"
    assert "on_commit" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_eight_messages_at_once_want_one_file(user):
    """Real threads: exactly one of them gets it."""
    context = ChatKitContext(user=user, server="files")
    row = Attachment(attachment_id="atc_1", name="a", mime_type="text/plain", size=1, state="uploaded")
    row.give_to(context)
    row.save()

    def claim(number):
        try:
            return Attachment.objects.claim(["atc_1"], context)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


# Straight to the storage


def presign(self, name, mime_type, size):
    return {"url": f"https://bucket.example/{name}", "method": "PUT", "headers": {"Content-Type": mime_type}}


@pytest.fixture
def bucket(monkeypatch):
    attachment_storage.exists("x")  # sets it up
    monkeypatch.setattr(type(attachment_storage._wrapped), "presign_upload", presign, raising=False)
    return attachment_storage


async def test_storages_that_presign_get_the_bytes_themselves(two_phase, bucket):
    created = await announce(two_phase)
    upload = created.json["upload_descriptor"]
    assert upload["url"].startswith("https://bucket.example/chatkit/")
    assert upload["headers"] == {"Content-Type": "image/png"}
    early = await two_phase.send("early", attachments=[created.json["id"]])
    assert_refused(early, 409, "not_uploaded")
    await sync_to_async(bucket.save)(upload["url"].split("example/")[1], ContentFile(files.PNG))
    answer = await two_phase.send("Look!", attachments=[created.json["id"]])
    assert not answer.errors
    assert "bucket.example" not in (await ThreadItem.objects.aget(type="user_message")).data


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("content", [files.HTML.ljust(len(files.PNG)), files.PNG + b"more"])
async def test_what_the_browser_put_there_is_looked_at(two_phase, bucket, content):
    created = await announce(two_phase)
    name = created.json["upload_descriptor"]["url"].split("example/")[1]
    await sync_to_async(bucket.save)(name, ContentFile(content))
    reply = await two_phase.send("Look!", attachments=[created.json["id"]])
    assert_refused(reply, 415, "unsupported_file_type")
    assert await state() == ([], [], [], [])


async def test_a_picture_is_shown_while_its_message_is_on_the_way(two_phase, bucket):
    created = await announce(two_phase)
    name = created.json["upload_descriptor"]["url"].split("example/")[1]
    assert (await fetch(created.json["preview_url"]))[0].status_code == 404
    await sync_to_async(bucket.save)(name, ContentFile(files.PNG))
    response, content = await fetch(created.json["preview_url"])
    assert (response.status_code, content) == (200, files.PNG)


@pytest.mark.django_db(transaction=True)
async def test_what_is_something_else_is_not_shown(two_phase, bucket):
    created = await announce(two_phase)
    name = created.json["upload_descriptor"]["url"].split("example/")[1]
    await sync_to_async(bucket.save)(name, ContentFile(files.HTML.ljust(len(files.PNG))))
    assert (await fetch(created.json["preview_url"]))[0].status_code == 404
    assert await state() == ([], [], [], [])


# The declaration


def test_options_of_the_component(rf, user):
    def options(alias):
        request = rf.get("/")
        request.user = user
        context = ChatKitContext.from_request(request, server=alias)
        kept, problems, fatal = get_options(request, servers[alias], context, {})
        assert (problems, fatal) == ([], False)
        return kept

    kept = options("files")
    assert kept["composer"]["attachments"]["maxSize"] == 20_000
    assert kept["composer"]["attachments"]["accept"]["application/pdf"] == [".pdf"]
    assert kept["api"]["uploadStrategy"] == {
        "type": "direct",
        "uploadUrl": "/chatkit/attachments/files/upload/",
    }
    assert options("two-phase")["api"]["uploadStrategy"] == {"type": "two_phase"}
    assert "attachments" not in options("default").get("composer", {})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_size": 0}, "max_size must be a whole number"),
        ({"max_count": True}, "max_count must be a whole number"),
        ({"max_unsent": "5"}, "max_unsent must be a whole number"),
        ({"strategy": "s3"}, 'strategy must be "direct" or "two_phase"'),
        ({"accept": {}}, "accept must be a dict"),
        ({"accept": ["image/png"]}, "accept must be a dict"),
        ({"accept": {"png": [".png"]}}, "'png' is no MIME type"),
        ({"accept": {"image/png": ".png"}}, "must be a list of endings"),
        ({"accept": {"image/png": ["png"]}}, "must be a list of endings"),
    ],
)
def test_check_of_the_declaration(arguments, words):
    server = type("Server", (FileServer,), {"attachments": Attachments(**arguments)})
    [message] = check_attachments(server, "shop.Server")
    assert isinstance(message, Error)
    assert message.id == "chatkit.E016"
    assert message.msg.startswith("shop.Server.attachments: ")
    assert words in message.msg
    assert message.hint


def test_check_of_the_storage(settings):
    settings.STORAGES = {name: storage for name, storage in settings.STORAGES.items() if name != "chatkit"}
    [message] = check_attachments(FileServer, "shop.Server")
    assert message.id == "chatkit.W012"
    settings.MEDIA_ROOT = "/somewhere"
    assert list(check_attachments(FileServer, "shop.Server")) == []


def test_a_good_declaration_has_no_problems():
    assert list(Attachments().problems()) == []
    assert list(check_attachments(FileServer, "shop.Server")) == []


async def test_hook_decides_for_each_person(direct, monkeypatch, user):
    def get_attachments(self, context):
        return Attachments() if context.user.is_staff else None

    monkeypatch.setattr(FileServer, "get_attachments", get_attachments)
    assert_refused(await direct.upload("cat.png", files.PNG), 404, "not_found")
    await get_user_model().objects.filter(pk=user.pk).aupdate(is_staff=True)
    assert (await direct.upload("cat.png", files.PNG)).status == 200
