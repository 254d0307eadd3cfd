"""Middleware around a streamed answer: what is not async ends with the headers, and the answer goes on."""

import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.utils import translation

from django_chatkit.models import ThreadItem
from django_chatkit.server import TextServer
from django_chatkit.testing import ChatKitClient, frames, parse_frame, user_input

pytestmark = pytest.mark.django_db(transaction=True)

SYNC = "tests.test_middleware.SyncOnlyMiddleware"


class SyncOnlyMiddleware:
    """As WhiteNoise's is, and most that people write themselves."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Passed"] = "1"
        return response


class LanguageServer(TextServer):
    """Answers with the language that is active while it answers."""

    async def reply(self, message, context):
        yield f"{translation.get_language()} "
        yield await sync_to_async(translation.get_language)()


async def post(user, body: dict, **headers: str) -> tuple[list, dict]:
    """The events that a real ASGI server would get from the application for one request."""
    client = ChatKitClient(user=user)
    await client.open_page()
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.client.cookies.items())
    sent = {"content-type": "application/json", "cookie": cookies, "host": "testserver", **headers}
    sent["x-csrftoken"] = client.headers["X-CSRFToken"]
    scope = {
        "type": "http",
        "method": "POST",
        "path": client.url,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    communicator = ApplicationCommunicator(get_asgi_application(), scope)
    await communicator.send_input({"type": "http.request", "body": json.dumps(body).encode()})
    start = await communicator.receive_output(10)
    received, more = b"", True
    while more:
        message = await communicator.receive_output(10)
        received += message.get("body", b"")
        more = message.get("more_body", False)
    await communicator.wait(10)
    return [parse_frame(frame) for frame in frames(received)], dict(start["headers"])


@pytest.mark.parametrize("place", ["first", "last"])
async def test_the_whole_answer_arrives_and_is_stored(settings, user, place):
    settings.CHATKIT_SERVERS = {"default": "tests.test_middleware.LanguageServer"}
    position = 0 if place == "first" else len(settings.MIDDLEWARE)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:position], SYNC, *settings.MIDDLEWARE[position:]]
    body = {"type": "threads.create", "params": {"input": user_input("hello")}}
    events, headers = await post(user, body, **{"accept-language": "de"})
    assert headers[b"X-Passed"] == b"1"
    assert [event.type for event in events if event.type == "error"] == []
    stored = [item async for item in ThreadItem.objects.values_list("type", "text")]
    assert stored == [("user_message", "hello"), ("assistant_message", "de de")]


@pytest.mark.parametrize(
    ("page", "answer"), [("de", "de de"), ("pt-br", "pt-br pt-br"), ("xx", "fr fr"), ("../", "fr fr")]
)
async def test_the_language_of_the_page_comes_first(settings, user, page, answer):
    settings.CHATKIT_SERVERS = {"default": "tests.test_middleware.LanguageServer"}
    body = {"type": "threads.create", "params": {"input": user_input("hello")}}
    _events, headers = await post(user, body, **{"accept-language": "fr", "x-chatkit-language": page})
    assert headers[b"Content-Language"] == answer.split()[0].encode()
    assert [text async for text in ThreadItem.objects.values_list("text", flat=True)] == ["hello", answer]


async def test_without_a_middleware_for_languages_none_is_left_behind(settings, user):
    settings.CHATKIT_SERVERS = {"default": "tests.test_middleware.LanguageServer"}
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "locale" not in path]
    body = {"type": "threads.create", "params": {"input": user_input("hello")}}
    await post(user, body, **{"x-chatkit-language": "de"})
    assert [text async for text in ThreadItem.objects.values_list("text", flat=True)] == ["hello", "en en"]


HARMLESS = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
]


@pytest.mark.parametrize("middleware", HARMLESS)
async def test_middleware_that_does_no_harm(settings, user, middleware, tmp_path):
    """The documentation of the checks says so."""
    settings.STATIC_ROOT = tmp_path
    settings.CHATKIT_SERVERS = {"default": "tests.servers.EchoServer"}
    settings.MIDDLEWARE = [middleware, *settings.MIDDLEWARE]
    body = {"type": "threads.create", "params": {"input": user_input("one two")}}
    events, headers = await post(user, body, **{"accept-encoding": "gzip"})
    assert headers[b"Content-Encoding"] == b"identity"
    assert (events[0].type, events[-1].type) == ("thread.created", "thread.updated")
    assert await ThreadItem.objects.acount() == 2
