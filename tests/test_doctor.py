"""chatkit_doctor: every step, and what it says when one fails."""

import asyncio
from io import StringIO

import pytest
from agents import Agent
from asgiref.sync import markcoroutinefunction
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.shortcuts import redirect

from django_chatkit.agents import AgentServer
from django_chatkit.checks import sdk
from django_chatkit.dictation import Dictation
from django_chatkit.management.commands import chatkit_doctor
from django_chatkit.models import Thread
from django_chatkit.server import DjangoChatKitServer, TextServer

pytestmark = pytest.mark.django_db


class SlowServer(TextServer):
    """Answers word by word."""

    async def reply(self, message, context):
        for word in ("one ", "two ", "three "):
            await asyncio.sleep(0.02)
            yield word


class FailingServer(TextServer):
    async def reply(self, message, context):
        raise RuntimeError("sk-secret")


class SilentServer(DjangoChatKitServer):
    async def respond(self, thread, input_user_message, context):
        return
        yield


class LateServer(TextServer):
    """Answers everything at once, late."""

    def reply(self, message, context):
        return "late"


class BrokenServer(TextServer):
    def __init__(self, **kwargs):
        raise ValueError("no shop")

    def reply(self, message, context):
        return message


class ListeningServer(SlowServer):
    dictation = Dictation(lambda recording, context: "")


class KeylessServer(AgentServer):
    agent = Agent(name="Test")


class ClosedServer(TextServer):
    def has_permission(self, context):
        return False

    def reply(self, message, context):
        return message


def redirecting(get_response):
    """Sends everybody to a login page."""
    return lambda request: redirect("/login/")


def isolating(get_response):
    def middleware(request):
        response = get_response(request)
        response["Cross-Origin-Embedder-Policy"] = "require-corp"
        return response

    return middleware


def muting(get_response):
    def middleware(request):
        response = get_response(request)
        response["Permissions-Policy"] = muting.policy
        return response

    return middleware


async def pieces(*given):
    for piece in given:
        yield piece


def collecting(get_response):
    """Waits for the end of every answer, as a badly written logger does."""

    async def middleware(request):
        response = await get_response(request)
        if response.streaming:
            response.streaming_content = pieces(b"".join([piece async for piece in response]))
        return response

    markcoroutinefunction(middleware)
    return middleware


collecting.async_capable, collecting.sync_capable = True, False


def garbling(get_response):
    def middleware(request):
        response = get_response(request)
        if response.streaming:
            response.streaming_content = pieces(b"data: {}\n\n")
        return response

    return middleware


def doctor(*args, **options) -> str:
    out = StringIO()
    call_command("chatkit_doctor", *args, stdout=out, no_color=True, **options)
    return out.getvalue()


def sick(capsys, *args, failures=1) -> str:
    """What a failing run says."""
    with pytest.raises(CommandError) as raised:
        call_command("chatkit_doctor", *args, no_color=True)
    assert str(raised.value) == f"{failures} of these steps failed."
    return capsys.readouterr().out


@pytest.fixture
def serve(settings):
    def use(name: str) -> None:
        settings.DEBUG = True
        settings.CHATKIT_SERVERS = {"default": f"tests.test_doctor.{name}"}

    return use


def test_a_healthy_project(settings):
    settings.DEBUG = True
    settings.CHATKIT_SERVERS = {"default": "tests.servers.EchoServer", "public": "tests.servers.PublicServer"}
    assert doctor().splitlines() == [
        "ok    The system checks find nothing.",
        "ok    The tables are there.",
        "ok    Server 'default' is tests.servers.EchoServer.",
        "skip  Server 'default' serves nobody who is signed out: give a --user to ask it as.",
        "ok    Server 'public' is tests.servers.PublicServer.",
        "ok    /chatkit/public/ answers a visitor.",
    ]


def test_a_message_is_streamed_and_nothing_stays(serve, user):
    serve("SlowServer")
    before = user.last_login
    said = doctor("--user", "ann", "--stream")
    assert "ok    /chatkit/ answers ann." in said
    assert "ok    A message was answered in " in said
    assert not Thread.objects.exists()
    assert not Session.objects.exists()
    user.refresh_from_db()
    assert user.last_login == before


def test_a_visitor_leaves_nothing(settings):
    settings.DEBUG = True
    doctor("--server", "public", "--stream")
    assert not Thread.objects.exists()
    assert not Session.objects.exists()


def test_a_site_that_redirects_to_https(serve, user, settings):
    serve("SlowServer")
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert "/chatkit/ answers ann." in doctor("--user", "ann")
    assert settings.ALLOWED_HOSTS == ["shop.example"]


@pytest.mark.parametrize(
    ("server", "words", "advice"),
    [
        ("FailingServer", "The answer ends with an error: Something went wrong", "The log says more."),
        ("SilentServer", "The answer is empty.", "Let respond() yield a thread.item.done event."),
        ("BrokenServer", "cannot be made: ValueError: no shop.", "Look at its __init__."),
        ("ClosedServer", "/chatkit/ answers 403: You may not use this chat.", "Look at has_permission()"),
        ("Nowhere", "CHATKIT_SERVERS['default']: cannot import", "(chatkit.E007)"),
    ],
)
def test_a_server_that_is_sick(serve, user, capsys, server, words, advice):
    serve(server)
    said = sick(capsys, "--user", "ann", "--stream")
    assert words in said
    assert advice in said
    assert "sk-secret" not in said


