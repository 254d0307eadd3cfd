"""The endpoint: what it refuses, how, and that a refusal changes nothing."""

import json
import re
import threading
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory, override_settings
from django.urls import reverse

import django_chatkit
from django_chatkit.models import Feedback, Thread, ThreadItem
from django_chatkit.server import DjangoChatKitServer, TextServer
from django_chatkit.store import DjangoStore
from django_chatkit.testing import ChatKitClient, read, user_input
from django_chatkit.views import api

from chatkit import types

pytestmark = pytest.mark.django_db


def snapshot():
    """Everything that a request could change."""
    return (
        list(Thread.objects.order_by("pk").values_list()),
        list(ThreadItem.objects.order_by("pk").values_list()),
        list(Feedback.objects.order_by("pk").values_list()),
    )


take_snapshot = sync_to_async(snapshot)


def keep_in_session(client, key, value):
    session = client.session
    session[key] = value
    session.save()


def assert_refused(reply, status, code):
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.response["Content-Type"] == "application/json"
    assert reply.response["Cache-Control"] == "no-store"
    assert reply.response["X-Content-Type-Options"] == "nosniff"
    assert reply.json["message"]
    assert set(reply.json) == {"message", "code"}
    assert "Access-Control-Allow-Origin" not in reply.response


# Who and how


async def test_signed_out_visitor_gets_401_json_and_no_redirect(db):
    before = await take_snapshot()
    assert_refused(await ChatKitClient().send("hi"), 401, "not_authenticated")
    assert await take_snapshot() == before


