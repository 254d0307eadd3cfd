"""Answers under way: heartbeats, stops, lost connections, failures, and what is stored of them."""

import asyncio
import gzip
import inspect
import json
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import override_settings

import django_chatkit
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import NotPending
from django_chatkit.models import Thread, ThreadItem
from django_chatkit.server import stream_text, updated
from django_chatkit.store import DjangoStore
from django_chatkit.streaming import HEARTBEAT, EventStream, uninterrupted
from django_chatkit.testing import frames, parse_frame, user_input

from .servers import ScriptedServer

from chatkit import types
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.server import ChatKitServer, stream_widget
from chatkit.store import NotFoundError
from chatkit.widgets import DynamicWidgetComponent, DynamicWidgetRoot

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("scripted"),
]


@pytest.fixture
def scripted(settings):
    settings.CHATKIT_SERVERS = {"default": "tests.servers.ScriptedServer"}
    yield
    ScriptedServer.script = None
    ScriptedServer.timeout = 300.0


def assistant(thread, item_id="msg_a", text=""):
    return types.AssistantMessageItem(
        id=item_id,
        thread_id=thread.id,
        created_at=datetime.now(),
        content=[types.AssistantMessageContent(text=text)] if text else [],
    )


def script(generator):
    ScriptedServer.script = generator
    return generator


def say(*pieces, pause=0.0, then=None):
    """A server that says pieces of text, with pauses, and then does something."""

    async def words():
        for piece in pieces:
            yield piece
            await asyncio.sleep(pause)
        if then is not None:
            raise then

    async def generator(server, thread, message, context):
        async for event in stream_text(server, thread, words(), context):
            yield event

    return script(generator)


async def start(chat, text="hi"):
    """Post a message and return the stream, unread."""
    response = await chat.post({"type": "threads.create", "params": {"input": user_input(text)}})
    assert response.streaming, response.content
    return response, response.stream


async def read_until(stream, word):
    body = b""
    async for chunk in stream:
        body += chunk
        if word.encode() in body:
            return body
    raise AssertionError(f"{word} never came: {body!r}")


async def stored():
    return [(row.type, row.text) async for row in ThreadItem.objects.order_by("pk")]


STOPPED = ("sdk_hidden_context", "The user cancelled the stream. Stop responding to the prior request.")


# Shape


async def test_headers_of_a_stream(chat):
    say("hello")
    response, stream = await start(chat)
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache, no-transform"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Content-Encoding"] == "identity"
    await read_until(stream, "done")
    await stream.aclose()


async def test_first_event_creates_the_thread_and_the_user_message_is_echoed(chat):
    say("hello")
    reply = await chat.send("hi")
    kinds = [event.type for event in reply.events]
    assert kinds[:3] == ["thread.created", "thread.item.done", "stream_options"]
    assert isinstance(reply.items[0], types.UserMessageItem)


def test_no_event_is_written_by_hand():
    package = Path(inspect.getfile(django_chatkit)).parent
    for path in package.rglob("*.py"):
        assert not re.search(r"""["']data: """, path.read_text()), path


async def test_gzip_middleware_leaves_streams_alone(chat, settings):
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    say("hello " * 200)
    await chat.open_page()
    chat.headers["Accept-Encoding"] = "gzip"
    response, stream = await start(chat)
    body = await read_until(stream, "thread.created")
    assert response["Content-Encoding"] == "identity"
    assert not body.startswith(b"\x1f\x8b")
    await stream.aclose()
    reply = await chat.list_threads()
    if reply.response.get("Content-Encoding") == "gzip":
        assert json.loads(gzip.decompress(reply.body))


@override_settings(CHATKIT_HEARTBEAT_SECONDS=0.05)
async def test_silence_is_filled_with_comments_that_delay_nothing(chat):
    say("one", "two", pause=0.3)
    _, stream = await start(chat)
    chunks = [chunk async for chunk in stream]
    assert chunks.count(HEARTBEAT) >= 4
    frames = [frame for chunk in chunks for frame in chunk.split(b"\n\n") if frame]
    text = "".join(
        event.update.delta
        for event in map(parse_frame, frames)
        if getattr(getattr(event, "update", None), "delta", None)
    )
    assert text == "onetwo"
    assert not [item for item in await stored() if item == STOPPED]


