"""What is on the page: signed for one person, looked up at the time of use, never stored."""

import json

import pytest
from agents import Agent
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from django_chatkit.context import ChatKitContext
from django_chatkit.models import ThreadItem
from django_chatkit.page import HEADER, MAX_LENGTH, Page, describe_page, sign_page
from django_chatkit.testing import ChatKitClient
from tests.agent_servers import ModelServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(settings, monkeypatch, scripted_model):
    """What the assistant asks: it gets a few answers."""
    settings.CHATKIT_SERVERS = {
        "default": "tests.agent_servers.ModelServer",
        "sales": "tests.servers.SalesServer",
    }
    monkeypatch.setattr(ModelServer, "agent", Agent(name="Test"))
    return scripted_model(*["Fine."] * 9)


@pytest.fixture
def group(db):
    return Group.objects.create(name="The object")


def sign(user=None, page_object=None, page_context=None, **context):
    return sign_page(describe_page(page_object, page_context), ChatKitContext(user=user, **context))


async def test_facts_reach_the_model_for_this_turn_alone(chat, user, model):
    chat.look_at(page_context={"order": 7, "note": "secret fact"})
    reply = await chat.send("what is this?")
    role, text = model.last_request.messages[0]
    assert role == "system"
    assert "facts, not instructions" in text
    assert '{"order": 7, "note": "secret fact"}' in text
    assert b"secret fact" not in reply.body
    assert not await ThreadItem.objects.filter(data__contains="secret fact").aexists()
    chat.look_at()
    await chat.send("and now?", thread_id=reply.thread_id)
    assert "secret fact" not in model.last_request.text


async def test_object_needs_the_permission_at_the_time_of_use(chat, user, model, group):
    chat.look_at(group)
    await chat.send("hi")
    assert "The object" not in model.last_request.text
    await user.user_permissions.aadd(await Permission.objects.aget(codename="view_group"))
    await Group.objects.aupdate(name="The new object")
    await chat.send("hi")
    assert "The new object" in model.last_request.text
    assert "auth.Group" in model.last_request.text
    await user.user_permissions.aclear()
    await chat.send("hi")
    assert "The new object" not in model.last_request.text


async def test_own_rule_and_own_words(chat, user, model, group, monkeypatch):
    monkeypatch.setattr(ModelServer, "can_see_page_object", lambda self, obj, context: obj.pk == group.pk)
    monkeypatch.setattr(ModelServer, "get_page_context", lambda self, obj, context: {"group": obj.name})
    chat.look_at(group, {"tab": "members"})
    await chat.send("hi")
    assert r"{\"group\": \"The object\", \"tab\": \"members\"}" in model.last_request.text


async def test_object_that_is_gone(chat, user, model, group):
    chat.look_at(group)
    await group.adelete()
    assert not (await chat.send("hi")).errors


@pytest.fixture
def ignored(chat, model, caplog):
    """The chat goes on, without the facts, and the log says why, without them too."""

    async def ignored(header, words):
        chat.headers[HEADER] = header
        assert not (await chat.send("hi")).errors
        assert "secret fact" not in model.last_request.text
        assert f"ignored: {words}" in caplog.text
        assert "secret fact" not in caplog.text

    return ignored


async def test_altered(ignored, user):
    signed = sign(user, page_context={"note": "secret fact"})
    for header in (signed[:-1] + "x", "x" + signed, "x", signed.partition(":")[2], "." + signed):
        await ignored(header, "its signature")
    await ignored(signing.dumps({"facts": {"note": "secret fact"}}, salt="another"), "its signature")


async def test_too_old(ignored, user, monkeypatch):
    signed = sign(user, page_context={"note": "secret fact"})
    monkeypatch.setattr("django_chatkit.page.PAGE_SECONDS", -1)
    await ignored(signed, "it is too old")


async def test_somebody_elses(ignored, user, other_user):
    for context in (
        {"user": other_user},
        {"user": None},
        {"user": user, "server": "sales"},
        {"user": user, "tenant": "another"},
    ):
        await ignored(sign(page_context={"note": "secret fact"}, **context), "it was made for")


async def test_visitors(model, monkeypatch, caplog):
    monkeypatch.setattr(ModelServer, "allow_anonymous", True)
    chat = ChatKitClient()
    await chat.open_page()
    chat.look_at(page_context={"fact": "for visitors"})
    reply = await chat.send("hi")
    assert "for visitors" in model.last_request.text
    await chat.send("hi", thread_id=reply.thread_id)
    assert "for visitors" in model.last_request.text
    chat.headers[HEADER] = sign(visitor="somebody else", page_context={"fact": "for another"})
    await chat.send("hi")
    assert "for another" not in model.last_request.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"page_object": "text"},
        {"page_object": Group(name="unsaved")},
        {"page_context": ["a list"]},
        {"page_context": {"object": object()}},
        {"page_context": {str(number): f"{number * 7919:x}" for number in range(MAX_LENGTH)}},
    ],
)
def test_what_cannot_be_described(arguments, user):
    request = RequestFactory().get("/")
    request.user, request.session = user, {}
    template = Template("{% load chatkit %}{% chatkit_widget page_object=o page_context=c %}")
    context = Context(
        {"request": request, "o": arguments.get("page_object"), "c": arguments.get("page_context")}
    )
    with pytest.raises(TemplateSyntaxError, match="the page cannot be described"):
        template.render(context)


async def test_tag_writes_what_the_endpoint_reads(chat, user, model, group):
    @sync_to_async
    def render():
        request = RequestFactory().get("/")
        request.user, request.session = user, {}
        template = Template("{% load chatkit %}{% chatkit_widget page_object=o page_context=c %}")
        return template.render(Context({"request": request, "o": group, "c": {"tab": "seven"}}))

    html = await render()
    data = json.loads(html.split('type="application/json">')[1].split("</script>")[0])
    chat.headers[HEADER] = data["page"]
    await chat.send("hi")
    assert "seven" in model.last_request.text


def test_page_without_anything():
    assert describe_page(None, None) is None
    assert Page().get_object() is None
    assert Page(model="auth.Group", pk="no number").get_object() is None
