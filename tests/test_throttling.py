"""How often somebody may do something: counted in the cache, refused before anything is kept."""

import time

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from django_chatkit import events, throttling
from django_chatkit.actions import on_action
from django_chatkit.models import Attachment, Feedback, Thread, ThreadItem
from django_chatkit.server import DjangoChatKitServer
from django_chatkit.testing import ChatKitClient
from django_chatkit.throttling import Rate, count
from tests import files
from tests.servers import CuriousServer, EchoServer, FileServer, PublicServer, TwoPhaseServer

from chatkit import types

pytestmark = pytest.mark.django_db


class InsistentServer(DjangoChatKitServer):
    """Never says its last word: it asks, or calls the page, each time."""

    page_actions = ("go on",)
    asks = True

    async def respond(self, thread, input_user_message, context):
        if self.asks:
            yield events.ask(thread, "And then?")
            return
        call = types.ClientToolCallItem(**events.new_item(thread), call_id="c", name="look", arguments={})
        yield types.ThreadItemDoneEvent(item=call)

    @on_action("go on")
    def go_on(self, action):
        return action.answer()


@pytest.fixture
def insistent(settings, chat):
    settings.CHATKIT_SERVERS = {"default": f"{__name__}.InsistentServer"}
    return chat


@pytest.fixture(autouse=True)
def frozen(monkeypatch):
    """A clock that stands still, at the beginning of an hour."""
    cache.clear()
    moment = [1_000_800.0]
    monkeypatch.setattr(throttling.time, "time", lambda: moment[0])
    yield moment
    cache.clear()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30/m", Rate(30, 60)),
        ("1/s", Rate(1, 1)),
        ("100/10m", Rate(100, 600)),
        ("5/h", Rate(5, 3600)),
        ("1000/2d", Rate(1000, 172800)),
    ],
)
def test_rates(text, rate):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "30", "30/", "/m", "0/m", "-1/m", "3/0m", "30/minute", "1.5/m", "3/m\n"]
)
def test_no_rates(text):
    with pytest.raises(ValueError, match="is no rate"):
        Rate.parse(text)


def test_counting(frozen):
    rate = Rate(2, 60)
    frozen[0] += 10
    assert [count("message", "ann", rate) for _ in range(4)] == [0, 0, 50, 50]
    assert count("message", "bob", rate) == 0
    assert count("search", "ann", rate) == 0
    frozen[0] += 50
    assert count("message", "ann", rate) == 0


def test_a_cache_that_keeps_nothing(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert [count("message", "ann", Rate(1, 60)) for _ in range(3)] == [0, 0, 0]


def test_caches_with_a_short_memory(settings, tmp_path, frozen):
    """Those in files and in the database forget after five minutes what incr() has written."""
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path), "TIMEOUT": 300}}
    assert [count("message", "ann", Rate(1, 3600)) for _ in range(2)] == [0, 3600]
    frozen[0] += 301
    assert count("message", "ann", Rate(1, 3600)) == 3299


def test_a_cache_that_fails_lets_people_chat(monkeypatch, caplog):
    def fail(self, *args, **kwargs):
        raise ConnectionError("redis://:password@host")

    monkeypatch.setattr(LocMemCache, "add", fail)
    assert count("message", "ann", Rate(1, 60)) == 0
    assert "Requests could not be counted" in caplog.text
    assert "ConnectionError" in caplog.text


# Messages


async def test_messages_are_refused_before_anything_is_kept(chat, other_chat, monkeypatch):
    monkeypatch.setattr(EchoServer, "message_rate", "2/h")
    reply = await chat.send("one")
    await chat.send("two", thread_id=reply.thread_id)
    items = await ThreadItem.objects.acount()
    for refused in (await chat.send("three", thread_id=reply.thread_id), await chat.send("three")):
        assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
        assert refused.json["message"] == "That was too much at once. Try again in 3600 seconds."
        assert refused.response["Retry-After"] == "3600"
    assert await ThreadItem.objects.acount() == items
    assert await Thread.objects.acount() == 1
    assert (await chat.list_threads()).status == 200  # reading is free
    assert not (await other_chat.send("one")).errors


async def test_the_window_passes(chat, monkeypatch, frozen):
    monkeypatch.setattr(EchoServer, "message_rate", "1/m")
    await chat.send("one")
    assert (await chat.send("two")).status == 429
    frozen[0] += 60
    assert (await chat.send("three")).text.startswith("You said")