async def test_answer_comes_piece_by_piece(chat):
    gate = asyncio.Event()

    async def generator(server, thread, message, context):
        yield types.ProgressUpdateEvent(text="before")
        await gate.wait()
        yield types.ProgressUpdateEvent(text="after")

    script(generator)
    _, stream = await start(chat)
    await asyncio.wait_for(read_until(stream, "before"), 5)
    gate.set()
    await asyncio.wait_for(read_until(stream, "after"), 5)
    await stream.aclose()


# Stop and lost connections


async def test_stop_keeps_what_was_seen_and_marks_it(chat):
    say(*[f"piece{n} " for n in range(100)], pause=0.02)
    _, stream = await start(chat)
    await read_until(stream, "piece3")
    await stream.aclose()
    kinds = await stored()
    assert kinds[0] == ("user_message", "hi")
    assert kinds[1][0] == "assistant_message"
    assert "piece3" in kinds[1][1]
    assert "piece99" not in kinds[1][1]
    assert kinds[2:] == [STOPPED]


async def test_a_thread_has_its_title_even_if_it_was_stopped_before_the_first_word(chat):
    async def generator(server, thread, message, context):
        yield types.ProgressUpdateEvent(text="Looking")
        await asyncio.sleep(60)

    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "Looking")
    await asyncio.sleep(0.3)
    await stream.aclose()
    assert (await Thread.objects.aget()).title == "hi"


async def test_a_title_is_kept_that_was_there_when_the_answer_was_stopped(chat, monkeypatch):
    named = asyncio.Event()

    async def title(self, thread, message, context):
        named.set()
        return "Named"

    async def generator(server, thread, message, context):
        await asyncio.wait_for(named.wait(), 5)
        yield types.ProgressUpdateEvent(text="Looking")
        await asyncio.sleep(60)

    monkeypatch.setattr(ScriptedServer, "get_title", title)
    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "Looking")
    await stream.aclose()
    assert (await Thread.objects.aget()).title == "Named"


async def test_stop_cancels_the_generator(chat):
    ended = asyncio.Event()

    async def generator(server, thread, message, context):
        try:
            yield types.ProgressUpdateEvent(text="thinking")
            await asyncio.sleep(60)
        finally:
            ended.set()

    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "thinking")
    await asyncio.wait_for(stream.aclose(), 2)
    assert ended.is_set()
    assert (await stored())[-1] == STOPPED


async def test_after_a_stop_the_next_message_works(chat):
    say("first", pause=0.2)
    _, stream = await start(chat)
    await read_until(stream, "first")
    await stream.aclose()
    say("second")
    thread = await Thread.objects.aget()
    assert (await chat.send("again", thread_id=thread.thread_id)).text == "second"


async def test_reader_that_stops_reading_holds_little_and_loses_nothing(chat):
    """Cancelled while it is blocked handing over, not while it waits for the model."""
    produced = []

    async def generator(server, thread, message, context):
        item = assistant(thread)
        yield types.ThreadItemAddedEvent(item=item)
        for number in range(1000):
            produced.append(number)
            part = types.AssistantMessageContentPartTextDelta(content_index=0, delta=f"<{number}>")
            yield updated(item, part)
        await asyncio.sleep(60)

    script(generator)
    _, stream = await start(chat)
    await asyncio.sleep(0.3)
    assert len(produced) < 100, "a slow reader must slow the answer down"
    await stream.aclose()
    rows = await stored()
    assert rows[-1] == STOPPED
    assert f"<{produced[60]}>" in rows[1][1], "everything that was handed over is kept"


