"""Questions: held against their rules when the answer comes, and answered once."""

import asyncio
import json

import pytest
from agents import Agent

from django_chatkit import events
from django_chatkit.agents import ToolContext, client_tool, tool
from django_chatkit.models import ThreadItem
from django_chatkit.questions import Choice, Text, read_answers
from django_chatkit.server import DjangoChatKitServer, stream_text
from tests.agent_servers import ModelServer
from tests.openai_api import Answer, OpenAIAPI

pytestmark = pytest.mark.django_db


class AskingServer(DjangoChatKitServer):
    """Asks, and says what was answered."""

    questions = ("What is your name?",)

    async def respond(self, thread, input_user_message, context):
        if input_user_message is not None:
            yield events.ask(thread, *self.questions)
            return
        item = await self.store.load_item(thread.id, context.answered, context)

        async def pieces():
            yield json.dumps(read_answers(item))

        async for event in stream_text(self, thread, pieces(), context):
            yield event


@pytest.fixture(autouse=True)
def configured(settings):
    settings.CHATKIT_SERVERS = {"default": "tests.test_questions.AskingServer"}


@pytest.fixture
def ask(chat, monkeypatch):
    async def ask(*questions):
        monkeypatch.setattr(AskingServer, "questions", questions)
        return await chat.send("go")

    return ask


async def answer(chat, reply, status="answered", **values):
    answers = {name: {"values": given} for name, given in values.items()}
    return await chat.request(
        "threads.add_structured_input",
        thread_id=reply.thread_id,
        item_id=reply.items[-1].id,
        input={"status": status, "answers": answers},
    )


async def stored(reply):
    return json.loads((await ThreadItem.objects.aget(item_id=reply.items[-1].id)).data)


async def test_questions_are_put_and_their_rules_stay_here(chat, ask):
    reply = await ask("Who?", Choice("Which?", ["a", "b"], id="which", multiple=True, required=True))
    form = reply.items[-1]
    assert (form.type, form.status) == ("structured_input", "pending")
    assert [(part.id, part.type, part.question) for part in form.inputs] == [
        ("q1", "freeform", "Who?"),
        ("which", "multiple_choice", "Which?"),
    ]
    assert reply.events[-1].type in ("thread.item.done", "thread.updated")
    assert (await stored(reply))["rules"]["which"]["required"] is True
    for body in (reply.body, (await chat.get_thread(reply.thread_id)).body):
        assert b"rules" not in body
        assert b"required" not in body


