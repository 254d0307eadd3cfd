"""What users test their assistants with: the client, its sync twin, the scripted model, the fixtures."""

import inspect
import os
import subprocess
import sys
from typing import get_args

import pytest
from agents import Agent, ModelSettings, RunConfig, Runner, function_tool
from django.test import TestCase

from django_chatkit import testing
from django_chatkit.agents import AgentServer, ToolContext
from django_chatkit.attachments import Attachments
from django_chatkit.dictation import Dictation
from django_chatkit.models import Feedback, Thread, ThreadItem
from django_chatkit.server import DjangoChatKitServer, TextServer, stream_text
from django_chatkit.servers import servers
from django_chatkit.testing import (
    ChatKitClient,
    Reply,
    SyncChatKitClient,
    override_model,
    override_servers,
)
from django_chatkit.testing.model import Hold, ModelRequest, ScriptedModel, Thought, ToolCall
from tests import files
from tests.servers import EchoServer, FileServer, TwoPhaseServer

from chatkit import types
from chatkit.actions import Action, ActionConfig
from chatkit.widgets import Button, Card

pytestmark = pytest.mark.django_db


@function_tool
def order_status(ctx: ToolContext, number: int) -> str:
    """Where an order is."""
    return f"Order {number} is on its way."


class ShopServer(AgentServer):
    """An assistant as users write it; it would ask OpenAI."""

    agent = Agent(name="Shop", instructions="Be brief.", model="gpt-never", tools=[order_status])
    title_agent = Agent(name="Titles", model="gpt-never")


class EveryServer(DjangoChatKitServer):
    """Asks for what the message says, so that each request has something to refer to."""

    attachments = Attachments()
    dictation = Dictation(lambda recording, context: f"{len(recording.data)} bytes of {recording.mime_type}")
    page_actions = ("greet",)

    async def respond(self, thread, input_user_message, context):
        text = input_user_message.content[0].text if input_user_message else "thanks"
        new = {"thread_id": thread.id, "created_at": thread.created_at}
        if text == "tool":
            call = types.ClientToolCallItem(id="ctc_1", call_id="1", name="get_cart", arguments={}, **new)
            yield types.ThreadItemDoneEvent(item=call)
        elif text == "question":
            size = types.StructuredInputFreeform(id="size", question="Which size?")
            tint = types.StructuredInputFreeform(id="tint", question="Which colour?")
            item = types.StructuredInputItem(id="msg_1", inputs=[size, tint], **new)
            yield types.ThreadItemDoneEvent(item=item)
        elif text == "widget":
            greet = ActionConfig(type="greet", payload={"name": "Bo"}, streaming=False)
            card = Card(children=[Button(label="Greet", onClickAction=greet)])
            yield types.ThreadItemDoneEvent(item=types.WidgetItem(id="msg_1", widget=card, **new))
        else:
            async for event in stream_text(self, thread, pieces(text), context):
                yield event
            yield types.NoticeEvent(level="info", message="That is all.")

    async def action(self, thread, action: Action, sender, context):
        yield types.ClientEffectEvent(name=action.type, data=action.payload)

    async def sync_action(self, thread, action: Action, sender, context):
        task = types.CustomTask(title=action.payload["name"])
        item = types.TaskItem(id="tsk_1", thread_id=thread.id, created_at=thread.created_at, task=task)
        return types.SyncCustomActionResponse(updated_item=item)


async def pieces(text):
    yield "You said: "
    yield text


@pytest.fixture
def every(chat):
    with override_servers(default=EveryServer):
        yield chat


# The client


async def test_threads_are_listed_read_renamed_and_deleted(every):
    created = (await every.send("hello")).assert_ok()
    assert created.text == "You said: hello"
    assert created.thread.title == "hello"
    thread_id = created.thread_id
    assert (await every.rename(thread_id, "Greetings")).thread.title == "Greetings"
    [listed] = (await every.list_threads()).threads
    assert (listed.id, listed.title) == (thread_id, "Greetings")
    read = await every.get_thread(thread_id)
    assert (read.thread.id, read.thread_id) == (thread_id, thread_id)
    kinds = [types.UserMessageItem, types.AssistantMessageItem]
    assert [type(item) for item in read.items] == kinds
    assert [type(item) for item in (await every.list_items(thread_id)).items] == kinds
    assert (await every.delete(thread_id)).assert_ok()
    assert not await Thread.objects.aexists()