async def test_reader_that_never_comes_back_ends_the_answer(chat, monkeypatch):
    monkeypatch.setattr("django_chatkit.streaming.READER_SECONDS", 0.2)

    async def generator(server, thread, message, context):
        item = assistant(thread)
        yield types.ThreadItemAddedEvent(item=item)
        while True:
            part = types.AssistantMessageContentPartTextDelta(content_index=0, delta="more ")
            yield updated(item, part)
            await asyncio.sleep(0)

    script(generator)
    _, stream = await start(chat)
    await asyncio.wait_for(stream.producer, 5)
    assert (await stored())[-1] == STOPPED


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_cancelled_again_while_the_partial_answer_is_saved(chat, times, monkeypatch):
    original = DjangoStore.add_thread_item

    async def slow(self, *args, **kwargs):
        await asyncio.sleep(0.1)
        await original(self, *args, **kwargs)

    say("first ", "second ", pause=0.05)
    _, stream = await start(chat)
    await read_until(stream, "first")
    monkeypatch.setattr(DjangoStore, "add_thread_item", slow)

    async def read_on():
        try:
            async for _ in stream:
                pass
        finally:
            await stream.aclose()

    task = asyncio.create_task(read_on())
    await asyncio.sleep(0.01)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.03)
    with suppress(asyncio.CancelledError):
        await task
    rows = await stored()
    assert rows[1][0] == "assistant_message"
    assert rows[-1] == STOPPED


async def test_stop_after_a_tool_call_closes_the_call(chat):
    async def generator(server, thread, message, context):
        call = types.ClientToolCallItem(
            id="tc_1", thread_id=thread.id, created_at=datetime.now(), call_id="c", name="n", arguments={}
        )
        yield types.ThreadItemDoneEvent(item=call)
        await asyncio.sleep(60)

    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "tc_1")
    await asyncio.sleep(0.05)
    await stream.aclose()
    assert "client_tool_call" not in [kind for kind, _ in await stored()]


async def test_workflow_survives_a_stop(chat):
    async def generator(server, thread, message, context):
        item = types.WorkflowItem(
            id="wf_1",
            thread_id=thread.id,
            created_at=datetime.now(),
            workflow=types.Workflow(type="custom", tasks=[]),
        )
        yield types.ThreadItemAddedEvent(item=item)
        task = types.CustomTask(title="Looked it up")
        yield updated(item, types.WorkflowTaskAdded(task_index=0, task=task))
        await asyncio.sleep(60)

    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "Looked it up")
    await stream.aclose()
    assert "Looked it up" in dict(await stored())["workflow"]


def card(text, **more):
    children = [
        {"type": "Text", "id": "t", "value": text, **more},
        {"type": "Badge", "id": "b", "label": "new"},
    ]
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": children})


async def streamed_widget(server, thread, message, context):
    """Grows by two words and changes a part; then it waits for ever."""

    async def states():
        yield card("One", streaming=True)
        yield card("One two", streaming=True)
        yield card("One two three", streaming=True)
        await asyncio.sleep(60)

    async for event in stream_widget(thread, states()):
        yield event


async def test_streaming_widget_survives_a_stop(chat):
    script(streamed_widget)
    _, stream = await start(chat)
    await read_until(stream, " three")
    await stream.aclose()
    item = await ThreadItem.objects.aget(type="widget")
    assert item.text == "One two three\nnew"
    assert '"streaming":true' not in item.data  # it will not go on
    assert (await stored())[-1] == STOPPED


async def test_streaming_widget_survives_a_failure_and_a_kill(chat, monkeypatch):
    monkeypatch.setattr("django_chatkit.runs.SAVE_SECONDS", 0)

    async def generator(server, thread, message, context):
        root = card("One", streaming=True)
        item = types.WidgetItem(id="w", thread_id=thread.id, created_at=datetime.now(), widget=root)
        yield types.ThreadItemAddedEvent(item=item)
        delta = types.WidgetStreamingTextValueDelta(component_id="t", delta=" two", done=True)
        yield updated(item, delta)
        part = DynamicWidgetComponent.model_validate({"type": "Badge", "id": "b", "label": "old"})
        yield updated(item, types.WidgetComponentUpdated(component_id="b", component=part))
        seen.append((await ThreadItem.objects.aget(item_id="w")).text)
        raise ValueError

    seen = []
    script(generator)
    reply = await chat.send("hi")
    assert seen == ["One two\nold"]
    assert len(reply.errors) == 1
    [done] = [item for item in reply.items if item.type == "widget"]
    assert done.widget.children[0].value == "One two"
    assert (await ThreadItem.objects.aget(item_id="w")).text == "One two\nold"


