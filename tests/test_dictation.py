"""Speech to text: what is refused before anybody listens, who listens, and that nothing is kept."""

import asyncio
import base64
import functools
import json
import time

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.template import Context, Template
from django.test import RequestFactory

from django_chatkit.agents import OpenAITranscriber
from django_chatkit.dictation import Dictation
from django_chatkit.models import Attachment, Thread
from django_chatkit.testing import ChatKitClient
from tests.files import stored
from tests.openai_api import KEY, Answer, OpenAIAPI
from tests.servers import HearingServer

pytestmark = pytest.mark.django_db

WEBM = b"\x1aE\xdf\xa3" + b"speech " * 10
OGG = b"OggS" + b"\0" * 40
MP4 = b"\0\0\0\x1cftypiso5" + b"\0" * 40
SECRET = "sk-secret-" + "key"
TYPE = "audio/webm;codecs=opus"


@pytest.fixture
def chat(user):
    return ChatKitClient(user=user, server="hearing")


@pytest.fixture
def listen(monkeypatch):
    """Let the server transcribe with this function."""

    def listen(function, **options):
        monkeypatch.setattr(HearingServer, "dictation", Dictation(function, **options))

    return listen


def encode(data):
    return base64.b64encode(data).decode()


def speak(chat, data=WEBM, mime_type=TYPE):
    return chat.request("input.transcribe", audio_base64=encode(data), mime_type=mime_type)


def anything_kept():
    return Thread.objects.exists() or Attachment.objects.exists() or stored()


async def refuse(chat, status, code, **params):
    params = {"audio_base64": encode(WEBM), "mime_type": TYPE, **params}
    reply = await chat.request("input.transcribe", **params)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json["message"]
    assert not await sync_to_async(anything_kept)()
    return reply


async def test_speech_becomes_text_and_nothing_is_kept(chat):
    reply = await speak(chat)
    assert (reply.status, reply.json) == (200, {"text": "ann said 74 bytes"})
    assert not await sync_to_async(anything_kept)()


async def test_a_visitor_may_speak_where_visitors_may_chat(db):
    assert (await speak(ChatKitClient(server="hearing"))).json == {"text": "a visitor said 74 bytes"}


@pytest.mark.parametrize(
    ("data", "mime_type", "name"),
    [
        (WEBM, "audio/webm;codecs=opus", "speech.webm"),
        (OGG, "audio/ogg; codecs=opus", "speech.ogg"),
        (MP4, "audio/mp4", "speech.mp4"),
        (MP4, "AUDIO/WEBM", "speech.mp4"),  # what it is counts, not what it is called
    ],
)
async def test_what_browsers_record(chat, listen, data, mime_type, name):
    def hear(recording, context):
        assert recording.open().read() == data
        return recording.open().name

    listen(hear)
    assert (await speak(chat, data, mime_type)).json == {"text": name}


async def hear_async(recording, context):
    await asyncio.sleep(0)
    return f"{len(recording.data)}"


class Hearer:
    async def __call__(self, recording, context):
        return f"{len(recording.data)}"


@pytest.mark.parametrize(
    "function",
    [
        hear_async,
        functools.partial(hear_async),
        Hearer(),
        lambda recording, context: str(len(recording.data)),
        lambda recording, context: hear_async(recording, context),
    ],
    ids=["async", "partial", "object", "plain", "awaitable"],
)
async def test_any_function_can_listen(chat, listen, function):
    listen(function)
    assert (await speak(chat)).json == {"text": "74"}


async def test_a_plain_function_may_use_the_orm(chat, listen, user):
    listen(lambda recording, context: get_user_model().objects.get(pk=context.user.pk).username)
    assert (await speak(chat)).json == {"text": "ann"}


async def test_text_that_json_or_postgresql_cannot_hold(chat, listen):
    listen(lambda recording, context: "one\0two\ud800")
    assert (await speak(chat)).json == {"text": "one\ufffdtwo\ufffd"}


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"audio_base64": "AAA"}, 400, "invalid_request"),
        ({"audio_base64": "not base64!"}, 400, "invalid_request"),
        ({"audio_base64": encode(WEBM) + "é"}, 400, "invalid_request"),
        ({"audio_base64": ""}, 400, "invalid_request"),
        ({"audio_base64": encode(WEBM + b"x" * 3000)}, 413, "recording_too_large"),
        ({"audio_base64": "A" * 4001}, 413, "recording_too_large"),  # not even base64: never decoded
        ({"audio_base64": encode(b"<!doctype html>")}, 415, "unsupported_recording"),
        ({"audio_base64": encode(b"ID3 an mp3")}, 415, "unsupported_recording"),
        ({"mime_type": "text/html"}, 415, "unsupported_recording"),
        ({"mime_type": ""}, 415, "unsupported_recording"),
    ],
)
async def test_what_is_no_recording_is_refused(chat, listen, params, status, code):
    def never(recording, context):
        raise AssertionError("somebody listened")

    listen(never, max_size=3000)
    await refuse(chat, status, code, **params)


async def test_a_server_without_dictation_says_so(user, chat, listen, monkeypatch):
    await refuse(ChatKitClient(user=user), 400, "not_supported")
    monkeypatch.setattr(HearingServer, "get_dictation", lambda self, context: None)
    await refuse(chat, 400, "not_supported")