async def test_retry_and_feedback(every):
    created = await every.send("hello")
    question = created.get(types.UserMessageItem)
    retried = (await every.retry(created.thread_id, question.id)).assert_ok()
    answer = retried.get(types.AssistantMessageItem)
    assert answer.id != created.get(types.AssistantMessageItem).id
    (await every.feedback(created.thread_id, answer.id, kind="negative")).assert_ok()
    assert (await Feedback.objects.aget()).kind == "negative"


async def test_actions(every):
    thread_id = (await every.send("hello")).thread_id
    streamed = (await every.act(thread_id, "greet", {"name": "Bo"})).assert_ok()
    effect = streamed.get(types.ClientEffectEvent)
    assert (effect.name, effect.data) == ("greet", {"name": "Bo"})
    assert streamed.item is None
    shown = await every.send("widget", thread_id)
    where = {"item_id": shown.get(types.WidgetItem).id, "streaming": False}
    synced = await every.act(thread_id, "greet", {"name": "Bo"}, **where)
    assert synced.item.task.title == "Bo"


async def test_structured_input_is_answered_by_the_ids_of_its_questions(every):
    asked = await every.send("question")
    question = asked.get(types.StructuredInputItem)
    answered = await every.answer(asked.thread_id, question.id, {"size": "XL", "tint": None})
    assert answered.assert_ok().text == "You said: thanks"
    [stored] = [item for item in await every.load(asked.thread_id) if item["type"] == "structured_input"]
    assert stored["status"] == "answered"
    assert [part["answer"]["values"] for part in stored["inputs"]] == [["XL"], []]
    again = await every.answer(asked.thread_id, question.id, {"size": ["S"]})
    again.assert_refused(409)


async def test_structured_input_is_skipped(every):
    asked = await every.send("question")
    (await every.skip(asked.thread_id, asked.get(types.StructuredInputItem).id)).assert_ok()
    assert (await every.load(asked.thread_id))[1]["status"] == "skipped"


async def test_client_tool_gets_its_result(every):
    asked = await every.send("tool")
    assert asked.get(types.ClientToolCallItem).status == "pending"
    (await every.give_tool_output(asked.thread_id, {"items": 3})).assert_ok()
    assert (await every.load(asked.thread_id))[1]["output"] == {"items": 3}


async def test_recordings_are_transcribed(every):
    assert (await every.transcribe(b"OggS", "audio/ogg;codecs=opus")).text == "4 bytes of audio/ogg"


@pytest.mark.parametrize(
    ("server", "method"), [(EveryServer, None), (TwoPhaseServer, None), (TwoPhaseServer, "PUT")]
)
async def test_files_are_uploaded_sent_and_taken_back(chat, server, method):
    with override_servers(default=server):
        uploaded = (await chat.upload("cat.png", files.PNG, "image/png", method=method)).assert_ok()
        file = uploaded.attachment
        assert (type(file), file.name) == (types.ImageAttachment, "cat.png")
        sent = (await chat.send("Look!", attachments=[file.id])).assert_ok()
        assert sent.get(types.UserMessageItem).attachments[0].id == file.id
        other = (await chat.upload("cat.png", files.PNG, "image/png")).attachment
        (await chat.delete_attachment(other.id)).assert_ok()
        (await chat.delete_attachment(other.id)).assert_refused(404, "not_found")


async def test_a_file_goes_the_way_that_this_person_is_given(chat, user):
    class Choosy(FileServer):
        def get_attachments(self, context):
            assert context.user == user
            return TwoPhaseServer.attachments

    with override_servers(default=Choosy):
        assert (await chat.upload("cat.png", files.PNG, "image/png")).attachment.name == "cat.png"


async def test_file_that_is_refused(chat):
    with override_servers(default=TwoPhaseServer):
        (await chat.upload("page.html", files.HTML, "text/html")).assert_refused(415)
        (await chat.upload("cat.png", files.HTML, "image/png")).assert_refused(415)