async def test_task_survives_a_stop(chat):
    async def generator(server, thread, message, context):
        task = types.CustomTask(title="Looking", status_indicator="loading")
        item = types.TaskItem(id="t_1", thread_id=thread.id, created_at=datetime.now(), task=task)
        yield types.ThreadItemAddedEvent(item=item)
        await asyncio.sleep(60)

    script(generator)
    _, stream = await start(chat)
    await read_until(stream, "Looking")
    await stream.aclose()
    item = await ThreadItem.objects.aget(type="task")
    assert item.text.strip() == "Looking"
    assert "loading" not in item.data


async def test_response_that_nobody_reads_ends(chat):
    ended = asyncio.Event()

    async def generator(server, thread, message, context):
        try:
            yield types.ProgressUpdateEvent(text="x")
            await asyncio.sleep(60)
        finally:
            ended.set()

    script(generator)
    response, _stream = await start(chat)
    await sync_to_async(response.stream.close)()
    await asyncio.wait_for(ended.wait(), 2)


async def test_no_task_is_left_behind(chat):
    before = len(asyncio.all_tasks())
    for _ in range(5):
        say("word ", "word ", "word ", pause=0.02)
        _, stream = await start(chat)
        await read_until(stream, "word")
        await stream.aclose()
        await chat.send("whole")
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


# Failures on the way


@pytest.mark.parametrize("debug", [False, True])
async def test_failure_half_way_keeps_the_text_and_is_one_error(chat, caplog, settings, debug):
    settings.DEBUG = debug
    say("half an ", "answer", then=RuntimeError("sk-live-secret"))
    reply = await chat.send("hi")
    assert [event.type for event in reply.events][-1] == "error"
    (error,) = reply.errors
    assert error.allow_retry
    assert error.message.startswith("Something went wrong")
    assert b"sk-live-secret" not in reply.body
    assert ("assistant_message", "half an answer") in await stored()
    thread = await Thread.objects.aget()
    assert thread.thread_id in caplog.text
    assert ("sk-live-secret" in caplog.text) is debug


async def test_custom_error_is_shown_as_it_is(chat):
    say("so far", then=CustomStreamError("Ask again tomorrow.", allow_retry=False))
    reply = await chat.send("hi")
    assert [(error.message, error.allow_retry) for error in reply.errors] == [("Ask again tomorrow.", False)]
    assert ("assistant_message", "so far") in await stored()


async def test_library_that_cancels_itself_is_an_error_and_not_a_stop(chat):
    say("so far", then=asyncio.CancelledError())
    reply = await chat.send("hi")
    assert len(reply.errors) == 1
    assert ("assistant_message", "so far") in await stored()
    assert STOPPED not in await stored()


async def test_stream_error_keeps_its_code(chat):
    say("so far", then=StreamError(ErrorCode.STREAM_ERROR, allow_retry=True))
    reply = await chat.send("hi")
    assert [error.code for error in reply.errors] == [ErrorCode.STREAM_ERROR]


async def test_answer_that_takes_too_long_ends_with_an_error(chat):
    ScriptedServer.timeout = 0.3
    say("a ", "b ", pause=60)
    reply = await asyncio.wait_for(chat.send("hi"), 5)
    (error,) = reply.errors
    assert error.message == "The answer took too long."
    assert ("assistant_message", "a ") in await stored()
    assert STOPPED not in await stored()


async def test_time_is_up_while_the_reader_rests(chat):
    """What is ready still comes; the answer ends where it waits next, and that is no stop."""
    ScriptedServer.timeout = 0.2
    say(*[f"piece{number} " for number in range(100)], then=RuntimeError("never reached"))
    _, stream = await start(chat)
    await asyncio.sleep(0.4)
    body = b"".join([chunk async for chunk in stream])
    events = [parse_frame(frame) for frame in frames(body)]
    assert [event.message for event in events if event.type == "error"] == ["The answer took too long."]
    kinds = dict(await stored())
    assert STOPPED not in kinds.items()
    assert kinds["assistant_message"].split()[:50] == [f"piece{number}" for number in range(50)]