async def test_who_may_not_chat_may_not_speak(chat, monkeypatch):
    monkeypatch.setattr(HearingServer, "has_permission", lambda self, context: False)
    await refuse(chat, 403, "permission_denied")
    monkeypatch.setattr(HearingServer, "allow_anonymous", False)
    await refuse(ChatKitClient(server="hearing"), 401, "not_authenticated")


# How much


async def test_a_recording_may_be_larger_than_other_requests(chat, listen, settings):
    settings.CHATKIT_MAX_BODY_SIZE = 1000
    listen(lambda recording, context: str(len(recording.data)), max_size=3000)
    assert (await speak(chat, WEBM + b"x" * 2926)).json == {"text": "3000"}
    await refuse(chat, 413, "recording_too_large", audio_base64=encode(WEBM + b"x" * 2927))
    await refuse(chat, 413, "request_too_large", audio_base64="A" * 9000)


async def test_other_requests_may_not(chat, user, settings):
    settings.CHATKIT_MAX_BODY_SIZE = 1000
    reply = await chat.send("x" * 1000)
    assert (reply.status, reply.json["code"]) == (413, "request_too_large")
    deaf = await ChatKitClient(user=user).send("x" * 1000)
    assert (deaf.status, deaf.json["code"]) == (413, "request_too_large")
    assert not await sync_to_async(anything_kept)()


async def test_what_django_forbids_stays_forbidden(chat, listen, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    await refuse(chat, 413, "request_too_large", audio_base64=encode(WEBM + b"x" * 2000))


# Failures


def fail(recording, context):
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("function", [fail, lambda recording, context: None, lambda recording, context: b"x"])
async def test_a_failure_is_told_and_logged_without_what_was_said(chat, listen, caplog, function):
    listen(function)
    reply = await speak(chat)
    assert (reply.status, reply.json["code"]) == (503, "transcription_failed")
    assert "try again" in reply.json["message"]
    assert "Speech could not be transcribed" in caplog.text
    assert SECRET not in caplog.text + reply.body.decode()
    assert "speech speech" not in caplog.text


async def test_it_may_not_take_for_ever(chat, listen):
    async def sleep(recording, context):
        await asyncio.sleep(5)

    listen(sleep, timeout=0.05)
    started = time.monotonic()
    assert (await speak(chat)).json["code"] == "transcription_failed"
    assert time.monotonic() - started < 4


# OpenAI's API


@pytest.fixture
def api(listen):
    with OpenAIAPI() as api:
        listen(OpenAITranscriber(api_key=KEY, base_url=api.url))
        yield api


async def test_openai_is_asked(chat, api):
    api.answers = [Answer("What do ", "I owe? ")]
    assert (await speak(chat)).json == {"text": "What do I owe?"}
    assert api.paths == ["/v1/audio/transcriptions"]
    assert api.bodies == [
        {"model": "gpt-4o-mini-transcribe", "file": ("speech.webm", "audio/webm", WEBM)},
    ]


async def test_hints_for_openai(chat, api, listen):
    hints = {"language": "de", "prompt": "Kettle & Leaf"}
    listen(OpenAITranscriber("whisper-1", api_key=KEY, base_url=api.url, **hints))
    await speak(chat)
    body = api.bodies[0]
    assert (body["model"], body["language"], body["prompt"]) == ("whisper-1", "de", "Kettle & Leaf")


async def test_the_key_of_the_environment(chat, api, listen, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", api.url)
    listen(OpenAITranscriber())
    assert (await speak(chat)).status == 200
    assert api.keys == [KEY]


async def test_a_failure_of_openai(chat, api, caplog):
    api.answers = [Answer(status=400, error={"message": "secret detail"})]
    reply = await speak(chat)
    assert (reply.status, reply.json["code"]) == (503, "transcription_failed")
    assert "secret detail" not in caplog.text + reply.body.decode()


async def test_without_a_key_there_is_no_dictation(chat, listen, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    listen(OpenAITranscriber())
    await refuse(chat, 400, "not_supported")


# The button


def composer(user, server="hearing", arguments=""):
    request = RequestFactory().get("/")
    request.user = user
    html = Template(f"{{% load chatkit %}}{{% chatkit_widget '{server}' {arguments} %}}").render(
        Context(
            {
                "request": request,
                "on": {"dictation": {"enabled": True}},
                "off": {"dictation": {"enabled": False}},
            }
        )
    )
    data = html.split('type="application/json">')[1].split("</script>")[0]
    return json.loads(data)["options"].get("composer", {}), html


def test_the_button_is_there_where_the_server_can_listen(user, listen, monkeypatch):
    assert composer(user)[0]["dictation"] == {"enabled": True}
    assert "dictation" not in composer(user, "default")[0]
    assert composer(user, arguments="composer=off")[0]["dictation"] == {"enabled": False}
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    listen(OpenAITranscriber())
    assert "dictation" not in composer(user)[0]


def test_a_button_that_would_lead_nowhere_is_left_out_and_told(user, settings, caplog):
    options, html = composer(user, "default", "composer=on")
    assert options["dictation"] == {"enabled": False}
    assert "this server has no dictation" in caplog.text
    assert "this server has no dictation" not in html
    settings.DEBUG = True
    assert "this server has no dictation" in composer(user, "default", "composer=on")[1]