REQUESTS = {
    "threads.create": "send",
    "threads.add_user_message": "send",
    "threads.add_client_tool_output": "give_tool_output",
    "threads.add_structured_input": "answer",
    "threads.retry_after_item": "retry",
    "threads.custom_action": "act",
    "threads.sync_custom_action": "act",
    "threads.get_by_id": "get_thread",
    "threads.list": "list_threads",
    "threads.update": "rename",
    "threads.delete": "delete",
    "items.list": "list_items",
    "items.feedback": "feedback",
    "attachments.create": "create_attachment",
    "attachments.delete": "delete_attachment",
    "input.transcribe": "transcribe",
}


def test_there_is_a_method_for_each_of_chatkits_requests():
    unions = (types.StreamingReq, types.NonStreamingReq)
    known = {model.model_fields["type"].default for union in unions for model in get_args(union)}
    assert set(REQUESTS) == known
    assert all(hasattr(ChatKitClient, method) for method in REQUESTS.values())


# What it says when a test is wrong


async def test_refusals_say_what_happened(every, other_chat):
    thread_id = (await every.send("hello")).thread_id
    refused = await other_chat.get_thread(thread_id)
    assert refused.assert_refused(404, "not_found") == refused.refusal
    assert refused.refusal.message == refused.json["message"]
    for look in (lambda: refused.thread, lambda: refused.items, lambda: refused.text, refused.assert_ok):
        with pytest.raises(AssertionError, match=r"refused: 404.*not_found"):
            look()
    with pytest.raises(AssertionError, match=r"no stream: 404.*not_found"):
        refused.events  # noqa: B018
    with pytest.raises(AssertionError, match="Not refused as 409"):
        refused.assert_refused(409)
    with pytest.raises(AssertionError, match="Not refused as 404 thread_locked"):
        refused.assert_refused(404, "thread_locked")
    with pytest.raises(AssertionError, match=r"refused: 404"):
        await other_chat.load(thread_id)


async def test_answers_say_what_is_in_them(every):
    reply = await every.send("hello")
    assert "thread.item.done" in repr(reply)
    with pytest.raises(AssertionError, match=r"was not refused: 200, events: thread.created"):
        reply.refusal  # noqa: B018
    with pytest.raises(AssertionError, match=r"0 of WidgetItem, items: user_message, assistant_message"):
        reply.get(types.WidgetItem)
    with pytest.raises(AssertionError, match=r"[2-9] of ThreadItemUpdatedEvent"):
        reply.get(types.ThreadItemUpdatedEvent)
    with pytest.raises(AssertionError, match="This is a stream"):
        reply.attachment  # noqa: B018
    listed = await every.list_threads()
    with pytest.raises(AssertionError, match=r"There is no .*TranscriptionResult"):
        listed.text  # noqa: B018
    more = await every.send("more", reply.thread_id)
    assert more.thread_id == reply.thread_id


async def test_error_in_an_answer_is_not_ok(chat):
    class Broken(TextServer):
        async def reply(self, message, context):
            yield "Well, "
            raise RuntimeError("a secret")

    with override_servers(default=Broken):
        reply = await chat.send("hello")
        with pytest.raises(AssertionError, match=r"The answer failed: .*went wrong"):
            reply.assert_ok()


async def test_page_that_refuses_without_chatkits_words(chat, settings):
    settings.ALLOWED_HOSTS = ["elsewhere"]
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    reply = await chat.list_threads()
    assert reply.status == 400
    with pytest.raises(AssertionError, match="not ChatKit's"):
        reply.assert_refused(400)


def test_bytes_that_are_no_event():
    response = type("Response", (), {"status_code": 200, "headers": {"Content-Type": "text/event-stream"}})
    for body in (b"event: x\n\n", b'data: {"type": "nonsense"}\n\n'):
        with pytest.raises(AssertionError, match="Not an event of ChatKit"):
            Reply(response, body).events  # noqa: B018
    with pytest.raises(AssertionError, match="no thread in this reply"):
        Reply(response, b": nothing\n\n").thread_id  # noqa: B018


# Without await


def test_sync_client(user, other_user):
    chat = SyncChatKitClient(user=user)
    reply = chat.send("hello").assert_ok()
    assert reply.text.strip() == "You said: hello"
    assert len(chat.load(reply.thread_id)) == 2
    SyncChatKitClient(user=other_user).get_thread(reply.thread_id).assert_refused(404)
    assert chat.rename(reply.thread_id, "Hi").thread.title == "Hi"
    assert chat.url == "/chatkit/"
    chat.look_at(user)
    assert chat.chat.headers["X-ChatKit-Page"]


