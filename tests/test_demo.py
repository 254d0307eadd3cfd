"""The demo assistant: every command, every word, and the model behind them with an agent of one's own."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from agents import Agent, Runner, function_tool
from django.utils import translation

from django_chatkit.agents import AgentServer, ToolContext
from django_chatkit.demo import DemoModel, DemoServer, demo_tools
from django_chatkit.demo.conversation import readable
from django_chatkit.demo.matching import OWN_TOOLS, find_tool
from django_chatkit.demo.script import COMMANDS
from django_chatkit.demo.server import PAINTBRUSH
from django_chatkit.demo.steps import SECRET
from django_chatkit.models import Attachment, Thread, ThreadItem
from django_chatkit.testing import ChatKitClient, user_input

from chatkit import types

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def configured(settings, monkeypatch):
    """As on a site whose settings name no server, and where nothing can be reached."""
    del settings.CHATKIT_SERVERS
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def connect(self, address):
        raise AssertionError(f"The demo connects to {address}")

    if os.environ.get("DATABASE_URL") is None:
        monkeypatch.setattr(socket.socket, "connect", connect)


def kinds(reply):
    return [item.type for item in reply.items]


async def in_database(thread_id):
    return [item async for item in ThreadItem.objects.filter(thread_id=thread_id).order_by("pk")]


# The first look


async def test_it_says_what_it_is_and_what_to_do_next(chat):
    reply = await chat.send("Hello")
    assert "AgentServer" in reply.text
    assert 'CHATKIT_SERVERS = {"default": ' in reply.text
    for command in COMMANDS:
        assert f"`{command.example}`" in reply.text
    deltas = [event for event in reply.events if event.type == "thread.item.updated"]
    assert len(deltas) > 20
    later = await chat.send("Hello again", thread_id=reply.thread_id)
    assert later.text.startswith("You said: Hello again")
    assert (await chat.send("help", thread_id=reply.thread_id)).text == reply.text


async def test_visitors_are_asked_to_sign_in():
    reply = await ChatKitClient().send("Hello")
    assert (reply.status, reply.json["message"]) == (401, "Please sign in to chat.")


def test_its_options_are_translated_late(user):
    options = DemoServer.options["startScreen"]
    assert str(options["greeting"]).startswith("It works!")
    with translation.override("de"):
        assert str(options["prompts"][0]["label"])
    assert {prompt["prompt"] for prompt in options["prompts"]} >= {"/widget", "/ask"}


def test_it_can_be_imported_without_a_key():
    environment = {key: value for key, value in os.environ.items() if key != "OPENAI_API_KEY"}
    code = "import django; django.setup(); import django_chatkit.demo"
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True)


# Commands


def test_every_command_is_documented():
    page = (Path(__file__).parent.parent / "docs/howto/demo-commands.md").read_text()
    assert re.findall(r"^\| `(/.*?)`", page, re.MULTILINE) == [command.example for command in COMMANDS]


async def test_slow(chat):
    start = time.monotonic()
    reply = await chat.send("/slow 4 50")
    assert time.monotonic() - start >= 0.2
    assert reply.text == "piece 1 piece 2 piece 3 piece 4 "


async def test_slowmeta_changes_the_thread_at_the_end(chat):
    reply = await chat.send("/slowmeta 2 10")
    assert reply.text == "piece 1 piece 2 "
    assert (await Thread.objects.aget()).metadata == {"slowmeta": "done"}
    assert kinds(reply) == ["user_message", "assistant_message"]


async def test_slow_stops_when_the_reader_leaves(chat, monkeypatch):
    ended = []
    real = DemoModel.stream_response

    async def watched(self, *args, **kwargs):
        try:
            async for event in real(self, *args, **kwargs):
                yield event
        finally:
            ended.append(time.monotonic())

    monkeypatch.setattr(DemoModel, "stream_response", watched)
    await chat.open_page()
    before = asyncio.all_tasks()
    response = await chat.post({"type": "threads.create", "params": {"input": user_input("/slow 1000 100")}})
    stream = response.stream
    seen = b""
    while b"piece 2 " not in seen:
        seen += await anext(stream)
    left = time.monotonic()
    await stream.aclose()
    async with asyncio.timeout(2):
        while not ended:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert ended[0] - left < 1
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() <= before
    stored = [item.type async for item in ThreadItem.objects.order_by("pk")]
    assert stored == ["user_message", "assistant_message", "sdk_hidden_context"]


@pytest.mark.parametrize("debug", [False, True])
async def test_error_never_shows_its_secret(chat, settings, debug, caplog):
    settings.DEBUG = debug
    reply = await chat.send("/error 3 1")
    assert len(reply.errors) == 1
    assert reply.events[-1] == reply.errors[0]
    assert SECRET.encode() not in reply.body
    assert b"sk-demo" not in reply.body
    stored = await chat.load(reply.thread_id)
    assert stored[1]["content"][0]["text"] == "piece 1 piece 2 piece 3 "
    assert debug or "sk-demo" not in caplog.text


async def test_widget_and_its_button(chat):
    reply = await chat.send("/widget")
    assert kinds(reply) == ["user_message", "widget", "assistant_message"]
    widget = reply.items[1]
    button = widget.widget.model_dump(exclude_none=True)["children"][-1]
    action = button["onClickAction"]
    pressed = await chat.act(reply.thread_id, action["type"], action["payload"], item_id=widget.id)
    assert pressed.text == "You pressed the button."
    assert len(await chat.load(reply.thread_id)) == 4


async def test_tool_waits_for_the_page(chat):
    reply = await chat.send("/tool")
    assert kinds(reply) == ["user_message", "client_tool_call"]
    call = reply.items[-1]
    assert (call.status, call.name) == ("pending", "demo_tool")
    answered = await chat.give_tool_output(reply.thread_id, {"time": "noon"})
    assert '{"time": "noon"}' in answered.text


async def test_ask_waits_for_the_person(chat):
    reply = await chat.send("/ask")
    assert kinds(reply) == ["user_message", "structured_input"]
    question = reply.items[-1]
    assert [(part.id, part.type) for part in question.inputs] == [("q", "freeform")]
    answered = await chat.answer(reply.thread_id, question.id, {"q": "blue"})
    assert "blue" in answered.text
    (await chat.answer(reply.thread_id, question.id, {"q": "blue"})).assert_refused(409)


async def test_ask_can_be_skipped(chat):
    reply = await chat.send("/ask")
    skipped = await chat.skip(reply.thread_id, reply.items[-1].id)
    assert "skipped" in skipped.text


async def test_hidden_stays_hidden(chat):
    reply = await chat.send("/hidden")
    loaded = json.dumps(await chat.load(reply.thread_id)).encode()
    for body in (reply.body, loaded, (await chat.list_threads()).body):
        assert b"demo hidden" not in body
    [note] = [item for item in await in_database(reply.thread_id) if item.type == "hidden_context_item"]
    assert "demo hidden note" in note.data
    assert (await Thread.objects.aget()).metadata == {"demo": "demo hidden metadata"}


@pytest.mark.parametrize(("command", "status"), [("/lock", "locked"), ("/close", "closed")])
async def test_lock_and_close(chat, command, status):
    reply = await chat.send(command)
    threads = [event.thread for event in reply.events if isinstance(event, types.ThreadUpdatedEvent)]
    assert threads[-1].status.type == status
    assert (await chat.send("more", thread_id=reply.thread_id)).status == 409


async def test_fakeid_gets_ids_of_our_own(chat, other_chat):
    first = await chat.send("/fakeid")
    again = await chat.send("/fakeid", thread_id=first.thread_id)
    theirs = await other_chat.send("/fakeid")
    ids = {reply.items[-1].id for reply in (first, again, theirs)}
    assert len(ids) == 3
    assert b'"__fake_id__"' not in first.body
    assert len(await chat.load(first.thread_id)) == 4


@pytest.mark.parametrize("command", ["/slow", "/slow 3", "/slow 3 x", "/widgets", "/nothing"])
async def test_a_command_that_is_not_one_lists_those_that_are(chat, command):
    assert "`/slow 20 500`" in (await chat.send(command)).text


async def test_staff_and_model_read_that_an_answer_failed(chat, settings):
    settings.DEBUG = False
    failed = await chat.send("/error 3 1")
    rows = await in_database(failed.thread_id)
    assert [row.type for row in rows] == ["user_message", "assistant_message", "sdk_hidden_context"]
    assert rows[-1].text == f"The answer ended with an error. The user was told: {failed.errors[0].message}"
    assert b"ended with an error" not in failed.body
    await chat.retry(failed.thread_id, failed.items[0].id)
    assert [row.type for row in await in_database(failed.thread_id)] == [row.type for row in rows]
    assert (await chat.send("Hello", thread_id=failed.thread_id)).text.startswith("You said: Hello")


# Words


async def test_think(chat):
    reply = await chat.send("Please think about it")
    assert kinds(reply) == ["user_message", "workflow", "assistant_message"]
    assert len(reply.items[1].workflow.tasks) == 2
    assert reply.items[1].workflow.summary.duration >= 1  # "Thought for 0s" looks like a fault


async def test_progress(chat):
    reply = await chat.send("Show me some progress")
    assert len([event for event in reply.events if event.type == "progress_update"]) == 3
    assert "the work is done" in reply.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show me a widget", ["user_message", "widget", "assistant_message"]),
        ("an error please", ["user_message", "assistant_message"]),
    ],
)
async def test_other_words(chat, text, expected):
    assert kinds(await chat.send(text)) == expected


async def test_slow_word(chat):
    start = time.monotonic()
    reply = await chat.send("slowly, please")
    assert reply.text == "I take my time, one word after the other."
    assert time.monotonic() - start > 2


# The model with another agent


@function_tool
def order_status(number: int) -> str:
    """Where is an order?"""
    return f"{number} is on its way"


@function_tool
def my_orders() -> str:
    """List orders."""
    return "1001, 1002"


@function_tool
def find_product(name: str, kind: str | None = None) -> str:
    """Find."""
    return name


@function_tool
async def whoami(ctx: ToolContext) -> str:
    """Who?"""
    return str(ctx.context.user)


SHOP_TOOLS = [order_status, my_orders, find_product]


@pytest.mark.parametrize(
    ("question", "name", "arguments"),
    [
        ("What is the status of my order 1002?", "order_status", {"number": 1002}),
        ("Where is order 7", "order_status", {"number": 7}),
        ("List my orders", "my_orders", {}),
        ("Which orders do I have?", "my_orders", {}),
        ('Is there a product named "Blue Mug"?', "find_product", {"name": "Blue Mug", "kind": None}),
        ("product kettle", "find_product", {"name": "kettle", "kind": None}),
    ],
)
def test_the_tool_is_found_by_the_words_of_its_name(question, name, arguments):
    call = find_tool(question, SHOP_TOOLS)
    assert (call.name, json.loads(call.arguments)) == (name, arguments)


@pytest.mark.parametrize("question", ["Hello", "What is your status?", "42", ""])
def test_no_tool_is_called_for_nothing(question):
    assert find_tool(question, SHOP_TOOLS) is None


def test_the_demos_own_tools_are_left_to_commands():
    assert {tool.name for tool in [*demo_tools, PAINTBRUSH]} == OWN_TOOLS
    assert find_tool("show the widget, ask the page, set the status", demo_tools) is None


class ShopServer(AgentServer):
    agent = Agent(name="Shop", model=DemoModel(), tools=[*SHOP_TOOLS, whoami])


async def test_it_plays_the_model_of_another_agent(chat, settings):
    settings.CHATKIT_SERVERS = {"default": "tests.test_demo.ShopServer"}
    reply = await chat.send("What is the status of my order 1002?")
    assert reply.text == "The tool order_status says: 1002 is on its way"
    again = await chat.send("whoami", thread_id=reply.thread_id)
    assert again.text.endswith("says: ann")
    missing = await chat.send("/widget", thread_id=reply.thread_id)
    assert missing.text == "This agent has no tool named show_widget."


async def test_it_does_not_ask_to_replace_another_agent(chat, settings):
    settings.CHATKIT_SERVERS = {"default": "tests.test_demo.ShopServer"}
    reply = await chat.send("help")
    assert "`/slow 20 500`" in reply.text
    assert "AgentServer" not in reply.text


async def test_it_lists_the_commands_that_an_agent_has_the_tools_for(chat, settings):
    settings.CHATKIT_SERVERS = {"default": "tests.test_demo.ShopServer"}
    listed = re.findall(r"`/(\w+)", (await chat.send("help")).text)
    assert listed == ["slow", "error", "fakeid"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (json.dumps({"kettle": "2 × é"}), '{"kettle": "2 × é"}'),
        (json.dumps(["×"]), '["×"]'),
        ("1e3", "1e3"),
        ("2 × {", "2 × {"),
    ],
)
def test_it_reads_a_tools_answer_without_escapes(output, said):
    assert readable(output) == said


async def test_it_answers_without_streaming():
    agent = Agent(name="Shop", model=DemoModel(), tools=SHOP_TOOLS)
    result = await Runner.run(agent, "List my orders")
    assert result.final_output == "The tool my_orders says: 1001, 1002"
    assert result.context_wrapper.usage.requests == 2


async def test_confirm(chat):
    reply = await chat.send("/confirm")
    question = reply.items[-1]
    assert question.inputs[0].question == "Clear shelf 7 of the demo?"
    answered = await chat.answer(reply.thread_id, question.id, {"confirm": "Yes"})
    assert "shelf 7 is empty now" in answered.text
    assert [event.type for event in answered.events].count("progress_update") == 1


async def test_notice(chat):
    reply = await chat.send("/notice")
    assert {"notice", "client_effect"} <= {event.type for event in reply.events}
    assert "there is a notice" in reply.text


@pytest.mark.parametrize("words", ["/image", "Please draw a kettle"])
async def test_image(chat, words):
    reply = (await chat.send(words)).assert_ok()
    updates = [event.update for event in reply.filter(types.ThreadItemUpdatedEvent)]
    shown = [update.image.url for update in updates if update.type == "generated_image.updated"]
    picture = reply.get(types.GeneratedImageItem).image.url
    assert len({*shown, picture}) == 3
    assert kinds(reply) == ["user_message", "generated_image", "assistant_message"]
    row = await Attachment.objects.aget()
    assert row.mime_type == "image/png"
    assert row.file.size > 500
    again = await chat.send("And what is this?", reply.thread_id)
    assert again.assert_ok().text.startswith("You said: And what is this?")


async def test_it_does_not_draw_where_there_is_no_place_for_pictures(chat, settings):
    settings.STORAGES = {name: storage for name, storage in settings.STORAGES.items() if name != "chatkit"}
    assert "no tool named image_generation" in (await chat.send("/image")).assert_ok().text
    assert not await Attachment.objects.aexists()


async def test_sources(chat):
    reply = (await chat.send("/sources")).assert_ok()
    [part] = reply.get(types.AssistantMessageItem).content
    assert [note.source.type for note in part.annotations] == ["url", "file"]


async def test_it_repeats_what_the_page_told_it(chat):
    assert "The page told me" not in (await chat.send("What am I looking at?")).text
    chat.look_at(page_context={"section": "account"})
    assert (await chat.send("What am I looking at?")).text == "The page told me: section: account"


async def test_it_repeats_a_quotation(chat):
    assert (await chat.send("Why?", quoted_text="Because.")).text == "You quote: Because."
