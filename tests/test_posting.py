"""Posting into a thread from outside a request."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from django_chatkit.models import Thread, ThreadItem
from django_chatkit.servers import UnknownServer
from django_chatkit.signals import thread_changed
from django_chatkit.store import DjangoStore
from tests.servers import ScriptedServer

from chatkit import types
from chatkit.store import NotFoundError

pytestmark = pytest.mark.django_db
HOW_TO = Path(__file__).parent.parent / "docs/howto/post-from-celery.md"
CARD = {"type": "Card", "children": [{"type": "Text", "value": "Order 7"}]}


@pytest.fixture
def thread(user):
    return Thread.objects.create_for(user, title="Your order")


async def test_person_sees_what_was_posted(chat, other_chat, thread):
    await thread.apost_assistant_message("It was shipped.")
    await thread.apost_hidden_context({"secret": "note"})
    await thread.apost_widget(CARD, copy_text="Order 7")
    page = await chat.get_thread(thread.thread_id)
    assert b"secret" not in page.body
    assert page.json["title"] == "Your order"
    items = page.json["items"]["data"]
    assert [item["type"] for item in items] == ["assistant_message", "widget"]
    assert items[0]["content"] == [{"type": "output_text", "text": "It was shipped.", "annotations": []}]
    assert [row["id"] for row in (await chat.list_threads()).json["data"]] == [thread.thread_id]
    assert (await other_chat.get_thread(thread.thread_id)).status == 404
    assert (await chat.send("thanks", thread_id=thread.thread_id)).text == "You said: thanks "


def test_by_the_rules_of_the_store(thread):
    heard = []

    def hear(sender, thread_id, context, **kwargs):
        heard.append((thread_id, context.user))

    thread_changed.connect(hear)
    before = thread.updated_at
    item = thread.post_assistant_message("Shipped\0 today")
    thread.refresh_from_db()
    assert heard == [(thread.thread_id, thread.user)]
    assert thread.updated_at > before
    assert item.text == "Shipped\ufffd today"
    assert len(item.item_id) > 30


def test_key_posts_once_and_replaces(thread, user):
    first = thread.post_assistant_message("Shipped.", key="order-7-shipped")
    thread.post_assistant_message("Something else.")
    again = thread.post_assistant_message("Shipped today.", key="order-7-shipped")
    assert (again.pk, again.item_id) == (first.pk, first.item_id)
    assert [item.text for item in thread.items.all()] == ["Shipped today.", "Something else."]
    thread.post_hidden_context("a note", key="order-7-shipped")
    Thread.objects.create_for(user).post_assistant_message("Shipped.", key="order-7-shipped")
    assert ThreadItem.objects.count() == 4


def test_the_how_to_posts_into_the_newest_thread_and_once(user):
    block = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)[0]
    order = SimpleNamespace(owner=user, number=1003)
    orders = SimpleNamespace(objects=SimpleNamespace(get=lambda pk: order))
    names = {"Order": orders, "shared_task": lambda task: task}
    exec(block.replace("from celery import shared_task\n", ""), names)
    names["order_shipped"](1)
    Thread.objects.all().delete()
    for title in ("older", "newest"):
        Thread.objects.create_for(user, title=title)
    for _ in range(2):  # a task may run twice
        names["order_shipped"](1)
    item = ThreadItem.objects.get()
    assert (item.thread.title, item.text) == ("newest", "Order 1003 was shipped.")


@pytest.mark.parametrize("status", ["locked", "closed"])
def test_site_may_post_where_the_person_may_not(thread, status):
    Thread.objects.update(status=status)
    thread.post_assistant_message("Closed for good.")
    assert Thread.objects.get().status == status


def test_annotations(thread):
    note = types.Annotation(source=types.URLSource(url="https://example.org", title="Source"), index=3)
    item = thread.post_assistant_message("See it.", annotations=[note])
    assert "example.org" in item.data


def test_what_cannot_be_posted(thread, user):
    with pytest.raises(ValueError, match="text"):
        thread.post_assistant_message(" ")
    with pytest.raises(ValueError, match="widget"):
        thread.post_widget({"type": "Nonsense"})
    with pytest.raises(ValueError, match="user"):
        Thread.objects.create_for(None)
    with pytest.raises(UnknownServer):
        Thread.objects.create_for(user, server="nowhere")
    Thread.objects.all().delete()
    with pytest.raises(NotFoundError):
        thread.post_assistant_message("Too late.")
    assert not hasattr(thread, "post_user_message")


async def test_thread_of_a_visitor_and_of_a_tenant(user):
    tenant = await Thread.objects.acreate_for(user, tenant="one")
    await tenant.apost_assistant_message("For one.")
    visitor = await Thread.objects.acreate(thread_id="thr_v", visitor="v1")
    await visitor.apost_assistant_message("For v1.")
    assert await ThreadItem.objects.acount() == 2


async def test_a_notice_is_shown_once_with_the_next_answer(chat, other_chat, thread):
    await thread.apost_notice("Closed\0 today.", level="warning", title="Delays")
    await thread.apost_notice("And tomorrow.")
    assert b"today" not in (await chat.get_thread(thread.thread_id)).body
    first = (await chat.send("hi", thread.thread_id)).assert_ok()
    notices = first.filter(types.NoticeEvent)
    assert [(notice.message, notice.level, notice.title) for notice in notices] == [
        ("Closed\ufffd today.", "warning", "Delays"),
        ("And tomorrow.", "info", None),
    ]
    assert first.text == "You said: hi "
    assert (await chat.send("hi", thread.thread_id)).filter(types.NoticeEvent) == []
    assert (await chat.send("new")).filter(types.NoticeEvent) == []


async def test_notices_that_cannot_be_posted_and_too_many(thread):
    with pytest.raises(ValueError, match="level"):
        await thread.apost_notice("Hm", level="loud")
    for number in range(25):
        await thread.apost_notice(str(number))
    assert [notice["message"] for notice in (await Thread.objects.aget()).notices] == [
        str(number) for number in range(5, 25)
    ]
    await Thread.objects.all().adelete()
    with pytest.raises(NotFoundError):
        await thread.apost_notice("Too late.")


async def test_while_a_stream_runs(chat, settings, monkeypatch):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.ScriptedServer"}

    async def script(self, thread, message, context):
        row = await Thread.objects.select_related("user").aget(thread_id=thread.id)
        await row.apost_assistant_message("Posted meanwhile.")
        thread.metadata = {"seen": True}
        yield types.ProgressUpdateEvent(text="…")

    monkeypatch.setattr(ScriptedServer, "script", script)
    reply = await chat.send("hi")
    assert not reply.errors
    assert [item["type"] for item in await chat.load(reply.thread_id)] == [
        "user_message",
        "assistant_message",
    ]


async def test_tool_call_that_waits_can_still_be_answered(chat, settings, monkeypatch):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.ScriptedServer"}

    async def script(self, thread, message, context):
        if message is not None:
            item_id = self.store.generate_item_id("tool_call", thread, context)
            common = {"id": item_id, "thread_id": thread.id, "created_at": thread.created_at}
            call = types.ClientToolCallItem(**common, call_id="c", name="ask", arguments={})
            yield types.ThreadItemDoneEvent(item=call)

    monkeypatch.setattr(ScriptedServer, "script", script)
    reply = await chat.send("hi")
    thread = await Thread.objects.select_related("user").aget()
    await thread.apost_assistant_message("Posted behind it.")
    answered = await chat.give_tool_output(reply.thread_id, {})
    answered.assert_ok()
    assert '"status":"completed"' in (await ThreadItem.objects.aget(type="client_tool_call")).data


@pytest.mark.django_db(transaction=True)
async def test_many_posts_with_one_key(user):
    thread = await Thread.objects.acreate_for(user)

    def post():
        try:
            thread.post_assistant_message("Shipped.", key="once")
        finally:
            connections.close_all()

    await asyncio.gather(*(sync_to_async(post, thread_sensitive=False)() for _ in range(5)))
    assert await ThreadItem.objects.acount() == 1


def test_store_knows_what_was_posted(thread):
    assert thread.post_assistant_message("x").item_id.startswith("post_")
    assert not DjangoStore().generate_thread_id(None).startswith("post_")


async def test_what_was_posted_is_in_a_page_of_one(chat, thread):
    for text in ("one", "two"):
        await thread.apost_assistant_message(text)
    page = (await chat.list_items(thread.thread_id, limit=1)).json
    assert [item["content"][0]["text"] for item in page["data"]] == ["one"]
    page = (await chat.list_items(thread.thread_id, limit=1, after=page["after"])).json
    assert ([item["content"][0]["text"] for item in page["data"]], page["has_more"]) == (["two"], False)