def test_djangos_own_client_is_whoever_has_signed_in(client, user):
    client.force_login(user)
    thread_id = SyncChatKitClient(client=client).send("hi").assert_ok().thread_id
    assert Thread.objects.get(thread_id=thread_id).user == user


def test_sync_client_has_every_method():
    own = {name for name, method in vars(ChatKitClient).items() if inspect.iscoroutinefunction(method)}
    own -= {"post", "_submit"}  # an unread stream is of no use without a loop
    synced = {name for name, method in vars(SyncChatKitClient).items() if callable(method)}
    assert synced == own | {"__init__", "look_at"}
    assert SyncChatKitClient.send.__doc__ == ChatKitClient.send.__doc__


async def test_sync_client_in_an_async_test_says_so(user):
    with pytest.raises(RuntimeError, match="async event loop"):
        SyncChatKitClient(user=user).send("hello")


# Other servers


async def test_override_servers(chat, user):
    class Loud(TextServer):
        async def reply(self, message, context):
            yield message.upper()

    class Louder(Loud):
        async def reply(self, message, context):
            yield message.upper() + "!"

    before = servers["default"]
    with override_servers(default=Loud, extra=Loud):
        assert (await chat.send("a")).text == "A"
        with override_servers(default=Louder):
            assert (await chat.send("a")).text == "A!"
            assert (await ChatKitClient(user, "extra").send("a")).text == "A"
            assert (await ChatKitClient(user, "sales").send("a")).text.strip() == "You said: a"
        assert (await chat.send("a")).text == "A"
    assert servers["default"] is before
    assert "extra" not in servers


@pytest.mark.parametrize("time", ["once", "twice"])
@override_servers(default=ShopServer)
@override_model(ScriptedModel("Decorated."))
async def test_overrides_are_decorators(chat, time):
    assert (await chat.send("hi")).text == "Decorated."


def test_overrides_decorate_test_cases():
    @override_servers(default=EveryServer)
    class Tests(TestCase):
        def test_it(self):
            assert type(servers["default"]) is EveryServer

    result = Tests("test_it").run()
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])
    assert type(servers["default"]) is EchoServer


def test_override_model_of_a_server_without_one(db):
    with pytest.raises(TypeError, match="'default' has no model: EchoServer runs no agent"):
        override_model(ScriptedModel()).enable()


# The scripted model


@pytest.fixture
def shop():
    with override_servers(default=ShopServer):
        yield


async def test_a_script_is_said_turn_by_turn(chat, shop, scripted_model):
    model = scripted_model(ToolCall("order_status", number=1002), "It is\non its way. ")
    reply = (await chat.send("Where is order 1002?")).assert_ok()
    assert reply.text == "It is\non its way. "
    model.assert_finished()
    first, second = model.requests
    assert first.messages == [("user", "Where is order 1002?")]
    assert (first.instructions, first.tool_names) == ("Be brief.", ["order_status"])
    assert isinstance(first.settings, ModelSettings)
    assert first.tool_results == []
    assert second.tool_results == ["Order 1002 is on its way."]
    assert model.last_request is second
    assert "1002" in second.text
    updates = [event.update for event in reply.filter(types.ThreadItemUpdatedEvent)]
    deltas = [part.delta for part in updates if isinstance(part, types.AssistantMessageContentPartTextDelta)]
    assert deltas == ["It ", "is\n", "on ", "its ", "way. "]
    assert (await Thread.objects.aget()).title == "Where is order 1002?"


async def test_a_turn_may_have_parts(chat, shop, scripted_model):
    scripted_model(
        [Thought("Which order?"), "Let me ", "look.", ToolCall("order_status", number=7)],
        lambda request: f"I read: {request.tool_results[0]}",
    )
    reply = (await chat.send("hi")).assert_ok()
    assert reply.text == "Let me look.I read: Order 7 is on its way."
    [thought] = reply.get(types.WorkflowItem).workflow.tasks
    assert thought.content == "Which order?"


