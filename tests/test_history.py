"""What a TextServer gets to know of the messages before."""

import pytest

from django_chatkit.testing import ChatKitClient
from tests.servers import RememberingServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(user):
    return ChatKitClient(user=user, server="remembering")


async def test_reply_gets_what_was_said_before(chat):
    first = await chat.send("one")
    assert first.text == "[], None"
    second = await chat.send("two", thread_id=first.thread_id)
    assert second.text == f"{[('user', 'one'), ('assistant', '[], None')]}, None"


async def test_a_retry_gets_what_was_said_before_that_message(chat):
    first = await chat.send("one")
    second = await chat.send("two", thread_id=first.thread_id)
    again = await chat.request(
        "threads.retry_after_item", thread_id=first.thread_id, item_id=second.items[0].id
    )
    assert again.text == second.text


async def test_no_more_than_the_limit_and_never_an_answer_first(chat, monkeypatch):
    monkeypatch.setattr(RememberingServer, "history_limit", 4)
    thread_id = (await chat.send("one")).thread_id
    await chat.send("two", thread_id=thread_id)
    reply = await chat.send("three", thread_id=thread_id)
    assert reply.text.startswith("[('user', 'two'), ('assistant', ")


@pytest.mark.parametrize("kind", ["generator", "async", "plain"])
async def test_every_kind_of_reply_can_have_it(chat, monkeypatch, kind):
    async def generator(self, message, context, history=()):
        yield f"{len(history)}"

    async def coroutine(self, message, context, *, history):
        return f"{len(history)}"

    def plain(self, message, context, history):
        return f"{len(history)}"

    method = {"generator": generator, "async": coroutine, "plain": plain}[kind]
    monkeypatch.setattr(RememberingServer, "reply", method)
    thread_id = (await chat.send("one")).thread_id
    assert (await chat.send("two", thread_id=thread_id)).text == "2"


async def test_who_does_not_ask_pays_no_query(user, monkeypatch):
    def never(*args):
        raise AssertionError("the history was loaded")

    monkeypatch.setattr("django_chatkit.server.text.load_history", never)
    assert (await ChatKitClient(user=user).send("hi")).text.strip() == "You said: hi"