def test_a_stream_that_somebody_collects(serve, user, settings, capsys, monkeypatch):
    serve("SlowServer")
    settings.MIDDLEWARE = ["tests.test_doctor.collecting", *settings.MIDDLEWARE]
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(chatkit_doctor, "now", lambda: next(clock))
    assert "FAIL  The answer came in one piece." in sick(capsys, "--user", "ann", "--stream")


@pytest.mark.parametrize(
    ("middleware", "args", "words"),
    [
        ("redirecting", [], "/chatkit/ answers 302: no JSON, so something before the view answers."),
        ("isolating", [], "Cross-Origin-Embedder-Policy: require-corp blocks ChatKit's frame."),
        ("garbling", ["--stream"], "The answer is no stream of ChatKit's events."),
    ],
)
def test_middleware_in_the_way(serve, user, settings, capsys, middleware, args, words):
    serve("SlowServer")
    settings.MIDDLEWARE = [f"tests.test_doctor.{middleware}", *settings.MIDDLEWARE]
    assert words in sick(capsys, "--user", "ann", *args)


def test_a_message_that_is_refused(serve, user, capsys, monkeypatch):
    serve("SlowServer")
    monkeypatch.setattr(SlowServer, "max_message_length", 3)
    said = sick(capsys, "--user", "ann", "--stream")
    assert "To a message it answers 413: This message is too long." in said


@pytest.mark.parametrize(
    ("policy", "warned"),
    [
        ("microphone=()", "microphone=()"),
        ("camera=(), microphone=(self), geolocation=*", "microphone=(self)"),
        ("microphone=self", "microphone=self"),
        ("microphone=*", ""),
        ('microphone=(self "https://cdn.platform.openai.com")', ""),
        ("camera=()", ""),
    ],
)
def test_a_policy_that_forbids_to_listen(serve, user, settings, policy, warned):
    serve("ListeningServer")
    settings.MIDDLEWARE = ["tests.test_doctor.muting", *settings.MIDDLEWARE]
    muting.policy = policy
    said = doctor("--user", "ann")
    words = f"warn  Permissions-Policy: {warned} keeps ChatKit's frame from listening."
    assert (words in said) if warned else ("Permissions-Policy" not in said)
    settings.CHATKIT_SERVERS = {"default": "tests.test_doctor.SlowServer"}
    assert "Permissions-Policy" not in doctor("--user", "ann")


def test_a_missing_key_is_named_once_and_before_anybody_asks(serve, user, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    serve("KeylessServer")
    said = doctor("--user", "ann")
    assert said.count("OPENAI_API_KEY is not set: no message can be answered. (chatkit.W015)") == 1
    assert "ok    /chatkit/ answers ann." in said


@pytest.mark.parametrize(("count", "words"), [(1, "in 1 piece,"), (2, "in 2 pieces,")])
def test_pieces_are_counted(serve, user, monkeypatch, count, words):
    serve("SlowServer")
    real = chatkit_doctor.Command.judge

    async def judge(self, reply, times):
        await real(self, reply, [0.1] * count)

    monkeypatch.setattr(chatkit_doctor.Command, "judge", judge)
    assert words in doctor("--user", "ann", "--stream")


def test_without_tables(serve, capsys, monkeypatch):
    serve("SlowServer")

    def fail():
        raise OperationalError("no such table")

    monkeypatch.setattr(chatkit_doctor.Thread.objects, "exists", fail)
    said = sick(capsys)
    assert "FAIL  The tables cannot be read.\n      Run `manage.py migrate` (OperationalError).\n" in said
    assert "Server" not in said


def test_with_the_other_app(serve, capsys, monkeypatch):
    serve("SlowServer")
    monkeypatch.setattr(sdk, "installed_version", {"django-chatkit": "0.1.1"}.get)
    said = sick(capsys)
    assert said.startswith("FAIL  The distribution 'django-chatkit' is installed;")
    assert "Server" not in said


def test_failing_checks_and_warnings(serve, settings, capsys):
    serve("SlowServer")
    settings.CHATKIT_OPTION = {}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    said = sick(capsys)
    assert (
        "FAIL  CHATKIT_OPTION is not a setting of django_chatkit. (chatkit.E001)\n      Did you mean" in said
    )
    assert "warn  CHATKIT_MAX_BODY_SIZE is larger" in said
    settings.SILENCED_SYSTEM_CHECKS = ["chatkit.E001"]
    assert "CHATKIT_OPTION is" not in doctor()


def test_deployment_checks_without_debug(settings):
    settings.DEBUG = False
    assert "(chatkit.W008)" in doctor()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--user", "nobody"], "There is no user 'nobody'."),
        (["--server", "nowhere"], "1 of these steps failed."),
    ],
)
def test_wrong_arguments(settings, args, message):
    settings.DEBUG = True
    with pytest.raises(CommandError) as raised:
        doctor(*args)
    assert str(raised.value) == message