async def test_a_model_can_be_held(chat, shop, scripted_model):
    hold = Hold()
    scripted_model(["one ", hold, "two"])
    response = await chat.post({"type": "threads.create", "params": {"input": testing.user_input("hi")}})
    stream = aiter(response)
    seen = b""
    while b"one " not in seen:
        seen += await anext(stream)
    await hold.reached()
    assert b"two" not in seen
    hold.release()
    seen += b"".join([piece async for piece in stream])
    assert Reply(response, seen).text == "one two"


async def test_a_model_can_fail(chat, shop, scripted_model):
    scripted_model(RuntimeError("a secret"), ["Well, ", RuntimeError("a secret")])
    first = await chat.send("hi")
    second = await chat.send("hi")
    assert [len(reply.errors) for reply in (first, second)] == [1, 1]
    assert b"a secret" not in first.body + second.body
    stored = await chat.load(second.thread_id)
    assert stored[-1]["content"][0]["text"] == "Well, "


async def test_a_script_that_ends_too_early_fails_the_test(chat, shop):
    model = override_model(ScriptedModel(ToolCall("order_status", number=1)))
    model.enable()
    assert len((await chat.send("hi")).errors) == 1
    with pytest.raises(AssertionError, match=r"The script has 1 turns, but .* once more.*is on its way"):
        model.disable()


async def test_a_script_that_was_not_finished(chat, shop, scripted_model):
    model = scripted_model("one", "two")
    with pytest.raises(AssertionError, match="not asked at all"):
        model.last_request  # noqa: B018
    await chat.send("hi")
    with pytest.raises(AssertionError, match=r"asked 1 times; left in its script: \['two'\]"):
        model.assert_finished()


async def test_it_answers_for_whoever_is_handed_over_to_and_whatever_was_chosen(chat):
    class Desk(AgentServer):
        agent = Agent(name="Desk", model="gpt-never", handoffs=[Agent(name="Billing", model="gpt-never")])
        options = {"composer": {"models": [{"id": "gpt-never", "label": "Best"}]}}

    with override_servers(default=Desk), override_model(ScriptedModel(BILLING, "Billing here.")) as model:
        reply = await chat.send("hi", inference_options={"model": "gpt-never"})
    assert reply.assert_ok().text == "Billing here."
    model.assert_finished()


BILLING = ToolCall("transfer_to_billing")


async def test_it_answers_for_an_agent_that_is_a_tool(chat):
    clerk = Agent(name="Clerk", model="gpt-never").as_tool("clerk", "Knows about orders.")

    class Desk(AgentServer):
        agent = Agent(name="Desk", model="gpt-never", tools=[clerk])

    script = ScriptedModel(ToolCall("clerk", input="?"), "The clerk's answer.", "Passed on.")
    with override_servers(default=Desk), override_model(script) as model:
        assert (await chat.send("hi")).assert_ok().text == "Passed on."
    assert model.last_request.tool_results == ["The clerk's answer."]


async def test_a_part_that_is_none(chat, shop, scripted_model):
    scripted_model([7])
    assert (await chat.send("hi")).errors


async def test_a_scripted_model_works_without_a_chat():
    model = ScriptedModel("Hello.")
    untraced = RunConfig(tracing_disabled=True)
    result = await Runner.run(Agent(name="Any", model=model), "hi", run_config=untraced)
    assert result.final_output == "Hello."
    assert model.requests[0].messages == [("user", "hi")]


def test_messages_are_read_from_parts():
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_image"}]
    request = ModelRequest(None, [{"role": "user", "content": parts}], ModelSettings(), [])
    assert request.messages == [("user", "a\n")]


# The plugin


async def test_fixtures_for_people(chatkit, chatkit_user, other_chatkit):
    reply = (await chatkit.send("hello")).assert_ok()
    assert (await Thread.objects.aget()).user_id == chatkit_user.pk
    (await other_chatkit.get_thread(reply.thread_id)).assert_refused(404)


def test_fixture_for_sync_tests(sync_chatkit):
    assert sync_chatkit.send("hello").assert_ok()
    assert ThreadItem.objects.count() == 2


@pytest.mark.parametrize("module", ["testing", "testing.fixtures"])
def test_it_loads_before_django_is_set_up_and_without_the_agents(module):
    code = f"""
import sys, django_chatkit.{module}
heavy = {{"agents", "openai", "chatkit.server", "django_chatkit.models"}} & set(sys.modules)
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
