"""What a request costs: few queries, few hops to another thread, and an index for each page."""

import re
from datetime import datetime
from functools import partial

import pytest
from asgiref.sync import SyncToAsync, async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_chatkit.context import ChatKitContext
from django_chatkit.models import Thread
from django_chatkit.server import DjangoChatKitServer
from django_chatkit.store import DjangoStore
from django_chatkit.testing import user_input

from chatkit import types

pytestmark = pytest.mark.django_db

store = DjangoStore()
BOUNDS = re.compile("(RELEASE )?SAVEPOINT|BEGIN|COMMIT")


@pytest.fixture
def context(user):
    return ChatKitContext(user=user)


def metadata(thread_id="thr_1", **changes):
    return types.ThreadMetadata(id=thread_id, created_at=datetime.now(), **changes)


def message(item_id):
    text = types.AssistantMessageContent(text="hello")
    return types.AssistantMessageItem(
        id=item_id, thread_id="thr_1", created_at=datetime.now(), content=[text]
    )


async def fill(context):
    await store.save_thread(metadata(), context)
    for number in range(30):
        await store.add_thread_item("thr_1", message(f"msg_{number}"), context)


def queries_of(call):
    async def wait():
        await call

    with CaptureQueriesContext(connection) as captured:
        async_to_sync(wait)()
    return [query["sql"] for query in captured if not BOUNDS.match(query["sql"])]


@pytest.mark.parametrize(
    ("most", "call"),
    [
        (1, lambda context: store.load_thread("thr_1", context)),
        (1, lambda context: store.load_threads(100, None, "desc", context)),
        (2, lambda context: store.load_threads(100, "thr_1", "desc", context)),
        (1, lambda context: store.load_thread_items("thr_1", None, 100, "asc", context)),
        (2, lambda context: store.load_thread_items("thr_1", "msg_9", 100, "asc", context)),
        (1, lambda context: store.load_item("thr_1", "msg_9", context)),
        (2, lambda context: store.add_thread_item("thr_1", message("msg_new"), context)),
        (2, lambda context: store.save_item("thr_1", message("msg_9"), context)),
        (1, lambda context: store.save_thread(metadata("thr_new"), context)),
        (3, lambda context: store.save_thread(metadata("thr_1", title="Mine"), context)),
    ],
)
def test_store_calls_take_few_queries(context, most, call):
    async_to_sync(fill)(context)
    queries = queries_of(call(context))
    assert len(queries) <= most, queries


@pytest.fixture
def hops(monkeypatch):
    """The functions of ours that went to the request's thread."""
    seen = []
    original = SyncToAsync.__call__

    async def call(self, *args, **kwargs):
        if self.func.__module__.startswith("django_chatkit."):
            seen.append(self.func.__qualname__)
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", call)
    return seen


async def test_requests_take_few_hops(chat, hops):
    """Each costs about as much as a query. Session, sign-in and CSRF are Django's, and more than ours."""
    counts = {}

    async def count(what, /, type, **params):
        hops.clear()
        reply = await chat.request(type, **params)
        assert reply.status == 200, reply.body
        counts[what] = len(hops)

    await chat.open_page()
    await count("create", "threads.create", input=user_input("hello"))
    thread = {"thread_id": (await Thread.objects.aget()).thread_id}
    await count("send", "threads.add_user_message", input=user_input("more"), **thread)
    await count("list", "threads.list")
    await count("get", "threads.get_by_id", **thread)
    await count("items", "items.list", **thread)
    assert counts == {"create": 7, "send": 5, "list": 3, "get": 4, "items": 3}


async def test_connections_are_given_back_before_a_stream_begins(chat, hops, monkeypatch):
    """The request's own too, in the hop that checks it: a model may let us wait for minutes."""
    given_back = []
    monkeypatch.setattr("django_chatkit.server.base.release_connections", lambda: given_back.append(hops[-1]))
    await chat.list_threads()
    assert given_back == []
    await chat.send("hello")
    assert given_back == [DjangoChatKitServer._admit.__qualname__]


def plan_of(query):
    """How the database finds the rows, if a table is so large that an index pays."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + query)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("load", "index"),
    [
        (partial(store.load_threads, 20, None), "chatkit_thread_user"),
        (partial(store.load_threads, 20, "thr_1"), "chatkit_thread_user"),
        (partial(store.load_thread_items, "thr_1", None, 20), "chatkit_item_order"),
        (partial(store.load_thread_items, "thr_1", "msg_9", 20), "chatkit_item_order"),
    ],
    ids=["threads", "threads after", "items", "items after"],
)
def test_pages_come_from_an_index_in_its_order(context, load, index, order):
    """So that the millionth thread costs no more than the first."""
    async_to_sync(fill)(context)
    plan = plan_of(queries_of(load(order, context))[-1])
    assert index in plan
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan
    assert "SCAN" not in plan, plan