ABC = ["a", "b", "c"]
ANSWERS = {
    "an option": (Choice("?", ABC), ["b"], 200),
    "words of one's own": (Choice("?", ABC), ["d"], 400),
    "words of one's own that count": (Choice("?", ABC, free=True), ["d"], 200),
    "two of one": (Choice("?", ABC), ["a", "b"], 400),
    "two of many": (Choice("?", ABC, multiple=True), ["a", "c"], 200),
    "one of many twice": (Choice("?", ABC, multiple=True), ["a", "a"], 400),
    "an option and words": (Choice("?", ABC, multiple=True), ["a", "x"], 400),
    "an option and words that count": (Choice("?", ABC, multiple=True, free=True), ["a", "x"], 200),
    "words twice": (Choice("?", ABC, multiple=True, free=True), ["x", "y"], 400),
    "nothing": (Choice("?", ABC), [], 200),
    "nothing where it is required": (Choice("?", ABC, required=True), [], 400),
    "text": (Text("?"), ["x"], 200),
    "two texts": (Text("?"), ["x", "y"], 400),
    "blank text": (Text("?"), [" "], 400),
    "no text": (Text("?"), [], 200),
    "no text where it is required": (Text("?", required=True), [], 400),
    "text of the greatest length": (Text("?", max_length=3), ["xxx"], 200),
    "text that is too long": (Text("?", max_length=3), ["xxxx"], 400),
    "options that are longer than words may be": (Choice("?", ["abcdef"], max_length=3), ["abcdef"], 200),
    "words that are too long": (Choice("?", ABC, free=True, max_length=3), ["xxxx"], 400),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_answers_are_held_against_the_question(chat, ask, what):
    question, values, status = ANSWERS[what]
    reply = await ask(question)
    before = await stored(reply)
    said = await answer(chat, reply, q1=values)
    assert said.status == status
    if status == 200:
        assert json.loads(said.text) == {"q1": values}
        assert (await stored(reply))["status"] == "answered"
    else:
        assert said.json["code"] == "invalid_request"
        assert await stored(reply) == before
        again = await answer(chat, reply, q1=["a"])  # the question is still there
        assert again.status == (200 if len(values) != 1 or "x" not in values[0] else again.status)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("how", ["skipped", "skipped in part", "left out"])
async def test_skipping(chat, ask, required, how):
    reply = await ask("Who?", Text("Where?", required=required))
    before = await stored(reply)
    answers = {"q1": {"values": ["me"]}}
    if how == "skipped in part":
        answers["q2"] = {"values": ["here"], "skipped": True}
    said = await chat.request(
        "threads.add_structured_input",
        thread_id=reply.thread_id,
        item_id=reply.items[-1].id,
        input={"status": "skipped" if how == "skipped" else "answered", "answers": answers},
    )
    if required:
        assert (said.status, said.json["message"]) == (400, "This question cannot be skipped: Where?")
        assert await stored(reply) == before
    else:
        assert json.loads(said.text) == {"q1": [] if how == "skipped" else ["me"], "q2": []}


async def test_answer_to_a_question_that_was_not_asked(chat, ask):
    reply = await ask("Who?")
    assert (await answer(chat, reply, q1=["me"], q2=["you"])).status == 400
    assert (await stored(reply))["status"] == "pending"


async def test_somebody_elses_question(chat, other_chat, ask):
    reply = await ask("Who?")
    assert (await answer(other_chat, reply, q1=["me"])).status == 404
    assert (await stored(reply))["status"] == "pending"


@pytest.mark.django_db(transaction=True)
async def test_two_tabs_answer_at_once(chat, ask):
    reply = await ask(Choice("?", ABC))
    for _ in range(3):
        said = await asyncio.gather(*(answer(chat, reply, q1=[value]) for value in ABC + ABC))
        good = [one for one in said if one.status == 200 and not one.errors]
        assert len(good) == 1
        assert (await stored(reply))["inputs"][0]["answer"]["values"] == json.loads(good[0].text)["q1"]
        others = [one for one in said if one not in good]
        assert [one.status for one in others] == [409] * 5
        assert (await answer(chat, reply, q1=["a"])).status == 409
        reply = await ask(Choice("?", ABC))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Choice("?", []),
        lambda: Choice("?", "abc"),
        lambda: events.ask(thread()),
        lambda: events.ask(thread(), Text("a", id="x"), Text("b", id="x")),
    ],
)
def test_questions_that_cannot_be_put(make):
    with pytest.raises(ValueError, match=r"\w"):
        make()


def thread():
    from datetime import datetime

    from chatkit import types

    return types.ThreadMetadata(id="thr_1", created_at=datetime.now())


# From the tools of an agent


@pytest.fixture
def api():
    with OpenAIAPI() as api:
        yield api


@pytest.fixture(params=["responses", "chat"])
def use(request, settings, monkeypatch, api):
    settings.CHATKIT_SERVERS = {"default": "tests.agent_servers.ModelServer"}
    model = api.responses_model() if request.param == "responses" else api.chat_model()

    def use(*tools, **options):
        monkeypatch.setattr(ModelServer, "agent", Agent(name="T", model=model, tools=list(tools), **options))

    return use


@tool
async def ask_size(ctx: ToolContext) -> str:
    """Ask for the size."""
    await ctx.context.progress("One moment")
    return await ctx.context.ask(Choice("Which size?", ["S", "M"], id="size"), "Why?")


def inputs(body):
    items = body.get("messages") or body["input"]
    return json.dumps(items)


async def test_tool_asks_and_the_model_reads_the_answer(chat, api, use):
    use(ask_size)
    api.answers = [Answer(tool=("ask_size", {})), Answer("Fine.")]
    reply = await chat.send("go")
    assert [item.type for item in reply.items] == ["user_message", "structured_input"]
    assert len(api.bodies) == 1
    loaded = await chat.load(reply.thread_id)
    assert [item["type"] for item in loaded] == ["user_message", "structured_input"]
    said = await answer(chat, reply, size=["M"], q2=["Because."])
    assert said.text == "Fine."
    assert "Which size?: M" in inputs(api.bodies[1])
    assert "Why?: Because." in inputs(api.bodies[1])


async def test_only_one_of_two_tools_asks_and_its_question_comes_last(chat, api, use):
    results = []

    @tool
    async def ask_twice(ctx: ToolContext) -> str:
        """Ask twice, and go on."""
        results.extend([await ctx.context.ask("One?"), await ctx.context.ask("Two?")])
        results.append(ctx.context.call_page("read", {}))
        await ctx.context.show({"type": "Card", "children": []})
        return results[0]

    use(ask_twice)
    api.answers = [Answer(tool=("ask_twice", {}))]
    reply = await chat.send("go")
    assert [item.type for item in reply.items] == ["user_message", "widget", "structured_input"]
    assert [text[:9] for text in results] == ["The perso", "Something", "Something"]
    assert reply.items[-1].inputs[0].question == "One?"
    assert len(api.bodies) == 1