async def test_answer_takes_no_timer_for_each_piece(chat, monkeypatch):
    """They were half of what a piece costs."""
    loop = asyncio.get_running_loop()
    original, timers = loop.call_at, []

    def call_at(when, callback, *args, **kwargs):
        timers.append(callback)
        return original(when, callback, *args, **kwargs)

    monkeypatch.setattr(loop, "call_at", call_at)
    say(*[f"piece{number} " for number in range(200)])
    reply = await chat.send("hi")
    assert "piece199" in reply.text
    assert len(timers) < 20, timers


async def test_answer_without_an_end_ends_with_an_error(chat, monkeypatch):
    """Not every server stops for a reader who takes nothing."""
    monkeypatch.setattr("django_chatkit.runs.MAX_SIZE", 50_000)

    async def generator(server, thread, message, context):
        async for event in stream_text(server, thread, endless(), context):
            yield event

    async def endless():
        while True:
            yield "x" * 1000

    script(generator)
    reply = await chat.send("hi")
    assert [error.message for error in reply.errors] == ["The answer took too long."]
    assert 30_000 < len(reply.text) < 50_000
    assert ("assistant_message", reply.text) in await stored()


async def test_error_message_is_in_the_persons_language(chat):
    say("x", then=RuntimeError("boom"))
    chat.headers["Accept-Language"] = "de"
    (error,) = (await chat.send("hi")).errors
    assert error.message == "Beim Antworten ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal."


async def test_text_is_saved_about_every_second(chat, monkeypatch):
    monkeypatch.setattr("django_chatkit.runs.SAVE_SECONDS", 0.05)
    say("one ", "two ", "three ", pause=0.08)
    _, stream = await start(chat)
    await read_until(stream, "two")
    saved = dict(await stored()).get("assistant_message", "")
    assert saved.startswith("one")
    await read_until(stream, "thread.item.done")
    await stream.aclose()
    assert [kind for kind, _ in await stored()].count("assistant_message") == 1


async def test_failing_to_save_a_partial_answer_does_not_end_it(chat, monkeypatch, caplog):
    monkeypatch.setattr("django_chatkit.runs.SAVE_SECONDS", 0.0)
    original = DjangoStore.add_thread_item
    calls = []

    async def sometimes(self, thread_id, item, context):
        calls.append(item)
        if item.type == "assistant_message" and len(calls) < 4:
            raise RuntimeError("database away")
        await original(self, thread_id, item, context)

    monkeypatch.setattr(DjangoStore, "add_thread_item", sometimes)
    say("one ", "two ", "three")
    reply = await chat.send("hi")
    assert not reply.errors
    assert ("assistant_message", "one two three") in await stored()
    assert "partial answer could not be saved" in caplog.text


async def test_database_failure_at_done_is_an_error_event_and_a_clean_end(chat, monkeypatch):
    original = DjangoStore.add_thread_item

    async def broken(self, thread_id, item, context):
        if item.type == "assistant_message":
            raise RuntimeError("database away")
        await original(self, thread_id, item, context)

    say("answer")
    monkeypatch.setattr(DjangoStore, "add_thread_item", broken)
    reply = await chat.send("hi")
    assert len(reply.errors) == 1
    done = [item for item in reply.items if item.type == "assistant_message"]
    assert not done, "nothing is announced as done that is not stored"


async def test_failure_in_the_final_save_is_one_error_event(chat, monkeypatch):
    async def broken(self, thread, context):
        raise RuntimeError("database away")

    async def generator(server, thread, message, context):
        monkeypatch.setattr(DjangoStore, "save_thread", broken)
        yield types.ProgressUpdateEvent(text="x")
        thread.metadata = {"a": 1}

    script(generator)
    reply = await chat.send("hi")
    assert len(reply.errors) == 1
    assert reply.events[-1].type == "error"


