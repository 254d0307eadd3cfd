"""Checks of mentions, commands, choices and limits: each in the words that a developer reads."""

import pytest
from agents import Agent, function_tool
from django.contrib.auth.models import Group, User
from django.core.checks import Error, Warning, run_checks

from django_chatkit.agents import AgentServer
from django_chatkit.checks.menus import ICON_HINT
from django_chatkit.commands import Command
from django_chatkit.entities import ModelEntity
from django_chatkit.server import TextServer
from tests.servers import MenuServer

HERE = "tests.test_checks_menus.Menus"


class Menus(TextServer):
    def reply(self, message, context):
        return message


class AgentMenus(AgentServer):
    """Has an agent, and what the tests give it."""


class GroupEntity(ModelEntity):
    model = Group
    search_fields = ["^name", "permissions__codename", "pk"]
    facts = ["name", "natural_key", "pk"]
    icon = "lucide:star"


@function_tool
def look() -> str:
    """Look."""
    return ""


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Without one there is a warning besides."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


@pytest.fixture
def found(settings, monkeypatch):
    def found(server_class=Menus, **attributes):
        settings.CHATKIT_SERVERS = {"default": f"{__name__}.{server_class.__name__}"}
        for name, value in attributes.items():
            monkeypatch.setattr(server_class, name, value)
        return run_checks(tags=["chatkit"])

    return found


def make(**attributes):
    return type("Wrong", (GroupEntity,), attributes)


def test_good_ones(found, settings):
    assert found(entities=[GroupEntity, make(name="other")], message_rate="3/m", search_rate=None) == []
    settings.CHATKIT_SERVERS = {"default": "tests.servers.MenuServer"}
    assert MenuServer.commands
    assert run_checks(tags=["chatkit"]) == []


@pytest.mark.parametrize("name", ["message_rate", "search_rate"])
def test_rates(found, name):
    assert found(**{name: "often"}) == [
        Error(
            f'{HERE}.{name}: "often" is no rate, such as "30/m": a number, and one of /s, /m, /h, /d.',
            hint='Write a number and a time, such as "30/m" or "100/10m"; None for no limit.',
            id="chatkit.E040",
        )
    ]


def test_rate_of_another_type(found):
    [message] = found(message_rate=30)
    assert message.id == "chatkit.E008"


def test_page_actions_are_a_list(found):
    """Of a text every part would be an action: "cart" of "cart.clear", and none at all."""
    [message] = found(page_actions="cart.clear")
    assert message == Error(
        f"{HERE}.page_actions must be of type collections.abc.Collection[str], not str.",
        hint="Change the class attribute.",
        id="chatkit.E008",
    )


def test_a_cache_that_counts_nothing(found, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert found() == []
    message = f"{HERE}.message_rate has no effect: the default cache keeps nothing."
    assert found(message_rate="3/m") == [
        Warning(message, hint="Use another backend in CACHES.", id="chatkit.W040")
    ]


@pytest.mark.parametrize("entity", [Group, ModelEntity, "shop.Order", GroupEntity()])
def test_what_is_no_entity(found, entity):
    [message] = found(entities=[entity])
    assert message == Error(
        f"{HERE}.entities: {entity!r} is no subclass of ModelEntity with a model.",
        hint="class OrderEntity(ModelEntity): model = Order",
        id="chatkit.E041",
    )


def test_entities_of_one_name(found):
    [message] = found(entities=[GroupEntity, make()])
    assert message.msg == (
        f"{HERE}.entities: Wrong has the name 'auth.group', as another one: their ids would be mixed up."
    )
    assert message.id == "chatkit.E041"


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"name": "a:b"}])
def test_values_that_cannot_be(found, wrong):
    [message] = found(entities=[make(**wrong)])
    assert message.msg == (
        f"{HERE}.entities: Wrong: limit must be greater than 0, and name must have no colon."
    )


@pytest.mark.parametrize(
    "field", ["nam", "name__x", "permissions", "permissions__content_type", "name__icontains"]
)
def test_search_fields(found, field):
    [message] = found(entities=[make(search_fields=[field])])
    assert message.msg == (
        f"{HERE}.entities: Wrong.search_fields: {field!r} is no field that words can be looked for in."
    )
    assert message.id == "chatkit.E042"


def test_hint_of_a_search_field(found):
    [message] = found(entities=[make(search_fields=["nam"])])
    assert message.hint == "Did you mean name?"


def test_facts(found):
    [message] = found(entities=[make(facts=["names"])])
    assert message == Error(
        f"{HERE}.entities: Wrong.facts: Group has no 'names'.", hint="Did you mean name?", id="chatkit.E042"
    )
    assert found(entities=[make(model=User, search_fields=["username"], facts=["get_full_name"])]) == []


def test_icons(found):
    [message] = found(entities=[make(icon="truck")])
    assert message == Error(
        f"{HERE}.entities: Wrong.icon: there is no 'truck'.", hint=ICON_HINT, id="chatkit.E043"
    )
    [message] = found(entities=[], commands=[Command("a", "A", prompt="x", icon="lucide:")])
    assert message.id == "chatkit.E043"


def test_commands(found):
    [message] = found(commands=[Command("a", "A", tool="look")])
    assert message == Error(
        f"{HERE}.commands: the command 'a' has the tool 'look', which does not exist here.",
        hint="A command's tool, model and action are declared in options and page_actions.",
        id="chatkit.E044",
    )
    [message] = found(commands=["/help"])
    assert message.msg == f"{HERE}.commands must be a list of Command."


def test_what_a_hook_offers_is_not_known(found, monkeypatch):
    monkeypatch.setattr(Menus, "get_options", lambda self, context: {}, raising=False)
    assert found(commands=[Command("a", "A", tool="look")]) == []


COMPOSER = {
    "models": [{"id": "fast", "label": "Fast"}],
    "tools": [{"id": "look", "label": "Look", "icon": "search"}],
}


def test_choices(found):
    agent = Agent(name="A", tools=[look])
    options = {"composer": COMPOSER}
    assert found(AgentMenus, agent=agent, options=options) == []
    good = {"model_choices": {"fast": "gpt"}, "tool_choices": {"look": "look"}}
    assert found(AgentMenus, **good) == []
    messages = found(AgentMenus, model_choices={"fats": agent})
    assert {message.msg for message in messages} == {
        f"tests.test_checks_menus.AgentMenus: the id {name!r} must be both in model_choices "
        'and in options["composer"]["models"].'
        for name in ("fast", "fats")
    }
    assert {message.id for message in messages} == {"chatkit.E045"}


def test_tools_that_the_agent_does_not_have(found):
    options = {"composer": COMPOSER}
    agent = Agent(name="A", tools=[look])
    [message] = found(AgentMenus, agent=agent, options=options, tool_choices={"look": "lok"})
    assert message == Error(
        "tests.test_checks_menus.AgentMenus: the composer's tool 'look' stands for 'lok', "
        "which the agent does not have.",
        hint="Add it to tool_choices. Did you mean look?",
        id="chatkit.E046",
    )