# Tools of the page


@client_tool
def read_cart(currency: str, limit: int = 3) -> None:
    """Say what is in the cart on the page."""


async def output(chat, reply, **params):
    return await chat.request("threads.add_client_tool_output", thread_id=reply.thread_id, **params)


async def test_page_is_called_last_and_once(chat, api, use):
    use(read_cart)
    api.answers = [Answer(tool=("read_cart", {"currency": "EUR", "limit": 3})), Answer("Two mugs.")]
    reply = await chat.send("go")
    calls = [event for event in reply.events if getattr(event, "item", None) and "tool" in event.item.type]
    assert [event.type for event in calls] == ["thread.item.done"]
    assert reply.events[-1] is not None
    assert reply.items[-1] == calls[0].item
    call = calls[0].item
    assert (call.status, call.name, call.arguments) == (
        "pending",
        "read_cart",
        {"currency": "EUR", "limit": 3},
    )
    assert len(api.bodies) == 1
    said = await output(chat, reply, result={"items": ["mug", "mug"]})
    assert said.text == "Two mugs."
    assert "mug" in inputs(api.bodies[1])
    assert (await output(chat, reply, result={})).status == 409


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "The page gave no result."),
        ({"result": None}, "The page gave no result."),
        ({"result": {"error": "Boom"}}, "Boom"),
        ({"result": "x" * 60_000}, "was too large"),
    ],
)
async def test_model_sees_that_it_failed(chat, api, use, params, words):
    use(read_cart)
    api.answers = [Answer(tool=("read_cart", {"currency": "EUR", "limit": 3})), Answer("I see.")]
    reply = await chat.send("go")
    assert (await output(chat, reply, **params)).text == "I see."
    assert words in inputs(api.bodies[1])
    [item] = [item async for item in ThreadItem.objects.filter(type="client_tool_call")]
    assert words in item.data


async def test_two_calls_of_the_page_in_one_round(chat, api, use):
    @tool
    async def both(ctx: ToolContext) -> str:
        """Call twice."""
        return ctx.context.call_page("one", {}) + ctx.context.call_page("two", {})

    use(both)
    api.answers = [Answer(tool=("both", {}))]
    reply = await chat.send("go")
    assert [item.name for item in reply.items if item.type == "client_tool_call"] == ["one"]


async def test_calls_of_one_thread_have_ids_of_their_own(chat, settings, monkeypatch):
    """Many providers begin to count anew with each answer."""
    del settings.CHATKIT_SERVERS
    monkeypatch.setattr("django_chatkit.demo.model.new_id", lambda prefix: f"{prefix}_1")
    reply = await chat.send("/tool")
    assert "one" in (await output(chat, reply, result="one")).text
    again = await chat.send("/tool", thread_id=reply.thread_id)
    assert "two" in (await output(chat, again, result="two")).text
    calls = [item async for item in ThreadItem.objects.filter(type="client_tool_call")]
    assert len({json.loads(call.data)["call_id"] for call in calls}) == 2


async def test_arguments_and_rights_are_looked_at_first(chat, api, use):
    @client_tool(permission="auth.view_user")
    def forbidden() -> None:
        """Forbidden."""

    use(forbidden, read_cart)
    api.answers = [
        Answer(tool=("forbidden", {})),
        Answer(tool=("read_cart", {"currency": 3})),
        Answer("Sorry."),
    ]
    reply = await chat.send("go")
    assert [item.type for item in reply.items] == ["user_message", "assistant_message"]
    assert "no permission" in inputs(api.bodies[1])
    assert "do not fit" in inputs(api.bodies[2])


def test_client_tool_cannot_be_confirmed():
    with pytest.raises(TypeError, match="confirmed"):
        client_tool(confirm="Really?")(lambda: None)


@pytest.mark.django_db(transaction=True)
async def test_two_tabs_give_a_result_at_once(chat, api, use):
    use(read_cart)
    api.answers = [Answer(tool=("read_cart", {"currency": "EUR", "limit": 3})), *[Answer("I see.")] * 5]
    reply = await chat.send("go")
    said = await asyncio.gather(*(output(chat, reply, result={"tab": tab}) for tab in range(5)))
    assert len([one for one in said if one.status == 200 and not one.errors]) == 1
    assert len(api.bodies) == 2
