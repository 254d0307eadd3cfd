"""Requests that nobody makes: whatever comes, the answer is a clear one and the thread stays readable."""

import json
from copy import deepcopy

import pytest
from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, given, settings, strategies as st

from django_chatkit.models import Thread
from django_chatkit.testing import read, user_input

pytestmark = pytest.mark.django_db

REQUESTS = [
    ("threads.list", {"limit": 9999, "order": "desc", "after": "THREAD"}),
    ("threads.get_by_id", {"thread_id": "THREAD"}),
    ("items.list", {"thread_id": "THREAD", "limit": 9999, "order": "asc", "after": "ITEM"}),
    ("threads.create", {"input": user_input("hi")}),
    ("threads.add_user_message", {"input": user_input("hi"), "thread_id": "THREAD"}),
    ("threads.add_client_tool_output", {"thread_id": "THREAD", "result": {"any": "json"}}),
    (
        "threads.add_structured_input",
        {"thread_id": "THREAD", "item_id": "ITEM", "input": {"status": "answered", "answers": {}}},
    ),
    ("threads.retry_after_item", {"thread_id": "THREAD", "item_id": "ITEM"}),
    ("threads.custom_action", {"thread_id": "THREAD", "item_id": "ITEM", "action": {"type": "go"}}),
    ("threads.sync_custom_action", {"thread_id": "THREAD", "item_id": "ITEM", "action": {"type": "go"}}),
    ("items.feedback", {"thread_id": "THREAD", "item_ids": ["ITEM"], "kind": "positive"}),
    ("threads.update", {"thread_id": "THREAD", "title": "Renamed"}),
    ("attachments.create", {"name": "a.png", "size": 1, "mime_type": "image/png"}),
    ("attachments.delete", {"attachment_id": "ITEM"}),
    ("input.transcribe", {"audio_base64": "AAAA", "mime_type": "audio/webm"}),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["THREAD", "ITEM", "", "\0", "x" * 300, "msg_" + "0" * 32]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(node, path=()):
    """Where something could be replaced in a request."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def replaced(body, path, value):
    *above, last = path
    node = body
    for key in above:
        node = node[key]
    node[last] = value
    return body


@st.composite
def requests(draw):
    kind, params = draw(st.sampled_from(REQUESTS))
    body = {"type": kind, "params": deepcopy(params)}
    for _ in range(draw(st.integers(0, 2))):
        where = draw(st.sampled_from(list(places(body))))
        body = replaced(body, where, draw(VALUES))
    return json.dumps(body)


@given(bodies=st.lists(requests(), min_size=1, max_size=4))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_breaks(chat, bodies):
    async def run():
        created = await chat.send("hi")
        item_id = created.items[0].id
        for body in bodies:
            text = body.replace("THREAD", created.thread_id).replace("ITEM", item_id)
            reply = await read(await chat.post(text))
            assert reply.status in (200, 400, 404, 409, 413), (body, reply.body)
            if reply.is_stream:
                assert reply.events
                assert reply.body.endswith(b"\n\n")
            else:
                assert isinstance(reply.json, dict)
        assert (await chat.load(created.thread_id)) is not None
        assert (await chat.list_threads()).status == 200

    Thread.objects.all().delete()
    async_to_sync(run)()
