"""Thumbs, and the question why an answer was bad: when it is asked, what becomes of the answer."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from agents import Agent
from asgiref.sync import async_to_sync
from django.db import connections

from django_chatkit.context import ChatKitContext
from django_chatkit.feedback import FeedbackQuestion
from django_chatkit.models import Feedback, Thread, ThreadItem, feedback as feedback_models
from django_chatkit.servers import servers
from django_chatkit.signals import feedback_explained
from django_chatkit.testing import ChatKitClient
from tests.agent_servers import ModelServer
from tests.openai_api import Answer, OpenAIAPI
from tests.servers import CuriousServer
from tests.test_views import assert_refused

pytestmark = pytest.mark.django_db
UPDATES = "X-ChatKit-Updates"


@pytest.fixture
def chat(user):
    return ChatKitClient(user=user, server="curious")


@pytest.fixture
def heard():
    """What receivers of the signal were told."""
    said = []

    def hear(sender, **kwargs):
        said.append((kwargs["thread_id"], kwargs["item_ids"], kwargs["reason"]))

    feedback_explained.connect(hear, weak=False)
    yield said
    feedback_explained.disconnect(hear)


async def rate(chat, reply, kind="negative", ids=None):
    ids = ids or [item.id for item in reply.items if item.type != "user_message"]
    rated = await chat.request("items.feedback", thread_id=reply.thread_id, item_ids=ids, kind=kind)
    assert (rated.status, rated.json) == (200, {})
    return rated.response.headers.get(UPDATES) == "1"


async def question_of(chat, thread_id):
    items = [item for item in await chat.load(thread_id) if item["type"] == "structured_input"]
    return items[-1] if items else None


def answer(chat, thread_id, item_id, *values, skipped=False):
    status = "skipped" if skipped else "answered"
    answers = {"reason": {"values": list(values), "skipped": skipped}}
    body = {"status": status, "answers": answers}
    return chat.request("threads.add_structured_input", thread_id=thread_id, item_id=item_id, input=body)


async def ask(chat):
    """A thread whose answer was rated, and the question in it."""
    reply = await chat.send("hi")
    assert await rate(chat, reply)
    return reply.thread_id, (await question_of(chat, reply.thread_id))["id"]


async def rows():
    found = Feedback.objects.order_by("pk").values_list("kind", "is_main", "reason")
    return [row async for row in found]


async def test_why_is_asked_after_thumbs_down(chat):
    reply = await chat.send("hi")
    assert await rate(chat, reply)
    question = await question_of(chat, reply.thread_id)
    assert question["status"] == "pending"
    [put] = question["inputs"]
    assert put["question"] == "What was wrong?"
    assert [option["value"] for option in put["options"]] == ["All of it", "The tone"]
    row = await Feedback.objects.select_related("question").aget()
    assert (row.kind, row.question.item_id, row.reason) == ("negative", question["id"], "")


async def test_the_reason_is_kept_and_the_server_does_not_answer(chat, heard, monkeypatch):
    thread_id, question = await ask(chat)

    def never(self, message, context):
        raise AssertionError("the server was asked")

    monkeypatch.setattr(CuriousServer, "reply", never)
    reply = await answer(chat, thread_id, question, "The tone", "and the length")
    assert reply.errors == []
    assert reply.text == "Noted."
    assert [event.type for event in reply.events if event.type.startswith("thread.item")] == [
        "thread.item.replaced",
        "thread.item.done",
    ]
    row = await Feedback.objects.select_related("item").aget()
    assert row.reason == "The tone\nand the length"
    assert heard == [(thread_id, [row.item.item_id], "The tone\nand the length")]
    assert [item["type"] for item in await chat.load(thread_id)] == [
        *("user_message", "assistant_message", "structured_input", "assistant_message"),
    ]
    monkeypatch.undo()
    assert (await chat.send("again", thread_id=thread_id)).text.strip() == "You said: again"


async def test_skipping_is_an_answer_too(chat, heard):
    thread_id, question = await ask(chat)
    reply = await answer(chat, thread_id, question, skipped=True)
    assert (reply.errors, reply.items, heard) == ([], [], [])
    assert (await question_of(chat, thread_id))["status"] == "skipped"
    assert await rows() == [("negative", True, "")]
    assert (await chat.send("again", thread_id=thread_id)).text


async def test_it_is_asked_once_for_an_answer(chat):
    reply = await chat.send("hi")
    assert await rate(chat, reply)
    assert not await rate(chat, reply)
    question = await question_of(chat, reply.thread_id)
    await answer(chat, reply.thread_id, question["id"], "The tone")
    assert not await rate(chat, reply)
    assert await ThreadItem.objects.filter(type="structured_input").acount() == 1
    assert await rows() == [("negative", True, "The tone")]


async def test_it_is_not_asked_about_a_message_without_an_answer(chat):
    """The answer may be on its way, and the question would stand before it."""
    reply = await chat.send("hi")
    await ThreadItem.objects.filter(type="assistant_message").adelete()
    message = await ThreadItem.objects.aget()
    assert not await rate(chat, reply, ids=[message.item_id])
    assert await ThreadItem.objects.acount() == 1


async def test_a_changed_mind_takes_the_reason_with_it(chat):
    thread_id, question = await ask(chat)
    await answer(chat, thread_id, question, "The tone")
    [item_id] = [row.item.item_id async for row in Feedback.objects.select_related("item")]
    await chat.request("items.feedback", thread_id=thread_id, item_ids=[item_id], kind="positive")
    assert await rows() == [("positive", True, "")]


async def test_a_changed_mind_takes_the_question_with_it(chat):
    reply = await chat.send("hi")
    assert await rate(chat, reply)
    question = await question_of(chat, reply.thread_id)
    assert await rate(chat, reply, "positive")
    assert await question_of(chat, reply.thread_id) is None
    late = await answer(chat, reply.thread_id, question["id"], "The tone")
    assert_refused(late, 404, "not_found")
    assert await rows() == [("positive", True, "")]
    assert await rate(chat, reply)
    assert (await question_of(chat, reply.thread_id))["status"] == "pending"


async def test_question_and_thanks_are_not_rated(chat):
    thread_id, question = await ask(chat)
    await answer(chat, thread_id, question, "The tone")
    ids = [item["id"] for item in await chat.load(thread_id) if item["type"] != "user_message"]
    assert len(ids) == 3
    await chat.request("items.feedback", thread_id=thread_id, item_ids=ids, kind="negative")
    await chat.request("items.feedback", thread_id=thread_id, item_ids=ids[1:], kind="positive")
    assert await rows() == [("negative", True, "The tone")]


async def test_it_is_answered_once(chat):
    thread_id, question = await ask(chat)
    replies = await asyncio.gather(
        answer(chat, thread_id, question, "The tone"), answer(chat, thread_id, question, "All of it")
    )
    replies.append(await answer(chat, thread_id, question, "All of it"))
    thanked = [reply.status == 200 and not reply.errors for reply in replies]
    assert thanked.count(True) == 1
    assert await rows() == [("negative", True, "The tone" if thanked[0] else "All of it")]
    assert await ThreadItem.objects.filter(text="Noted.").acount() == 1


async def nothing_asked(chat, reply, **options):
    assert not await rate(chat, reply, **options)
    assert await Feedback.objects.aexists()
    assert not await ThreadItem.objects.filter(type="structured_input", item_id__startswith="post_").aexists()


async def test_thumbs_up_ask_nothing(chat):
    await nothing_asked(chat, await chat.send("hi"), kind="positive")


async def test_a_server_that_does_not_want_to_know(user):
    chat = ChatKitClient(user=user)
    await nothing_asked(chat, await chat.send("hi"))


async def test_the_hook_decides(chat, monkeypatch):
    monkeypatch.setattr(CuriousServer, "get_feedback_question", lambda self, context, kind: None)
    await nothing_asked(chat, await chat.send("hi"))
    praise = FeedbackQuestion("What was good?", options=[])
    monkeypatch.setattr(
        CuriousServer,
        "get_feedback_question",
        lambda self, context, kind: praise if kind == "positive" else None,
    )
    reply = await chat.send("hi")
    assert await rate(chat, reply, "positive")
    [put] = (await question_of(chat, reply.thread_id))["inputs"]
    assert (put["type"], put["question"]) == ("freeform", "What was good?")


async def test_only_the_newest_answer_is_asked_about(chat):
    first = await chat.send("hi")
    await chat.send("again", thread_id=first.thread_id)
    await nothing_asked(chat, first)


@pytest.mark.parametrize("status", ["locked", "closed"])
async def test_nobody_is_asked_who_cannot_answer(chat, status):
    reply = await chat.send("hi")
    await Thread.objects.aupdate(status=status)
    await nothing_asked(chat, reply)


@pytest.mark.parametrize("kind", ["structured_input", "client_tool_call"])
async def test_one_question_at_a_time(chat, kind):
    reply = await chat.send("hi")
    waiting = ThreadItem(thread_id=reply.thread_id, item_id="q_1", type=kind, data='{"status":"pending"}')
    await waiting.asave()
    await nothing_asked(chat, reply, ids=[reply.items[-1].id, "q_1"])


async def test_while_an_answer_is_written_nobody_is_asked(chat):
    reply = await chat.send("hi")
    data = json.dumps({"type": "user_message"})
    await ThreadItem.objects.acreate(thread_id=reply.thread_id, item_id="m", type="user_message", data=data)
    await nothing_asked(chat, reply)


async def test_nobody_answers_for_somebody_else(chat, other_user):
    thread_id, question = await ask(chat)
    other = ChatKitClient(user=other_user, server="curious")
    reply = await answer(other, thread_id, question, "All of it")
    assert reply.status == 404
    assert await rows() == [("negative", True, "")]


async def test_nobody_withdraws_the_question_to_somebody_else(chat, other_user):
    thread_id, question = await ask(chat)
    rated = [row async for row in Feedback.objects.values_list("item__item_id", flat=True)]
    stranger = ChatKitContext(server="curious", user=other_user)
    await servers["curious"].add_feedback(thread_id, rated, "positive", stranger)
    assert (await question_of(chat, thread_id))["id"] == question
    assert await rows() == [("negative", True, "")]


async def test_retrying_takes_question_and_feedback_away(chat):
    reply = await chat.send("hi")
    assert await rate(chat, reply)
    again = await chat.request(
        "threads.retry_after_item", thread_id=reply.thread_id, item_id=reply.items[0].id
    )
    assert again.text
    assert await rows() == []
    assert await question_of(chat, reply.thread_id) is None


@pytest.mark.django_db(transaction=True)
def test_rating_an_answer_that_is_being_made_again(chat, user, monkeypatch):
    created = async_to_sync(chat.send)("hi")
    question, answer = (item.id for item in created.items)
    context = ChatKitContext(server="curious", user=user)
    get_main = feedback_models.get_main

    def delete():
        try:
            async_to_sync(servers["curious"].store.delete_items_after)(created.thread_id, question, context)
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool:
        deletions = []

        def get_main_slowly(items):
            deletions.append(pool.submit(delete))
            wait(deletions, 0.5)
            return get_main(items)

        monkeypatch.setattr(feedback_models, "get_main", get_main_slowly)
        assert async_to_sync(chat.feedback)(created.thread_id, answer).status == 200
    assert deletions[0].exception() is None
    assert not Feedback.objects.exists()


async def test_a_reader_who_leaves_after_answering(chat, user):
    """The reason is kept, even if nobody asks for the thanks any more."""
    thread_id, question = await ask(chat)
    body = {"status": "answered", "answers": {"reason": {"values": ["The tone"]}}}
    params = {"thread_id": thread_id, "item_id": question, "input": body}
    request = json.dumps({"type": "threads.add_structured_input", "params": params})
    result = await servers["curious"].process(request, ChatKitContext(server="curious", user=user))
    while b"replaced" not in await anext(result.json_events):
        pass
    await result.json_events.aclose()
    await asyncio.sleep(0.1)  # the event loop closes the generators within
    assert await rows() == [("negative", True, "The tone")]
    assert not await ThreadItem.objects.filter(text="Noted.").aexists()


# One row for each answer


def rated(user, types):
    thread = Thread.objects.create(thread_id="thr_1", user=user)
    for number, type_ in enumerate(types):
        ThreadItem.objects.create(thread=thread, item_id=f"i{number}", type=type_, data="{}")
    ids = [f"i{number}" for number in range(len(types))]
    for kind in ("positive", "negative", "negative"):
        Feedback.objects.give("thr_1", ids, kind, ChatKitContext(user=user))
    assert Feedback.objects.count() == len(types)
    return [row.item.item_id for row in Feedback.objects.answers().select_related("item")]


@pytest.mark.parametrize(
    ("types", "main"),
    [
        (["workflow", "assistant_message", "assistant_message", "end_of_turn"], ["i2"]),
        (["workflow", "widget"], ["i1"]),
        (["assistant_message"], ["i0"]),
        ([], []),
    ],
)
def test_an_answer_counts_once(user, types, main):
    assert rated(user, types) == main


# The model


@pytest.fixture
def api(settings, monkeypatch):
    settings.CHATKIT_SERVERS = {"default": "tests.agent_servers.ModelServer"}
    monkeypatch.setattr(ModelServer, "feedback_question", FeedbackQuestion())
    with OpenAIAPI() as api:
        monkeypatch.setattr(ModelServer, "agent", Agent(name="Test", model=api.chat_model()))
        yield api


async def test_the_model_reads_neither_question_nor_thanks(user, api):
    chat = ChatKitClient(user=user)
    api.answers = [Answer("Two."), Answer("Three.")]
    thread_id, question = await ask(chat)
    reply = await answer(chat, thread_id, question, "It is not correct.")
    assert reply.text == "Thank you. That helps us to do better."
    assert len(api.bodies) == 1
    await chat.send("And now?", thread_id=thread_id)
    read = [(message["role"], message["content"]) for message in api.bodies[1]["messages"]]
    assert read == [("user", "hi"), ("assistant", "Two."), ("user", "And now?")]


async def test_neither_while_the_question_waits(user, api):
    chat = ChatKitClient(user=user)
    thread_id, _question = await ask(chat)
    reply = await chat.send("Never mind", thread_id=thread_id)
    assert reply.errors == []
    assert len(api.bodies[1]["messages"]) == 3