async def test_login_required_middleware_does_not_redirect(db, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert_refused(await ChatKitClient().send("hi"), 401, "not_authenticated")


async def test_inactive_user_gets_401(chat, user):
    await chat.send("hi")
    await get_user_model().objects.filter(pk=user.pk).aupdate(is_active=False)
    assert_refused(await chat.list_threads(), 401, "not_authenticated")


async def test_after_logout_the_old_cookie_gets_401(chat):
    await chat.send("hi")
    old = {name: morsel.value for name, morsel in chat.client.cookies.items()}
    await sync_to_async(chat.client.logout)()
    chat.client.cookies.load(old)
    assert_refused(await chat.list_threads(), 401, "not_authenticated")


@pytest.mark.parametrize("how", ["logout", "deactivation"])
async def test_signed_out_while_an_answer_is_written(chat, user, monkeypatch, how):
    """It ends with this answer: the next request is refused."""

    async def reply(self, message, context):
        yield "before "
        if how == "logout":
            await context.request.session.aflush()
        else:
            await get_user_model().objects.filter(pk=user.pk).aupdate(is_active=False)
        yield "after"

    monkeypatch.setattr("tests.servers.EchoServer.reply", reply)
    created = await chat.send("hi")
    assert created.text == "before after"
    assert not created.errors
    assert_refused(await chat.get_thread(created.thread_id), 401, "not_authenticated")


async def test_headers_that_keep_answers_out_of_frames(chat):
    for reply in (await chat.send("hi"), await chat.list_threads(), await chat.send("")):
        assert reply.response["X-Frame-Options"] == "DENY"


async def test_cookies_of_visitors_are_out_of_reach(db):
    visitor = ChatKitClient(server="public")
    assert (await visitor.send("hi")).status == 200
    cookie = visitor.client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    thread = await Thread.objects.aget()
    assert len(thread.visitor) == 32
    assert cookie.value not in thread.visitor, "the session's key is another one, and changes at login"
    assert thread.visitor not in str(visitor.client.cookies)


@pytest.mark.parametrize("token", [None, "", "x" * 64, "wrong"])
async def test_without_the_csrf_token_nothing_happens(chat, token):
    await chat.open_page()
    del chat.headers["X-CSRFToken"]
    if token is not None:
        chat.headers["X-CSRFToken"] = token
    assert_refused(await chat.send("hi"), 403, "csrf_failed")
    assert not await Thread.objects.aexists()


async def test_csrf_is_checked_without_the_middleware(chat, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    await chat.open_page()
    del chat.headers["X-CSRFToken"]
    assert_refused(await chat.send("hi"), 403, "csrf_failed")


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_foreign_origin_is_refused_even_with_a_token(chat, origin):
    await chat.open_page()
    chat.headers["Origin"] = origin
    assert_refused(await chat.send("hi"), 403, "csrf_failed")
    assert not await Thread.objects.aexists()


async def test_own_origin_is_accepted(chat):
    await chat.open_page()
    chat.headers["Origin"] = "http://testserver"
    assert (await chat.send("hi")).status == 200


async def test_csrf_token_kept_in_the_session(chat, settings):
    settings.CSRF_USE_SESSIONS = True
    await chat.open_page()
    request = HttpRequest()
    chat.headers["X-CSRFToken"] = get_token(request)
    await sync_to_async(keep_in_session)(chat.client, "_csrftoken", request.META["CSRF_COOKIE"])
    assert (await chat.send("hi")).status == 200


async def test_fresh_token_after_a_login_elsewhere(chat, user, settings):
    settings.CSRF_COOKIE_HTTPONLY = True
    await chat.open_page()
    await chat.send("hi")
    await sync_to_async(chat.client.force_login)(user)
    old = chat.headers.pop("X-CSRFToken")
    response = await chat.client.get(reverse("django_chatkit:csrf"))
    assert response["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in response
    chat.headers["X-CSRFToken"] = response.json()["token"]
    assert response.json()["token"] != old
    assert (await chat.send("again")).status == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
async def test_other_methods_get_405(chat, method):
    await chat.open_page()
    reply = await read(await getattr(chat.client, method)(chat.url, headers=chat.headers))
    assert_refused(reply, 405, "method_not_allowed")
    assert reply.response["Allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"],
)
async def test_other_content_types_get_415(chat, content_type):
    body = {"type": "threads.create", "params": {"input": user_input("hi")}}
    reply = await read(await chat.post(body, content_type=content_type))
    assert_refused(reply, 415, "unsupported_media_type")
    assert not await Thread.objects.aexists()


async def test_charset_is_accepted(chat):
    body = {"type": "threads.list", "params": {}}
    assert (await chat.post(body, content_type="application/json; charset=utf-8")).status_code == 200


async def test_cookie_that_postgresql_cannot_look_for(chat):
    """Quoted cookies may hold any character, NUL too."""
    await chat.open_page()
    chat.client.cookies["sessionid"].set("sessionid", "x", f'"{"a" * 32}\\000"')
    on_postgresql = connection.vendor == "postgresql"
    expected = (400, "invalid_request") if on_postgresql else (401, "not_authenticated")
    assert_refused(await chat.list_threads(), *expected)


async def test_unknown_server_is_404(user):
    reply = await read(await ChatKitClient(user=user).client.get("/chatkit/nothing/"))
    assert reply.status == 405
    assert_refused(await ChatKitClient(user=user, server="nothing").list_threads(), 404, "not_found")


async def test_server_that_cannot_be_imported_says_so_to_developers_only(user, settings):
    settings.CHATKIT_SERVERS = {"default": "tests.nowhere.Server"}
    reply = await ChatKitClient(user=user).list_threads()
    assert_refused(reply, 500, "server_error")
    assert "nowhere" not in reply.json["message"]
    settings.DEBUG = True
    reply = await ChatKitClient(user=user).list_threads()
    assert "tests.nowhere.Server" in reply.json["message"]


async def test_no_permission_is_403(chat, monkeypatch):
    monkeypatch.setattr("tests.servers.EchoServer.has_permission", lambda self, context: False)
    assert_refused(await chat.send("hi"), 403, "permission_denied")
    assert not await Thread.objects.aexists()


async def test_superuser_has_no_way_around_ownership(chat, db):
    thread_id = (await chat.send("secret")).thread_id
    admin = await sync_to_async(get_user_model().objects.create_superuser)("root", password="x")
    root = ChatKitClient(user=admin)
    assert_refused(await root.get_thread(thread_id), 404, "not_found")
    assert (await root.list_threads()).json["data"] == []


async def test_json_requests_do_not_write_the_session(user):
    from django.contrib.sessions.models import Session

    public = ChatKitClient(server="public")
    assert (await public.list_threads()).status == 200
    assert not await Session.objects.aexists()


# What


MALFORMED = [
    b" ",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"\xff\xfe",
    b"\x00",
    b'{"type": "threads.list"}',
    b'{"type": "threads.list", "params": null}',
    b'{"type": "threads.list", "params": {"order": "sideways"}}',
    b'{"type": "threads.list", "params": {"limit": "many"}}',
    b'{"type": "threads.list", "params": {"limit": 1e999}}',
    b'{"type": "nothing", "params": {}}',
    b'{"type": 1, "params": {}}',
    b'{"params": {}}',
    b'{"type": "threads.create", "params": {}}',
    b'{"type": "threads.create", "params": {"input": {"content": "hi"}}}',
    b'{"type": "threads.create", "params": {"input": {"content": [{"type": "input_text"}]}}}',
    b'{"type": "threads.get_by_id", "params": {"thread_id": 1}}',
    b'{"type": "threads.get_by_id", "params": {"thread_id": null}}',
    b'{"type": "threads.add_client_tool_output", "params": {"result": 1}}',
    b'{"type": "items.feedback", "params": {"thread_id": "t", "item_ids": ["i"], "kind": "meh"}}',
    b'{"type": "threads.update", "params": {"thread_id": "t"}}',
    b'{"type": "threads.list", "params": {}} trailing',
    b'{"type": "threads.list", "params": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"type": "threads.update", "params": {"thread_id": "\\ud800", "title": "x"}}',
    b'{"type": "threads.list", "params": {"limit": ' + b"9" * 5000 + b"}}",
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
async def test_malformed_bodies_get_400_without_an_echo(chat, body, caplog):
    reply = await read(await chat.post(body))
    assert_refused(reply, 400, "invalid_request")
    assert reply.json["message"] == "This is not a request that ChatKit makes."
    assert "sideways" not in caplog.text
    assert not await Thread.objects.aexists()


@override_settings(CHATKIT_MAX_BODY_SIZE=1000)
async def test_body_over_the_limit_gets_413(chat):
    assert_refused(await chat.send("x" * 1000), 413, "request_too_large")
    assert not await Thread.objects.aexists()


@override_settings(CHATKIT_MAX_BODY_SIZE=10**9, DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
async def test_djangos_own_limit_is_413_too(chat):
    assert_refused(await chat.send("x" * 1000), 413, "request_too_large")


async def test_content_length_is_looked_at_before_the_token(chat):
    await chat.open_page()
    chat.headers.clear()
    assert_refused(await chat.send("x" * 2_000_000), 413, "request_too_large")


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000"])
async def test_empty_message_creates_no_thread(chat, text):
    assert_refused(await chat.send(text), 400, "invalid_request")
    assert not await Thread.objects.aexists()


@pytest.mark.parametrize("field", ["text", "quoted_text"])
async def test_too_long_a_message_is_413(chat, field):
    long = "x" * 60_000
    reply = await (chat.send(long) if field == "text" else chat.send("hi", quoted_text=long))
    assert_refused(reply, 413, "message_too_long")
    assert not await Thread.objects.aexists()


async def test_thousands_of_parts_are_refused(chat):
    parts = [{"type": "input_text", "text": "x"}] * 20_000
    assert_refused(await chat.send("", content=parts), 400, "invalid_request")
    assert_refused(await chat.send("hi", attachments=["a"] * 20_000), 400, "invalid_request")
    ids = ["msg"] * 20_000
    thread_id = (await chat.send("hi")).thread_id
    reply = await chat.feedback(thread_id, *ids)
    assert_refused(reply, 400, "invalid_request")


async def test_a_body_of_many_small_values_is_refused_unparsed(chat, monkeypatch):
    """They fit in what is allowed, and would keep the event loop busy."""
    keys = {str(number): 1 for number in range(70_000)}
    monkeypatch.setattr("django_chatkit.server.base.read_request", None)
    for body in (
        {"type": "threads.list", "params": keys},
        {"type": "threads.create", "params": {"input": user_input("hi"), "x": [1] * 70_000}},
    ):
        assert_refused(await read(await chat.post(body)), 400, "invalid_request")


async def test_unknown_attachment_leaves_no_orphan_thread(chat):
    assert_refused(await chat.send("hi", attachments=["atc_unknown"]), 404, "not_found")
    assert not await Thread.objects.aexists()


@pytest.mark.parametrize("options", [{"model": "gpt-expensive"}, {"tool_choice": {"id": "shell"}}])
async def test_model_or_tool_that_is_not_offered_is_refused(chat, options):
    assert_refused(await chat.send("hi", inference_options=options), 400, "invalid_request")
    assert not await Thread.objects.aexists()


async def test_model_and_tool_that_are_offered_are_accepted(chat, monkeypatch):
    composer = {
        "models": [{"id": "small", "label": "S"}],
        "tools": [{"id": "look", "label": "L", "icon": "search"}],
    }
    monkeypatch.setattr("tests.servers.EchoServer.options", {"composer": composer})
    chosen = {"model": "small", "tool_choice": {"id": "look"}}
    assert (await chat.send("hi", inference_options=chosen)).status == 200


@pytest.mark.parametrize("title", ["", "  ", "x" * 256, "x" * 1_000_00])
async def test_titles_have_limits(chat, title):
    thread_id = (await chat.send("hi")).thread_id
    reply = await chat.rename(thread_id, title)
    assert_refused(reply, 400, "invalid_request")
    assert (await Thread.objects.aget()).title == "hi"


@pytest.mark.parametrize("limit", [-1, -2, 0, 10**9, 10**18, True, None])
async def test_limits_are_clamped_and_pages_have_a_cursor(chat, limit):
    for number in range(3):
        await chat.send(f"hello {number}")
    page = (await chat.list_threads(limit=limit)).json
    assert 1 <= len(page["data"]) <= 3
    assert ("after" in page) == page["has_more"]


NUL_BODIES = {
    "text": lambda thread, item: ("threads.create", {"input": user_input("a\0b")}),
    "quoted": lambda thread, item: ("threads.create", {"input": {**user_input("a"), "quoted_text": "\0"}}),
    "tag": lambda thread, item: (
        "threads.create",
        {
            "input": {
                **user_input("a"),
                "content": [
                    {
                        "type": "input_tag",
                        "id": "\0",
                        "text": "t\0",
                        "data": {"\0": "\0"},
                        "group": "\0",
                    }
                ],
            }
        },
    ),
    "model": lambda thread, item: (
        "threads.create",
        {"input": {**user_input("a"), "inference_options": {"model": "\0"}}},
    ),
    "attachment": lambda thread, item: (
        "threads.create",
        {"input": {**user_input("a"), "attachments": ["\0"]}},
    ),
    "thread": lambda thread, item: ("threads.get_by_id", {"thread_id": "\0"}),
    "add": lambda thread, item: ("threads.add_user_message", {"thread_id": "\0", "input": user_input("a")}),
    "title": lambda thread, item: ("threads.update", {"thread_id": thread, "title": "a\0b"}),
    "delete": lambda thread, item: ("threads.delete", {"thread_id": "\0"}),
    "list after": lambda thread, item: ("threads.list", {"after": "\0"}),
    "items after": lambda thread, item: ("items.list", {"thread_id": thread, "after": "\0"}),
    "items thread": lambda thread, item: ("items.list", {"thread_id": "\0"}),
    "retry": lambda thread, item: ("threads.retry_after_item", {"thread_id": thread, "item_id": "\0"}),
    "feedback": lambda thread, item: (
        "items.feedback",
        {"thread_id": thread, "item_ids": ["\0"], "kind": "positive"},
    ),
    "action": lambda thread, item: (
        "threads.custom_action",
        {"thread_id": thread, "item_id": "\0", "action": {"type": "\0", "payload": "\0"}},
    ),
    "output": lambda thread, item: ("threads.add_client_tool_output", {"thread_id": thread, "result": "\0"}),
    "answer": lambda thread, item: (
        "threads.add_structured_input",
        {"thread_id": thread, "item_id": "\0", "input": {"answers": {"\0": {"values": ["\0"]}}}},
    ),
    "long id": lambda thread, item: ("threads.get_by_id", {"thread_id": "x" * 100_000}),
    "attachments": lambda thread, item: ("attachments.delete", {"attachment_id": "\0"}),
}


@pytest.mark.parametrize("where", NUL_BODIES)
async def test_nul_characters_anywhere_are_cleaned_or_refused(chat, where):
    created = await chat.send("hi")
    kind, params = NUL_BODIES[where](created.thread_id, created.items[0].id)
    reply = await chat.request(kind, **params)
    assert reply.status in (200, 400, 404, 409), reply.body
    if reply.is_stream:
        assert reply.events
        assert not reply.errors
    assert b"\\u0000" not in reply.body
    assert (await chat.get_thread(created.thread_id)).status == 200
    listed = (await chat.list_threads()).json["data"]
    for thread in listed:
        assert (await chat.get_thread(thread["id"])).status == 200


async def test_nul_becomes_the_replacement_character_live_and_stored(chat):
    reply = await chat.send("a\0b")
    assert reply.items[0].content[0].text == "a\ufffdb"
    assert (await chat.load(reply.thread_id))[0]["content"][0]["text"] == "a\ufffdb"


@pytest.mark.parametrize(
    "text", ["\\u0000", "\\\\u0000 and \\", "😀\u202e\u0007 <script>{{ 7 }}{% x %}' --", "\r\n"]
)
async def test_odd_text_comes_back_as_it_was(chat, text):
    reply = await chat.send(f"x{text}")
    assert reply.items[0].content[0].text == f"x{text}"
    stored = await chat.load(reply.thread_id)
    assert stored[0]["content"][0]["text"] == f"x{text}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 4000])
async def test_odd_numbers_leave_the_thread_readable(chat, number, monkeypatch):
    body = (
        '{"type": "threads.create", "params": {"input": {"content": [{"type": "input_tag", "id": "i",'
        ' "text": "t", "data": {"n": NUMBER}}], "attachments": [], "inference_options": {}}}}'
    )
    reply = await read(await chat.post(body.replace("NUMBER", number)))
    assert reply.status in (200, 400)
    if reply.status == 200:
        assert (await chat.get_thread(reply.thread_id)).json["items"]["data"]


# Somebody else's, and unknown


def foreign_requests(thread_id, item_id):
    message = user_input("hi")
    return {
        "threads.get_by_id": {"thread_id": thread_id},
        "items.list": {"thread_id": thread_id},
        "threads.update": {"thread_id": thread_id, "title": "mine now"},
        "threads.delete": {"thread_id": thread_id},
        "threads.add_user_message": {"thread_id": thread_id, "input": message},
        "threads.retry_after_item": {"thread_id": thread_id, "item_id": item_id},
        "threads.custom_action": {"thread_id": thread_id, "action": {"type": "go"}},
        "threads.sync_custom_action": {"thread_id": thread_id, "action": {"type": "go"}},
        "threads.add_client_tool_output": {"thread_id": thread_id, "result": {}},
        "threads.add_structured_input": {"thread_id": thread_id, "item_id": item_id, "input": {}},
        "items.feedback": {"thread_id": thread_id, "item_ids": [item_id], "kind": "positive"},
        "threads.list": {"after": thread_id},
        "attachments.delete": {"attachment_id": item_id},
    }


REQUESTS = list(foreign_requests("", ""))


@pytest.mark.parametrize("request_type", REQUESTS)
async def test_foreign_is_byte_for_byte_like_unknown_and_changes_nothing(
    chat, other_chat, request_type, monkeypatch
):
    mine = await chat.send("my secret")
    await other_chat.open_page()
    before = await take_snapshot()

    def never(*args):
        raise AssertionError("the server must not run")

    monkeypatch.setattr("tests.servers.EchoServer.reply", never)
    foreign = foreign_requests(mine.thread_id, mine.items[0].id)[request_type]
    unknown = foreign_requests("thr_" + "0" * 32, "msg_" + "0" * 32)[request_type]
    foreign_reply = await other_chat.request(request_type, **foreign)
    unknown_reply = await other_chat.request(request_type, **unknown)
    assert_refused(foreign_reply, 404, "not_found")
    assert foreign_reply.body == unknown_reply.body
    headers = dict(foreign_reply.response.headers), dict(unknown_reply.response.headers)
    assert headers[0] == headers[1]
    assert await take_snapshot() == before


@pytest.mark.parametrize(
    "request_type", ["threads.retry_after_item", "threads.add_structured_input", "items.feedback"]
)
@pytest.mark.parametrize("whose", ["own", "foreign"])
async def test_item_of_another_thread_is_404(chat, other_chat, request_type, whose):
    mine = await chat.send("one")
    elsewhere = await (chat if whose == "own" else other_chat).send("two")
    before = await take_snapshot()
    item_id = elsewhere.items[0].id
    params = foreign_requests(mine.thread_id, item_id)[request_type]
    if request_type == "items.feedback":
        params["item_ids"] = [mine.items[0].id, item_id]
    assert_refused(await chat.request(request_type, **params), 404, "not_found")
    assert await take_snapshot() == before


async def test_widget_of_another_thread_cannot_send_an_action(chat):
    mine, elsewhere = await chat.send("one"), await chat.send("two")
    for kind in ("threads.custom_action", "threads.sync_custom_action"):
        reply = await chat.request(
            kind, thread_id=mine.thread_id, item_id=elsewhere.items[0].id, action={"type": "go"}
        )
        assert_refused(reply, 404, "not_found")
        reply = await chat.request(
            kind, thread_id=mine.thread_id, item_id=mine.items[0].id, action={"type": "go"}
        )
        assert_refused(reply, 400, "invalid_request")


async def test_foreign_or_deleted_cursor_is_404_and_not_the_first_page(chat, other_chat):
    mine = await chat.send("one")
    theirs = await other_chat.send("two")
    assert_refused(await chat.list_threads(after=theirs.thread_id), 404, "not_found")
    reply = await chat.list_items(mine.thread_id, after=theirs.items[0].id)
    assert_refused(reply, 404, "not_found")
    await ThreadItem.objects.filter(item_id=mine.items[0].id).adelete()
    assert_refused(await chat.list_items(mine.thread_id, after=mine.items[0].id), 404, "not_found")


async def test_threads_of_another_server_or_tenant_are_not_there(chat, user, monkeypatch):
    thread_id = (await chat.send("hi")).thread_id
    sales = ChatKitClient(user=user, server="sales")
    assert_refused(await sales.get_thread(thread_id), 404, "not_found")
    assert (await sales.list_threads()).json["data"] == []
    monkeypatch.setattr("tests.servers.EchoServer.get_tenant", lambda self, request: "acme")
    assert_refused(await chat.get_thread(thread_id), 404, "not_found")


# Locked and closed


@pytest.mark.parametrize("status", ["locked", "closed"])
@pytest.mark.parametrize(
    "request_type",
    [
        "threads.add_user_message",
        "threads.retry_after_item",
        "threads.custom_action",
        "threads.sync_custom_action",
        "threads.add_client_tool_output",
        "threads.add_structured_input",
    ],
)
async def test_locked_and_closed_threads_take_no_input(chat, status, request_type):
    created = await chat.send("hi")
    await Thread.objects.aupdate(status=status, status_reason="We moved.")
    before = await take_snapshot()
    params = foreign_requests(created.thread_id, created.items[0].id)[request_type]
    reply = await chat.request(request_type, **params)
    assert_refused(reply, 409, f"thread_{status}")
    assert reply.json["message"] == f"This conversation is {status}. We moved."
    assert await take_snapshot() == before


async def test_locked_thread_can_be_read_renamed_and_deleted(chat):
    thread_id = (await chat.send("hi")).thread_id
    await Thread.objects.aupdate(status="locked")
    assert (await chat.get_thread(thread_id)).json["status"] == {"type": "locked"}
    assert (await chat.rename(thread_id, "New")).status == 200
    assert (await chat.delete(thread_id)).json == {}
    assert not await Thread.objects.aexists()


# Failures


async def test_exception_text_never_reaches_the_page(chat, monkeypatch, caplog, settings):
    secret = "sk-secret in SELECT password"

    async def broken(self, *args, **kwargs):
        raise RuntimeError(secret)

    monkeypatch.setattr(DjangoStore, "load_threads", broken)
    for settings.DEBUG in (False, True):
        reply = await chat.list_threads()
        assert_refused(reply, 500, "server_error")
        assert secret not in reply.body.decode()
    assert "RuntimeError" in caplog.text


async def test_exception_text_is_not_logged_in_production(chat, monkeypatch, caplog):
    secret = "sk-" + "secret"

    async def broken(self, *args, **kwargs):
        raise RuntimeError(secret)

    monkeypatch.setattr(DjangoStore, "load_threads", broken)
    await chat.list_threads()
    assert "sk-secret" not in caplog.text
    assert "RuntimeError" in caplog.text


async def test_database_that_is_down_is_503_with_retry_after(chat, monkeypatch):
    await chat.open_page()

    def down(*args, **kwargs):
        raise OperationalError("connection refused for user postgres")

    monkeypatch.setattr("django_chatkit.models.ThreadQuerySet.owned_by", down)
    reply = await chat.list_threads()
    assert_refused(reply, 503, "unavailable")
    assert reply.response["Retry-After"]
    monkeypatch.undo()
    assert (await chat.list_threads()).status == 200


@pytest.mark.parametrize("kind", ["input.transcribe", "threads.sync_custom_action", "attachments.create"])
async def test_what_the_server_cannot_do_is_refused_cleanly(chat, kind):
    thread_id = (await chat.send("hi")).thread_id
    params = {
        "input.transcribe": {"audio_base64": "", "mime_type": "audio/webm"},
        "threads.sync_custom_action": {"thread_id": thread_id, "action": {"type": "go"}},
        "attachments.create": {"name": "a", "size": 1, "mime_type": "image/png"},
    }[kind]
    reply = await chat.request(kind, **params)
    assert reply.status in (400, 404)
    assert reply.json["message"]


async def test_atomic_requests_do_not_break_the_view(chat, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert (await chat.send("hi")).status == 200


# What works


async def test_the_road_there_and_back(chat):
    created = await chat.send("hello there")
    assert created.text == "You said: hello there "
    listed = (await chat.list_threads()).json
    assert [thread["title"] for thread in listed["data"]] == ["hello there"]
    again = await chat.send("and again", thread_id=created.thread_id)
    assert again.text == "You said: and again "
    stored = await chat.load(created.thread_id)
    live = [json.loads(item.model_dump_json(exclude_none=True)) for item in created.items + again.items]
    for item in live:
        item["created_at"] = next(part["created_at"] for part in stored if part["id"] == item["id"])
    assert stored == live, "a reload must show what was streamed"


async def test_answers_name_their_time_zone(chat):
    created = await chat.send("hi")
    thread = (await chat.get_thread(created.thread_id)).json
    times = [thread["created_at"], *(item["created_at"] for item in thread["items"]["data"])]
    assert all(time.endswith("Z") for time in times)
    assert b'"created_at"' in created.body
    assert all(event.item.created_at.tzinfo for event in created.events if hasattr(event, "item"))


async def test_long_threads_load_page_by_page(chat):
    created = await chat.send("hi")
    for number in range(15):
        await chat.send(f"message {number}", thread_id=created.thread_id)
    assert len(await chat.load(created.thread_id)) == 32


async def test_retry_replaces_the_answer(chat):
    created = await chat.send("hi")
    await chat.send("later", thread_id=created.thread_id)
    user_message = created.items[0]
    reply = await chat.request(
        "threads.retry_after_item", thread_id=created.thread_id, item_id=user_message.id
    )
    assert reply.text == "You said: hi "
    stored = await chat.load(created.thread_id)
    assert [item["type"] for item in stored] == ["user_message", "assistant_message"]
    assert stored[1]["id"] != created.items[1].id


@pytest.mark.parametrize("which", ["assistant", "unknown"])
async def test_retry_of_anything_else_deletes_nothing(chat, which):
    created = await chat.send("hi")
    before = await take_snapshot()
    item_id = created.items[1].id if which == "assistant" else "msg_unknown"
    reply = await chat.retry(created.thread_id, item_id)
    assert reply.status == (400 if which == "assistant" else 404)
    assert await take_snapshot() == before


async def test_feedback_is_stored_and_can_change(chat):
    created = await chat.send("hi")
    ids = [created.items[1].id]
    for kind in ("positive", "negative"):
        reply = await chat.feedback(created.thread_id, *ids, kind=kind)
        assert reply.json == {}
    feedback = await Feedback.objects.select_related("item").aget()
    assert (feedback.kind, feedback.item.item_id) == ("negative", ids[0])


async def test_rename_and_delete(chat):
    created = await chat.send("hi")
    renamed = await chat.rename(created.thread_id, "Ciao")
    assert renamed.json["title"] == "Ciao"
    assert (await chat.delete(created.thread_id)).json == {}
    assert (await chat.get_thread(created.thread_id)).status == 404
    assert not await ThreadItem.objects.aexists()


async def test_metadata_never_leaves_the_server(chat):
    created = await chat.send("hi")
    await Thread.objects.aupdate(metadata={"secret": "s3cret"})
    for reply in (
        await chat.get_thread(created.thread_id),
        await chat.list_threads(),
        await chat.send("more", thread_id=created.thread_id),
        await chat.rename(created.thread_id, "x"),
    ):
        assert b"s3cret" not in reply.body


async def test_pictures_come_from_this_site_only(chat, monkeypatch):
    """Or a model that was talked into it would put what it knows into a picture's address."""
    created = await chat.send("hi")
    assert created.events[0].thread.allowed_image_domains == ["testserver"]
    assert (await chat.get_thread(created.thread_id)).json["allowed_image_domains"] == ["testserver"]
    monkeypatch.setattr("tests.servers.EchoServer.allowed_image_domains", ["img.example"])
    domains = (await chat.send("hi")).events[0].thread.allowed_image_domains
    assert domains == ["testserver", "img.example"]


def test_the_package_fetches_no_address_itself():
    """Not one of a user, a model, or a preview: nobody inside reaches what people outside cannot."""
    modules = r"httpx|aiohttp|requests|urllib\.request|urllib3|http\.client|socket"
    client = re.compile(rf"urlopen|^\s*(import|from) ({modules})\b", re.MULTILINE)
    files = Path(django_chatkit.__file__).parent.rglob("*.py")
    assert [file.name for file in files if client.search(file.read_text())] == []


# Visitors


async def test_visitor_chats_and_finds_the_thread_again(db):
    visitor = ChatKitClient(server="public")
    created = await visitor.send("hello")
    assert created.status == 200
    assert [thread["id"] for thread in (await visitor.list_threads()).json["data"]] == [created.thread_id]
    stranger = ChatKitClient(server="public")
    assert (await stranger.list_threads()).json["data"] == []
    assert (await stranger.get_thread(created.thread_id)).status == 404


async def test_visitors_threads_become_the_users_exactly_once(user, other_user):
    visitor = ChatKitClient(server="public")
    created = await visitor.send("hello")
    client = visitor.client
    before = {name: morsel.value for name, morsel in client.cookies.items()}
    await client.aforce_login(user)
    thread = await Thread.objects.aget()
    assert thread.user_id == user.pk
    signed_in = ChatKitClient(user=user, server="public")
    assert (await signed_in.get_thread(created.thread_id)).status == 200
    # The session before the login, and somebody else in the same browser, get nothing.
    stale = ChatKitClient(server="public", client=AsyncClient(enforce_csrf_checks=True))
    await stale.open_page()
    stale.client.cookies.load({"sessionid": before["sessionid"]})
    assert (await stale.get_thread(created.thread_id)).status == 404
    await client.alogout()
    await client.aforce_login(other_user)
    assert (await Thread.objects.aget()).user_id == user.pk


async def test_visitor_who_signs_in_during_an_answer_keeps_it(user, monkeypatch):
    async def slow(self, message, context):
        yield "before "
        session = context.request.session

        def sign_in():
            from django.contrib.auth import login

            request = RequestFactory().get("/")
            request.session = session
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")

        await sync_to_async(sign_in)()
        yield "after"

    monkeypatch.setattr("tests.servers.EchoServer.reply", slow)
    created = await ChatKitClient(server="public").send("hello")
    assert not created.errors
    signed_in = ChatKitClient(user=user, server="public")
    assert [item["type"] for item in await signed_in.load(created.thread_id)] == [
        "user_message",
        "assistant_message",
    ]


async def test_visitors_without_sessions_are_a_clear_error(db, settings):
    settings.DEBUG = True
    without = ("Session", "Authentication", "Message")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not any(part in name for part in without)]
    reply = await ChatKitClient(server="public").send("hi")
    assert_refused(reply, 500, "server_error")
    assert "SessionMiddleware" in reply.json["message"]


@pytest.mark.parametrize("length", ["many", "-1", "1e3"])
async def test_odd_content_length_is_no_server_error(chat, length):
    await chat.open_page()
    request = AsyncRequestFactory().post(chat.url, b"{}", content_type="application/json")
    request.META["CONTENT_LENGTH"] = length
    response = await api(request)
    assert (response.status_code, json.loads(response.content)["code"]) == (400, "invalid_request")


# Text servers


@pytest.mark.parametrize("kind", ["generator", "coroutine", "function"])
async def test_a_reply_is_a_generator_a_coroutine_or_a_function(chat, monkeypatch, kind):
    async def generator(self, message, context):
        yield "gen"
        yield "erator"

    async def coroutine(self, message, context):
        return "coroutine"

    def function(self, message, context):
        return "function" if Thread.objects.count() == 1 else "no database"

    monkeypatch.setattr("tests.servers.EchoServer.reply", locals()[kind])
    reply = await chat.send("hi")
    assert reply.text == kind
    kinds = [event.type for event in reply.events]
    assert kinds.index("thread.item.added") < kinds.index("thread.item.updated")


async def test_a_plain_generator_that_is_stopped_tidies_up_where_it_ran(chat, monkeypatch):
    ran_in, tidied_in = [], []

    def reply(self, message, context):
        ran_in.append(threading.get_ident())
        try:
            while True:
                yield "piece "
        finally:
            assert Thread.objects.count() == 1
            tidied_in.append(threading.get_ident())

    monkeypatch.setattr("tests.servers.EchoServer.reply", reply)
    await chat.open_page()
    response = await chat.post({"type": "threads.create", "params": {"input": user_input("hi")}})
    seen = b""
    while b"piece" not in seen:
        seen += await anext(response.stream)
    await response.stream.aclose()
    assert tidied_in == ran_in


async def test_text_server_without_a_reply_says_so(user):
    class Empty(TextServer):
        pass

    with pytest.raises(NotImplementedError, match="Empty needs a reply"):
        Empty().reply("hi", None)
    assert issubclass(TextServer, DjangoChatKitServer)


async def test_custom_titles(chat, monkeypatch):
    async def title(self, thread, message, context):
        return "Made up"

    monkeypatch.setattr("tests.servers.EchoServer.get_title", title)
    created = await chat.send("hi")
    updates = [event for event in created.events if isinstance(event, types.ThreadUpdatedEvent)]
    assert [event.thread.title for event in updates] == ["Made up"]
    again = await chat.send("hi", thread_id=created.thread_id)
    assert not [event for event in again.events if isinstance(event, types.ThreadUpdatedEvent)]


async def test_a_title_may_come_from_a_plain_function_that_queries(chat, monkeypatch):
    def title(self, thread, message, context):
        return f"Number {Thread.objects.count()}"

    monkeypatch.setattr("tests.servers.EchoServer.get_title", title)
    await chat.send("hi")
    assert (await Thread.objects.aget()).title == "Number 1"


async def test_a_name_that_somebody_gave_meanwhile_stays(chat, monkeypatch):
    async def title(self, thread, message, context):
        await Thread.objects.filter(thread_id=thread.id).aupdate(title="Given by hand")
        return "Made up"

    monkeypatch.setattr("tests.servers.EchoServer.get_title", title)
    created = await chat.send("hi")
    assert (await Thread.objects.aget()).title == "Given by hand"
    updates = [event for event in created.events if isinstance(event, types.ThreadUpdatedEvent)]
    assert {event.thread.title for event in updates} == {"Given by hand"}, "and the browser is told"
    renamed = await chat.rename(created.thread_id, "Renamed")
    assert renamed.json["title"] == "Renamed"


async def test_a_thread_whose_first_answer_failed_has_a_title(chat, monkeypatch):
    async def fail(self, message, context):
        raise RuntimeError
        yield

    monkeypatch.setattr("tests.servers.EchoServer.reply", fail)
    created = await chat.send("Where is it?")
    assert [event.type for event in created.events][-2:] == ["thread.updated", "error"]
    assert (await Thread.objects.aget()).title == "Where is it?"


async def test_a_title_that_failed_is_tried_again(chat, monkeypatch):
    asked = []

    async def title(self, thread, message, context):
        asked.append(message.content[0].text)
        return "At last" if len(asked) == 2 else None

    monkeypatch.setattr("tests.servers.EchoServer.get_title", title)
    thread_id = (await chat.send("one")).thread_id
    await chat.send("two", thread_id=thread_id)
    assert asked == ["one", "one"]
    assert (await Thread.objects.aget()).title == "At last"
    await Thread.objects.aupdate(title="")
    for text in ("three", "four", "five"):
        await chat.send(text, thread_id=thread_id)
    assert len(asked) == 3, "a thread that was left untitled is not asked about for ever"


@pytest.mark.parametrize("hook", ["has_permission", "get_tenant", "get_options"])
def test_an_async_hook_that_nobody_would_await_is_refused(hook):
    async def asynchronous(self, context):
        return False

    with pytest.raises(TypeError, match=rf"Careless.{hook}\(\) must be a plain def"):
        type("Careless", (TextServer,), {hook: asynchronous})


def test_an_async_hook_of_a_mixin_is_refused_as_well():
    class Mixin:
        async def has_permission(self, context):
            return False

    with pytest.raises(TypeError, match=r"Careless.has_permission\(\) must be a plain def"):
        type("Careless", (Mixin, TextServer), {})


def test_what_may_be_async_is_not_refused():
    async def asynchronous(self, *args):
        return "fine"

    names = ("reply", "get_title", "get_something_of_my_own")
    assert type("Careful", (TextServer,), dict.fromkeys(names, asynchronous))


async def test_failing_title_costs_only_the_title(chat, monkeypatch, caplog):
    async def title(self, thread, message, context):
        raise RuntimeError("no title")

    monkeypatch.setattr("tests.servers.EchoServer.get_title", title)
    created = await chat.send("hi")
    assert not created.errors
    assert created.text == "You said: hi "
    assert "No title could be made" in caplog.text