@pytest.mark.parametrize("again", [False, True])
async def test_no_thread_without_its_first_message(chat, monkeypatch, caplog, again):
    async def broken(self, *args, **kwargs):
        raise OperationalError("database away")

    say("x")
    monkeypatch.setattr(DjangoStore, "add_thread_item", broken)
    if again:
        monkeypatch.setattr(DjangoStore, "delete_thread", broken)
    reply = await chat.send("hi")
    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert await Thread.objects.acount() == again
    assert ("without a message" in caplog.text) is again


async def test_whatever_the_sdk_lets_through_is_one_error_event(chat, monkeypatch):
    """And the hook for its message may query the database."""

    async def broken(self, request, context):
        for number in range(2):
            yield types.ProgressUpdateEvent(text=str(number))
        raise RuntimeError("database away")

    def get_error_message(self, error, context):
        return f"{get_user_model().objects.count()} of us are sorry", False

    say("x")
    monkeypatch.setattr(ScriptedServer, "get_error_message", get_error_message)
    monkeypatch.setattr(ChatKitServer, "_process_streaming_impl", broken)
    reply = await chat.send("hi")
    assert [error.message for error in reply.errors] == ["1 of us are sorry"]


async def test_failure_before_the_first_event_is_a_status(chat, monkeypatch):
    async def broken(self, thread, context):
        raise RuntimeError("database away")

    say("x")
    monkeypatch.setattr(DjangoStore, "save_thread", broken)
    reply = await chat.send("hi")
    assert (reply.status, reply.json["code"]) == (500, "server_error")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("method", ["save_thread", "add_thread_item"])
async def test_what_the_sdk_logs_quotes_nothing(chat, monkeypatch, caplog, settings, debug, method):
    """A database's error names its address, and may hold the row that it refused."""

    text = f"Failing row contains ({'what Ann'} wrote)"

    async def broken(self, *args, **kwargs):
        raise OperationalError(text)

    settings.DEBUG = debug
    say("x")
    monkeypatch.setattr(DjangoStore, method, broken)
    await chat.send("hi")
    assert "OperationalError" in caplog.text
    assert ("what Ann wrote" in caplog.text) is debug


async def test_refusals_are_no_failures_in_the_log(chat, monkeypatch, caplog):
    async def too_late(self, *args, **kwargs):
        raise NotFoundError("Thread thr_1 not found")

    monkeypatch.setattr(DjangoStore, "save_thread", too_late)
    assert (await chat.send("hi")).status == 404
    assert [record for record in caplog.records if record.name == "chatkit" and record.exc_info] == []
    assert "ERROR" not in caplog.text


async def test_half_characters_do_not_break_the_stream(chat):
    say("before \ud83d", " after")
    reply = await chat.send("hi")
    assert not reply.errors
    assert reply.text == "before \ufffd after"
    assert ("assistant_message", "before \ufffd after") in await stored()


# Somebody else changes things meanwhile


async def test_rename_and_lock_during_an_answer_survive_it(chat, user):
    async def generator(server, thread, message, context):
        yield types.ThreadItemDoneEvent(item=assistant(thread, text="one"))
        await Thread.objects.filter(thread_id=thread.id).aupdate(title="Renamed", status="locked")
        thread.metadata = {"a": 1}
        yield types.ThreadItemDoneEvent(item=assistant(thread, "msg_b", "two"))

    script(generator)
    reply = await chat.send("hi")
    row = await Thread.objects.aget()
    assert (row.title, row.status, row.metadata) == ("Renamed", "locked", {"a": 1})
    told = [event.thread for event in reply.events if isinstance(event, types.ThreadUpdatedEvent)]
    assert (told[-1].title, told[-1].status.type) == ("Renamed", "locked")


async def test_thread_deleted_during_an_answer_stays_deleted(chat):
    async def generator(server, thread, message, context):
        item = assistant(thread)
        yield types.ThreadItemAddedEvent(item=item)
        await Thread.objects.filter(thread_id=thread.id).adelete()
        yield types.ThreadItemDoneEvent(item=assistant(thread, text="too late"))

    script(generator)
    reply = await chat.send("hi")
    assert len(reply.errors) == 1
    assert not await Thread.objects.aexists()
    assert not await ThreadItem.objects.aexists()


