"""Models and tools that a person picks in the composer: a white list, and what the ids stand for."""

import pytest
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel
from asgiref.sync import sync_to_async

from django_chatkit.agents import ClientToolCall, ToolContext, function_tool, tool
from django_chatkit.models import Confirmation, Thread, ThreadItem
from tests.agent_servers import ModelServer
from tests.openai_api import Answer, OpenAIAPI

pytestmark = pytest.mark.django_db

MODELS = [
    {"id": "fast", "label": "Fast", "default": True},
    {"id": "good", "label": "Good"},
    {"id": "poet", "label": "Poet"},
    {"id": "old", "label": "Old", "disabled": True},
]
TOOLS = [{"id": "look", "label": "Look up", "icon": "search", "persistent": True}]


@function_tool
def search_orders(ctx: ToolContext) -> str:
    """Search."""
    return "found"


@tool(confirm="Really?")
def burn(ctx: ToolContext) -> str:
    """Burn it."""
    return "burnt"


@pytest.fixture
def api(settings, monkeypatch):
    settings.CHATKIT_SERVERS = {"default": "tests.agent_servers.ModelServer"}
    with OpenAIAPI() as api:
        model = api.chat_model()
        poet = Agent(name="Poet", instructions="Rhyme.", model=model, tools=[burn])
        agent = Agent(name="Test", instructions="Be brief.", model=model, tools=[search_orders])
        monkeypatch.setattr(ModelServer, "agent", agent)
        monkeypatch.setattr(ModelServer, "options", {"composer": {"models": MODELS, "tools": TOOLS}})
        choices = {
            "fast": model,
            "good": OpenAIChatCompletionsModel("good-model-1", api.client()),
            "poet": poet,
            "old": model,
        }
        monkeypatch.setattr(ModelServer, "model_choices", choices)
        monkeypatch.setattr(ModelServer, "tool_choices", {"look": "search_orders"})
        yield api


def choose(model=None, tool_id=None):
    chosen = {"model": model, "tool_choice": {"id": tool_id} if tool_id else None}
    return {"inference_options": {name: value for name, value in chosen.items() if value}}


async def test_a_model_of_that_name(chat, api):
    await chat.send("hi", **choose("good"))
    assert api.bodies[0]["model"] == "good-model-1"
    await chat.send("hi")
    assert api.bodies[1]["model"] != "good-model-1"


async def test_another_agent(chat, api):
    await chat.send("hi", **choose("poet"))
    assert api.bodies[0]["messages"][0]["content"] == "Rhyme."
    assert [each["function"]["name"] for each in api.bodies[0]["tools"]] == ["burn"]


async def test_a_tool_is_called_once(chat, api):
    api.answers = [Answer(tool=("search_orders", {})), Answer("Done.")]
    reply = await chat.send("hi", **choose("fast", "look"))
    assert reply.text == "Done."
    assert api.bodies[0]["tool_choice"] == {"type": "function", "function": {"name": "search_orders"}}
    assert "tool_choice" not in api.bodies[1]
    await chat.send("and?", thread_id=reply.thread_id, **choose("fast"))
    assert "tool_choice" not in api.bodies[2]


async def test_a_chosen_client_tool_is_not_called_for_ever(chat, api, monkeypatch):
    """Its result comes with the next request: the model must be free to answer then."""

    @function_tool
    def search_page(ctx: ToolContext) -> str:
        """Search."""
        ctx.context.client_tool_call = ClientToolCall(name="search", arguments={})
        return "later"

    agent = ModelServer.agent.clone(tools=[search_page], tool_use_behavior="stop_on_first_tool")
    monkeypatch.setattr(ModelServer, "agent", agent)
    monkeypatch.setattr(ModelServer, "tool_choices", {"look": "search_page"})
    api.answers = [Answer(tool=("search_page", {})), Answer("Found.")]
    reply = await chat.send("hi", **choose("good", "look"))
    reply = await chat.request(
        "threads.add_client_tool_output", thread_id=reply.thread_id, result={"found": 1}
    )
    assert reply.text == "Found."
    assert "tool_choice" in api.bodies[0]
    assert "tool_choice" not in api.bodies[1]
    assert api.bodies[1]["model"] == "good-model-1"  # the model stays chosen


@pytest.mark.parametrize(
    "chosen",
    [
        choose("gpt-99-expensive"),
        choose("old"),
        choose("fast", "burn"),
        choose("fast", "search_orders"),
        choose("fast", "required"),
        choose("fast ", "look"),
    ],
)
async def test_foreign_ids_are_refused_and_nothing_is_kept(chat, api, chosen):
    reply = await chat.send("hi", **chosen)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")
    assert not await Thread.objects.aexists()
    thread_id = (await chat.send("hi")).thread_id
    items = await ThreadItem.objects.acount()
    assert (await chat.send("hi", thread_id=thread_id, **chosen)).status == 400
    assert await ThreadItem.objects.acount() == items
    assert len(api.bodies) == 1


async def test_what_is_not_offered_any_more_is_not_used_for_a_retry(chat, api, monkeypatch):
    reply = await chat.send("hi", **choose("good", "look"))
    message = await ThreadItem.objects.aget(type="user_message")
    options = {"composer": {"models": [{**MODELS[0]}, {**MODELS[1], "disabled": True}]}}
    monkeypatch.setattr(ModelServer, "options", options)
    retry = {"thread_id": reply.thread_id, "item_id": message.item_id}
    assert not (await chat.request("threads.retry_after_item", **retry)).errors
    assert [body["model"] for body in api.bodies] == ["good-model-1", "local-test"]
    assert "tool_choice" not in api.bodies[1]


async def test_a_confirmed_tool_of_a_chosen_agent_runs(chat, api):
    api.answers = [Answer(tool=("burn", {})), Answer("It is done.")]
    reply = await chat.send("hi", **choose("poet"))
    confirmation = await Confirmation.objects.select_related("item").aget()
    question = next(item for item in reply.items if item.type == "structured_input")
    answers = {question.inputs[0].id: {"values": [question.inputs[0].options[0].value]}}
    reply = await chat.request(
        "threads.add_structured_input",
        thread_id=reply.thread_id,
        item_id=confirmation.item.item_id,
        input={"status": "answered", "answers": answers},
    )
    await confirmation.arefresh_from_db()
    assert confirmation.status == "confirmed"
    assert "burnt" in str(api.bodies[-1]["messages"])
    assert api.bodies[-1]["messages"][0]["content"] == "Rhyme."


async def test_an_own_rule(chat, api, monkeypatch):
    monkeypatch.setattr(ModelServer, "get_tool", lambda self, choice, context: "none")
    await chat.send("hi", **choose("fast", "look"))
    assert api.bodies[0]["tool_choice"] == "none"


async def test_settings_of_the_agent_stay(chat, api, monkeypatch):
    agent = ModelServer.agent.clone(model_settings=ModelSettings(temperature=0.5))
    monkeypatch.setattr(ModelServer, "agent", agent)
    await chat.send("hi", **choose("good", "look"))
    assert api.bodies[0]["temperature"] == 0.5


async def test_staff_see_what_was_chosen(chat, api, admin_client):
    await chat.send("hi", **choose("good", "look"))
    pk = (await Thread.objects.aget()).pk
    page = await sync_to_async(admin_client.get)(f"/admin/django_chatkit/thread/{pk}/change/")
    assert "Chosen model: good" in page.content.decode()
    assert "Chosen tool: look" in page.content.decode()
