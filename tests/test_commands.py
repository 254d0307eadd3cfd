"""Commands: what the page gets, and what is wrong with a declaration."""

import json
import re

import pytest
from django.utils.translation import gettext_lazy

from django_chatkit.commands import Command, problems
from django_chatkit.models import Thread
from django_chatkit.testing import ChatKitClient
from django_chatkit.widget import render_widget
from tests.servers import MenuServer, ThreadEntity

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(rf, user):
    def request_of(signed_in=True):
        request = rf.get("/")
        request.user = user
        request.session = {}
        return request

    return request_of


def data_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def test_what_the_page_gets(request_of):
    data = data_of(render_widget(request_of(), "menus"))
    assert data["entitiesUrl"] == "/chatkit/entities/menus/"
    assert data["options"]["entities"] == {"showComposerMenu": True}
    assert data["options"]["commands"] == {"enabled": True}
    shown = {command["id"]: command for command in data["commands"]}
    assert shown["hello"] == {
        "id": "hello",
        "label": "Say hello",
        "group": "Words",
        "does": {"prompt": "Hello there", "send": True},
    }
    assert shown["lookup"]["does"] == {"tool": "look", "model": "good"}
    assert shown["ping"]["does"] == {"action": {"type": "ping", "payload": {"n": 1}}}
    assert shown["more"]["does"]["commands"][0]["id"] == "deep"


def test_a_page_without_menus_has_no_script_for_them(request_of):
    html = render_widget(request_of(), "default")
    assert "menus.js" not in html
    data = data_of(html)
    assert (data["entitiesUrl"], data["commands"]) == (None, [])
    assert (
        not {"entities", "commands"} & data["options"].keys()
    )  # an older component refuses what it knows not
    assert "menus.js" in render_widget(request_of(), "menus")


def test_options_win(request_of, monkeypatch):
    options = {"entities": {"showComposerMenu": False}, "commands": {"enabled": False}}
    monkeypatch.setattr(MenuServer, "options", options)
    data = data_of(render_widget(request_of(), "menus"))
    assert data["options"]["entities"] == {"showComposerMenu": False}
    assert data["options"]["commands"] == {"enabled": False}


def test_a_component_that_does_not_know_the_menu(request_of, monkeypatch):
    """The way out where the CDN's component is older than the types."""
    monkeypatch.setattr(MenuServer, "options", {"commands": None})
    data = data_of(render_widget(request_of(), "menus"))
    assert "commands" not in data["options"]
    assert data["options"]["entities"] == {"showComposerMenu": True}


def test_a_command_for_one_person_with_a_mention(request_of, user, monkeypatch):
    thread = Thread.objects.create_for(user, "menus", title="Kettle")

    def get_commands(self, context):
        mention = ThreadEntity.mention(thread, context)
        return [Command("last", gettext_lazy("My last one"), mention=mention)]

    monkeypatch.setattr(MenuServer, "get_commands", get_commands)
    [command] = data_of(render_widget(request_of(), "menus"))["commands"]
    assert command["label"] == "My last one"
    assert command["does"]["entity"] == {
        "id": f"django_chatkit.thread:{thread.pk}",
        "title": "Kettle",
        "group": "Conversations",
        "interactive": True,
        "data": {"pk": str(thread.pk)},
    }


async def test_an_action_of_a_command_must_be_declared(user):
    chat = ChatKitClient(user=user, server="menus")
    reply = await chat.send("hi")
    params = {"thread_id": reply.thread_id, "item_id": None}
    known = await chat.request(
        "threads.custom_action", action={"type": "ping", "payload": {"n": 3}}, **params
    )
    assert known.events[-1].message == "Pong 3"
    unknown = await chat.request("threads.custom_action", action={"type": "pong", "payload": {}}, **params)
    assert (unknown.status, unknown.json["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("commands", "problem"),
    [
        ([Command("a", "A", prompt="x"), Command("a", "B", prompt="x")], "the id 'a' is used twice"),
        (
            [Command("a", "A", commands=[Command("a", "B", prompt="x")])],
            "the id 'a' is used twice",
        ),
        ([Command("a", "", prompt="x")], "the command 'a' needs an id and a label"),
        (
            [Command("a", "A")],
            "the command 'a' does nothing: give it one of prompt, mention, tool, model, action, commands",
        ),
        ([Command("a", "A", prompt="x", action="go")], "the command 'a' does too much: action, prompt"),
        ([Command("a", "A", tool="t", send=True)], "the command 'a' sends at once, but has no prompt"),
        ([Command("a", "A", tool="u")], "the command 'a' has the tool 'u', which does not exist here"),
        ([Command("a", "A", model="u")], "the command 'a' has the model 'u', which does not exist here"),
        ([Command("a", "A", action="u")], "the command 'a' has the action 'u', which does not exist here"),
    ],
)
def test_problems(commands, problem):
    assert list(problems(commands, ["t"], ["m"], ["go"])) == [problem]


def test_good_commands():
    commands = [
        Command("a", "A", prompt="x", send=True, tool="t", model="m"),
        Command("b", "B", commands=[Command("c", "C", action="go")]),
    ]
    assert list(problems(commands, ["t"], ["m"], ["go"])) == []