async def test_user_deleted_during_an_answer_is_an_error_event(chat, user):
    async def generator(server, thread, message, context):
        yield types.ProgressUpdateEvent(text="x")
        await sync_to_async(get_user_model().objects.all().delete)()
        yield types.ThreadItemDoneEvent(item=assistant(thread, text="to nobody"))

    script(generator)
    reply = await chat.send("hi")
    assert reply.status == 200
    assert len(reply.errors) == 1
    assert not await ThreadItem.objects.aexists()
    assert (await chat.list_threads()).status == 401


# Hidden


async def test_hidden_items_are_stored_and_never_sent(chat):
    def hidden(thread, item_id, text):
        return types.HiddenContextItem(
            id=item_id, thread_id=thread.id, created_at=datetime.now(), content=text
        )

    async def generator(server, thread, message, context):
        yield types.ThreadItemAddedEvent(item=hidden(thread, "h1", "SECRET one"))
        yield types.ThreadItemDoneEvent(item=hidden(thread, "h1", "SECRET two"))
        yield types.ThreadItemReplacedEvent(item=hidden(thread, "h1", "SECRET three"))
        thread.metadata = {"note": "SECRET four"}
        yield types.ThreadItemDoneEvent(item=assistant(thread, text="visible"))

    script(generator)
    reply = await chat.send("hi")
    assert b"SECRET" not in reply.body
    assert ("hidden_context_item", "SECRET three") in await stored()
    for later in (
        await chat.get_thread(reply.thread_id),
        await chat.list_items(reply.thread_id),
        await chat.list_threads(),
    ):
        assert b"SECRET" not in later.body
    assert (await Thread.objects.aget()).metadata == {"note": "SECRET four"}


# Tool calls and questions


def ask_for_a_tool(thread):
    return types.ClientToolCallItem(
        id="tc_1", thread_id=thread.id, created_at=datetime.now(), call_id="c", name="n", arguments={}
    )


async def test_tool_output_is_accepted_exactly_once(chat):
    async def generator(server, thread, message, context):
        if message is not None:
            yield types.ThreadItemDoneEvent(item=ask_for_a_tool(thread))
            yield types.ThreadItemDoneEvent(
                item=types.HiddenContextItem(
                    id="h", thread_id=thread.id, created_at=datetime.now(), content="behind the call"
                )
            )
        else:
            yield types.ThreadItemDoneEvent(item=assistant(thread, text="thanks"))

    script(generator)
    created = await chat.send("hi")
    first = await chat.give_tool_output(created.thread_id, {"answer": 42})
    assert first.text == "thanks"
    (await chat.give_tool_output(created.thread_id, "no")).assert_refused(409, "not_pending")
    call = await ThreadItem.objects.aget(item_id="tc_1")
    assert json.loads(call.data)["output"] == {"answer": 42}


@pytest.mark.parametrize("make", ["ask_for_a_tool", "ask_a_question"])
async def test_nothing_follows_a_pending_question_not_even_the_title(chat, make):
    async def generator(server, thread, message, context):
        yield types.ThreadItemDoneEvent(item=globals()[make](thread))

    script(generator)
    created = await chat.send("what about this")
    assert isinstance(created.events[-1], types.ThreadItemDoneEvent)
    titles = [event.thread.title for event in created.events if isinstance(event, types.ThreadUpdatedEvent)]
    assert titles == ["what about this"]


async def test_tool_output_with_none_pending_is_409(chat):
    say("hello")
    created = await chat.send("hi")
    (await chat.give_tool_output(created.thread_id, 1)).assert_refused(409, "not_pending")


def ask_a_question(thread, item_id="q_1"):
    question = types.StructuredInputFreeform(id="q", question="Why?")
    return types.StructuredInputItem(
        id=item_id, thread_id=thread.id, created_at=datetime.now(), inputs=[question]
    )


