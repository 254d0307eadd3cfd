"""For your tests: a client that speaks to the endpoint as the component in the page does.

It goes through the whole of Django: session, CSRF check, middleware, view::

    async def test_it_answers():
        chat = ChatKitClient(user=user)
        reply = await chat.send("hello")
        assert reply.text == "You said: hello"

Run ``async`` tests with Django's ``TestCase``, or under pytest with ``async_to_sync``.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.request import HttpHeaders
from django.test import AsyncClient
from django.urls import reverse
from pydantic import TypeAdapter

from .sdk import types
from .servers import servers

EVENT: TypeAdapter[types.ThreadStreamEvent] = TypeAdapter(types.ThreadStreamEvent)
MARK = b"data"


class Reply:
    """What came back: a status and JSON, or the events of a stream."""

    def __init__(self, response: Any, body: bytes) -> None:
        self.response = response
        self.status: int = response.status_code
        self.body = body

    @property
    def is_stream(self) -> bool:
        return str(self.response.headers.get("Content-Type", "")).startswith("text/event-stream")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[types.ThreadStreamEvent]:
        """The stream's events, typed.

        Raises ValueError for a refusal, and for anything that the component would not render.
        """
        if not self.is_stream:
            raise ValueError(f"There is no stream: {self.status} {self.body[:200]!r}")
        return [event for frame in frames(self.body) if (event := parse_frame(frame)) is not None]

    @property
    def items(self) -> list[types.ThreadItem]:
        """The items that were announced as done, in their order."""
        return [event.item for event in self.events if isinstance(event, types.ThreadItemDoneEvent)]

    @property
    def errors(self) -> list[types.ErrorEvent]:
        return [event for event in self.events if isinstance(event, types.ErrorEvent)]

    @property
    def text(self) -> str:
        """The assistant's words."""
        messages = [item for item in self.items if isinstance(item, types.AssistantMessageItem)]
        return "".join(part.text for message in messages for part in message.content)

    @property
    def thread_id(self) -> str:
        """The thread that this stream is about."""
        created = [event.thread.id for event in self.events if isinstance(event, types.ThreadCreatedEvent)]
        return created[0] if created else self.items[0].thread_id


def frames(body: bytes) -> list[bytes]:
    """The frames of an event stream. What stands behind the last blank line is lost, as in a browser."""
    return body.split(b"\n\n")[:-1]


def parse_frame(frame: bytes) -> types.ThreadStreamEvent | None:
    if frame.startswith(b":"):
        return None
    field, _, value = frame.partition(b": ")
    if field != MARK or b"\n" in frame:
        raise ValueError(f"Not an event of ChatKit: {frame[:80]!r}")
    return EVENT.validate_json(value)


class ChatKitClient:
    """A person at the page of one server: signed in as ``user``, or a visitor without one."""

    def __init__(self, user: Any = None, server: str = "default", client: AsyncClient | None = None) -> None:
        self.user = user
        self.server = server
        self.client = client or AsyncClient(enforce_csrf_checks=True)
        self.headers: dict[str, str] = {}
        self.ready = False

    @property
    def url(self) -> str:
        kwargs = {} if self.server == "default" else {"server": self.server}
        return reverse("django_chatkit:api", kwargs=kwargs)

    async def open_page(self) -> None:
        """What loading the page does: a session for the user, and a CSRF token in cookie and header."""
        if self.user is not None:
            await sync_to_async(self.client.force_login)(self.user)
        secure = settings.SECURE_SSL_REDIRECT
        if secure:  # Django then wants to know where a request comes from
            self.headers.setdefault("Origin", "https://testserver")
        page = await self.client.get(reverse("django_chatkit:csrf"), secure=secure)
        if page["Content-Type"] == "application/json":  # or something stands before the view
            self.headers[csrf_header()] = page.json()["token"]
        self.ready = True

    async def post(self, body: Any, **extra: Any) -> Any:
        """Post a body as it is and return Django's response, its stream unread."""
        if not self.ready:
            await self.open_page()
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {**self.headers, **extra.pop("headers", {})}
        extra = {"content_type": "application/json", "secure": settings.SECURE_SSL_REDIRECT, **extra}
        return await self.client.post(self.url, data=data, headers=headers, **extra)

    async def request(self, type: str, **params: Any) -> Reply:
        """Make one of ChatKit's requests and read the answer to its end."""
        return await read(await self.post({"type": type, "params": params}))

    async def send(self, text: str, thread_id: str | None = None, **message: Any) -> Reply:
        """Send a message: to a new thread, or to the one with this id."""
        sent = {**user_input(text), **message}
        if thread_id is None:
            return await self.request("threads.create", input=sent)
        return await self.request("threads.add_user_message", input=sent, thread_id=thread_id)

    async def upload(
        self, name: str, content: bytes | str, content_type: str = "application/octet-stream"
    ) -> Reply:
        """Upload a file as the server's ``attachments`` want it. ``reply.json["id"]`` goes into a message::

        file = await chat.upload("cat.png", png, "image/png")
        await chat.send("Look!", attachments=[file.json["id"]])
        """
        content = content.encode() if isinstance(content, str) else content
        config = servers[self.server].attachments
        if config is None or config.strategy == "direct":
            url = reverse("django_chatkit:upload", kwargs={"server": self.server})
            return await self.put_file(url, name, content, content_type)
        created = await self.request(
            "attachments.create", name=name, size=len(content), mime_type=content_type
        )
        if created.status != 200:
            return created
        url = urlsplit(created.json["upload_descriptor"]["url"]).path
        uploaded = await self.put_file(url, name, content, content_type)
        return created if uploaded.status == 200 else uploaded

    async def put_file(
        self, url: str, name: str, content: bytes, content_type: str, method: str = "POST"
    ) -> Reply:
        """Send a file to an address: in a form, or as it is with ``"PUT"``."""
        if not self.ready:
            await self.open_page()
        if method == "PUT":
            response = await self.client.put(url, content, content_type=content_type, headers=self.headers)
        else:
            form = {"file": SimpleUploadedFile(name, content, content_type)}
            response = await self.client.post(url, form, headers=self.headers)
        return await read(response)

    async def list_threads(self, **params: Any) -> Reply:
        return await self.request("threads.list", **{"limit": 9999, "order": "desc", **params})

    async def get_thread(self, thread_id: str) -> Reply:
        return await self.request("threads.get_by_id", thread_id=thread_id)

    async def list_items(self, thread_id: str, **params: Any) -> Reply:
        return await self.request(
            "items.list", **{"thread_id": thread_id, "limit": 9999, "order": "asc", **params}
        )

    async def load(self, thread_id: str) -> list[dict[str, Any]]:
        """Every item of a thread as a reload shows it, page after page."""
        page = (await self.get_thread(thread_id)).json["items"]
        items: list[dict[str, Any]] = page["data"]
        while page["has_more"]:
            page = (await self.list_items(thread_id, after=page["after"])).json
            items += page["data"]
        return items


async def read(response: Any) -> Reply:
    if not response.streaming:
        return Reply(response, response.content)
    body = b"".join([chunk async for chunk in response])
    return Reply(response, body)


def csrf_header() -> str:
    name: str = settings.CSRF_HEADER_NAME
    standard = "X-CSRFToken"
    return standard if name == "HTTP_X_CSRFTOKEN" else HttpHeaders.parse_header_name(name) or standard


def user_input(text: str) -> dict[str, Any]:
    """A message as the composer sends it."""
    return {
        "content": [{"type": "input_text", "text": text}],
        "quoted_text": "",
        "attachments": [],
        "inference_options": {},
    }