async def test_retries_and_dictation_count(chat, monkeypatch):
    reply = await chat.send("one")
    monkeypatch.setattr(EchoServer, "message_rate", "1/h")
    message = await ThreadItem.objects.aget(type="user_message")
    retry = {"thread_id": reply.thread_id, "item_id": message.item_id}
    assert not (await chat.request("threads.retry_after_item", **retry)).errors
    items = [item async for item in ThreadItem.objects.values_list("item_id", flat=True)]
    assert (await chat.request("threads.retry_after_item", **retry)).status == 429
    assert [item async for item in ThreadItem.objects.values_list("item_id", flat=True)] == items
    sound = {"audio_base64": "eA==", "mime_type": "audio/webm"}
    assert (await chat.request("input.transcribe", **sound)).status == 429


@pytest.mark.parametrize("way", ["answers", "calls of the page", "actions"])
async def test_everything_that_a_model_may_answer_counts(insistent, monkeypatch, way):
    """A model that is talked into one more question each time would run for nothing."""
    monkeypatch.setattr(InsistentServer, "asks", way != "calls of the page")
    reply = await insistent.send("one")
    thread_id = reply.thread_id
    monkeypatch.setattr(InsistentServer, "message_rate", "1/h")

    async def go_on(reply):
        if way == "answers":
            return await insistent.answer(thread_id, reply.items[-1].id, {"q1": "x"})
        if way == "actions":
            return await insistent.act(thread_id, "go on")
        return await insistent.give_tool_output(thread_id, {})

    second = await go_on(reply)
    assert (second.status, second.errors) == (200, [])
    before = [row async for row in ThreadItem.objects.values_list("item_id", "data")]
    assert (await go_on(second)).status == 429
    assert [row async for row in ThreadItem.objects.values_list("item_id", "data")] == before
    monkeypatch.setattr(InsistentServer, "message_rate", None)
    assert (await go_on(second)).status == 200  # what waits can still be answered


async def test_why_an_answer_was_bad_does_not_count(user, monkeypatch):
    chat = ChatKitClient(user, "curious")
    monkeypatch.setattr(CuriousServer, "message_rate", "1/h")
    reply = await chat.send("hi")
    await chat.feedback(reply.thread_id, reply.items[-1].id, kind="negative")
    [*_others, question] = await chat.load(reply.thread_id)
    assert not (await chat.answer(reply.thread_id, question["id"], {"reason": "The tone"})).errors
    assert (await Feedback.objects.aget()).reason == "The tone"


async def test_each_person_may_have_another_rate(chat, monkeypatch):
    monkeypatch.setattr(EchoServer, "get_message_rate", lambda self, context: None if context.user else "1/h")
    assert [(await chat.send(word)).status for word in ("one", "two", "three")] == [200, 200, 200]


async def test_visitors_are_counted_by_session_and_before_that_by_address(monkeypatch):
    monkeypatch.setattr(PublicServer, "message_rate", "1/h")
    visitor = ChatKitClient(server="public")
    assert (await visitor.send("one")).status == 200  # by the address: there was no session yet
    assert (await visitor.send("two")).status == 200
    assert (await visitor.send("three")).status == 429
    stranger = ChatKitClient(server="public")
    assert (await stranger.send("one")).status == 429
    assert await Thread.objects.acount() == 2


@pytest.mark.parametrize("server", ["files", "two-phase"])
async def test_a_new_identity_for_each_file_is_counted_by_address(server, monkeypatch):
    """An upload begins a session too, whose messages have a limit of their own."""
    monkeypatch.setattr(FileServer, "message_rate", "1/h")
    monkeypatch.setattr(TwoPhaseServer, "message_rate", "1/h")
    visitor = ChatKitClient(server=server)
    assert (await visitor.upload("a.png", files.PNG, "image/png")).status == 200
    assert (await visitor.upload("b.png", files.PNG, "image/png")).status == 200
    assert (await visitor.send("one")).status == 200
    stranger = ChatKitClient(server=server)
    assert (await stranger.upload("a.png", files.PNG, "image/png")).status == 429
    assert await Attachment.objects.acount() == 2
    assert "sessionid" not in stranger.client.cookies


async def test_another_key(chat, other_chat, monkeypatch):
    monkeypatch.setattr(EchoServer, "message_rate", "1/h")
    monkeypatch.setattr(EchoServer, "get_throttle_key", lambda self, context: "the whole company")
    assert (await chat.send("one")).status == 200
    assert (await other_chat.send("one")).status == 429


def test_the_clock_is_real():
    assert throttling.time is time