async def test_question_is_answered_exactly_once(chat):
    async def generator(server, thread, message, context):
        if message is not None:
            yield types.ThreadItemDoneEvent(item=ask_a_question(thread))
        else:
            yield types.ThreadItemDoneEvent(item=assistant(thread, text="I see"))

    script(generator)
    created = await chat.send("hi")
    first = await chat.answer(created.thread_id, "q_1", {"q": "because"})
    replaced = first.get(types.ThreadItemReplacedEvent)
    assert replaced.item.inputs[0].answer.values == ["because"]
    second = await chat.answer(created.thread_id, "q_1", {"q": "changed my mind"})
    second.assert_refused(409, "not_pending")
    (await chat.skip(created.thread_id, created.items[0].id)).assert_refused(400, "invalid_request")
    rows = await chat.load(created.thread_id)
    assert rows[1]["inputs"][0]["answer"]["values"] == ["because"]


async def test_answer_that_loses_the_race_is_refused(chat, user, monkeypatch):
    """Two tabs: the second passed the checks before the first was stored. Nothing was sent yet."""

    async def generator(server, thread, message, context):
        if message is not None:
            yield types.ThreadItemDoneEvent(item=ask_a_question(thread))
        else:
            yield types.ThreadItemDoneEvent(item=assistant(thread, text="I see"))

    script(generator)
    created = await chat.send("hi")
    server = ScriptedServer()
    contexts = [ChatKitContext(user=user) for _ in range(2)]

    def body(value):
        answers = {"q": {"values": [value]}}
        params = {"thread_id": created.thread_id, "item_id": "q_1", "input": {"answers": answers}}
        return json.dumps({"type": "threads.add_structured_input", "params": params})

    first, second = [await server.process(body(str(n)), contexts[n]) for n in range(2)]
    save_item, said = DjangoStore.save_item, []

    async def save_late(self, *args, **kwargs):
        """Both have loaded the question before either has answered it."""
        monkeypatch.undo()
        said.append(b"".join([chunk async for chunk in second]))
        await save_item(self, *args, **kwargs)

    monkeypatch.setattr(DjangoStore, "save_item", save_late)
    with pytest.raises(NotPending):
        await anext(aiter(first))
    assert said[0].index(b"stream_options") < said[0].index(b"item.replaced") < said[0].index(b"I see")
    rows = await chat.load(created.thread_id)
    assert len(rows[1]["inputs"][0]["answer"]["values"]) == 1


async def test_action_reaches_the_server_with_its_widget(chat):
    seen = []

    async def generator(server, thread, message, context):
        widget = types.WidgetItem.model_validate(
            {
                "id": "w_1",
                "thread_id": thread.id,
                "created_at": datetime.now(),
                "widget": {
                    "type": "Card",
                    "children": [
                        {
                            "type": "Button",
                            "label": "Go",
                            "onClickAction": {"type": "go", "payload": {"k": 1}},
                        }
                    ],
                },
            }
        )
        yield types.ThreadItemDoneEvent(item=widget)

    async def action(self, thread, action, sender, context):
        seen.append((action.type, action.payload, sender.id, context.user.username))
        yield types.ThreadItemDoneEvent(item=assistant(thread, text="clicked"))

    script(generator)
    ScriptedServer.action = action
    try:
        created = await chat.send("hi")
        reply = await chat.act(created.thread_id, "go", {"k": 1}, item_id="w_1")
    finally:
        del ScriptedServer.action
    assert reply.text == "clicked"
    assert seen == [("go", {"k": 1}, "w_1", "ann")]


# The two pieces by themselves


async def test_uninterrupted_finishes_and_returns():
    done = []

    async def work():
        await asyncio.sleep(0.05)
        done.append(1)
        return "result"

    async def outer():
        return await uninterrupted(work())

    task = asyncio.create_task(outer())
    await asyncio.sleep(0.01)
    task.cancel()
    assert await task == "result"
    assert done == [1]


async def test_an_empty_or_failing_source():
    async def empty():
        return
        yield b""

    async def failing():
        raise ValueError("early")
        yield b""

    async def broken():
        yield b"one"
        raise ValueError("late")

    stream = EventStream(empty(), 15)
    await stream.start()
    assert [chunk async for chunk in stream] == []
    with pytest.raises(ValueError, match="early"):
        await EventStream(failing(), 15).start()
    stream = EventStream(broken(), 15)
    await stream.start()
    assert [chunk async for chunk in stream] == [b"one"]
    await stream.aclose()
    await EventStream(empty(), 15).aclose()
