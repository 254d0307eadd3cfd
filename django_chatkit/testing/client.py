"""A client for tests that makes every request of the component in the page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.request import HttpHeaders
from django.test import AsyncClient, Client
from django.urls import reverse

from django_chatkit.context import ChatKitContext
from django_chatkit.page import HEADER as PAGE_HEADER, describe_page, sign_page
from django_chatkit.sdk import types
from django_chatkit.servers import servers

from .reply import Reply

ALL = 9999
"""More than a page holds: the server gives as many as it likes."""

RECORDING = b"\x1aE\xdf\xa3" + b"speech " * 10
"""A recording to ``transcribe()``: it begins as WebM does, and there is nothing to be heard in it."""


class ChatKitClient:
    """A person at the page of one server: signed in as ``user``, or a visitor without one."""

    def __init__(self, user: Any = None, server: str = "default", client: Any = None) -> None:
        self.user = user
        self.server = server
        self.client = as_async(client)
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
        secure = is_secure()
        if secure:  # Django then wants to know where a request comes from
            self.headers.setdefault("Origin", "https://testserver")
        page = await self.client.get(reverse("django_chatkit:csrf"), secure=secure)
        if page["Content-Type"] == "application/json":  # or something stands before the view
            self.headers[csrf_header()] = page.json()["token"]
        self.ready = True

    def look_at(
        self, page_object: Any = None, page_context: Mapping[str, Any] | None = None, tenant: str = ""
    ) -> None:
        """Be on a page whose tag has these arguments; without any, on one that tells nothing."""
        page = describe_page(page_object, page_context)
        self.headers.pop(PAGE_HEADER, None)
        if page is not None:
            context = ChatKitContext(user=self.user, server=self.server, tenant=tenant)
            self.headers[PAGE_HEADER] = sign_page(page, context)

    async def post(self, body: Any, **extra: Any) -> Any:
        """Post a body as it is and return Django's response, its stream unread."""
        if not self.ready:
            await self.open_page()
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {**self.headers, **extra.pop("headers", {})}
        extra = {"content_type": "application/json", "secure": is_secure(), **extra}
        return await self.client.post(self.url, data=data, headers=headers, **extra)

    async def request(self, /, type: str, **params: Any) -> Reply:
        """Make one of ChatKit's requests and read the answer to its end."""
        return await read(await self.post({"type": type, "params": params}))

    # Messages and answers

    async def send(self, /, text: str, thread_id: str | None = None, **message: Any) -> Reply:
        """Send a message: to a new thread, or to the one with this id.

        Further arguments are the message's own: ``attachments=[id]``, ``quoted_text="…"``, ``content=[…]``,
        ``inference_options={…}``.
        """
        sent = {**user_input(text), **message}
        if thread_id is None:
            return await self.request("threads.create", input=sent)
        return await self.request("threads.add_user_message", input=sent, thread_id=thread_id)

    async def retry(self, thread_id: str, item_id: str) -> Reply:
        """Have the message with this id answered again."""
        return await self.request("threads.retry_after_item", thread_id=thread_id, item_id=item_id)

    async def act(
        self,
        thread_id: str,
        type: str,
        payload: Any = None,
        *,
        item_id: str | None = None,
        streaming: bool = True,
    ) -> Reply:
        """Do an action of the widget with this id; what does not stream gives one ``reply.item`` or None."""
        kind = "threads.custom_action" if streaming else "threads.sync_custom_action"
        action = {"type": type, "payload": payload}
        return await self.request(kind, thread_id=thread_id, item_id=item_id, action=action)

    async def answer(
        self, thread_id: str, item_id: str, answers: Mapping[str, str | Sequence[str] | None]
    ) -> Reply:
        """Answer the questions of a structured input by their ids; None skips one."""
        given = {question: to_answer(values) for question, values in answers.items()}
        return await self._submit(thread_id, item_id, status="answered", answers=given)

    async def skip(self, thread_id: str, item_id: str) -> Reply:
        """Skip all questions of a structured input."""
        return await self._submit(thread_id, item_id, status="skipped", answers={})

    async def _submit(self, thread_id: str, item_id: str, **submission: Any) -> Reply:
        return await self.request(
            "threads.add_structured_input", thread_id=thread_id, item_id=item_id, input=submission
        )

    async def give_tool_output(self, thread_id: str, result: Any) -> Reply:
        """What the page's own function gave, for the client tool that the thread waits for."""
        return await self.request("threads.add_client_tool_output", thread_id=thread_id, result=result)

    async def feedback(self, thread_id: str, *item_ids: str, kind: types.FeedbackKind = "positive") -> Reply:
        """Click a thumb below an answer, which consists of these items."""
        return await self.request("items.feedback", thread_id=thread_id, item_ids=list(item_ids), kind=kind)

    async def transcribe(self, audio: bytes, mime_type: str = "audio/webm;codecs=opus") -> Reply:
        """Speak into the composer. ``reply.text`` is what was understood."""
        encoded = base64.b64encode(audio).decode()
        return await self.request("input.transcribe", audio_base64=encoded, mime_type=mime_type)

    # Files

    async def upload(
        self,
        name: str,
        content: bytes | str,
        content_type: str = "application/octet-stream",
        *,
        method: str | None = None,
    ) -> Reply:
        """Upload a file as the server's ``attachments`` want it, and send it by its id::

            file = await chat.upload("cat.png", png, "image/png")
            await chat.send("Look!", attachments=[file.attachment.id])

        In two phases it is sent as the server says, or with ``method="PUT"``.
        """
        content = content.encode() if isinstance(content, str) else content
        context = ChatKitContext(server=self.server, user=self.user)
        config = await sync_to_async(servers[self.server].get_attachments)(context)
        if config is None or config.strategy == "direct":
            url = reverse("django_chatkit:upload", kwargs={"server": self.server})
            return await self.put_file(url, name, content, content_type)
        created = await self.create_attachment(name, len(content), content_type)
        descriptor = created.attachment.upload_descriptor if created.status == 200 else None
        if descriptor is None:
            return created
        uploaded = await self.put_file(
            urlsplit(str(descriptor.url)).path,
            name,
            content,
            content_type,
            method=method or descriptor.method,
            headers=descriptor.headers,
        )
        return created if uploaded.status == 200 else uploaded

    async def create_attachment(self, name: str, size: int, mime_type: str) -> Reply:
        """Announce a file: the first of two phases. ``reply.attachment.upload_descriptor`` says where to."""
        return await self.request("attachments.create", name=name, size=size, mime_type=mime_type)

    async def put_file(
        self,
        url: str,
        name: str,
        content: bytes,
        content_type: str,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a file to an address: in a form, or as it is with ``"PUT"``."""
        if not self.ready:
            await self.open_page()
        how: dict[str, Any] = {"headers": {**self.headers, **(headers or {})}, "secure": is_secure()}
        if method == "PUT":
            response = await self.client.put(url, content, content_type=content_type, **how)
        else:
            form = {"file": SimpleUploadedFile(name, content, content_type)}
            response = await self.client.post(url, form, **how)
        return await read(response)

    async def delete_attachment(self, attachment_id: str) -> Reply:
        """Take a file out of the composer again."""
        return await self.request("attachments.delete", attachment_id=attachment_id)

    # Threads

    async def list_threads(self, /, **params: Any) -> Reply:
        return await self.request("threads.list", **{"limit": ALL, "order": "desc", **params})

    async def get_thread(self, thread_id: str) -> Reply:
        return await self.request("threads.get_by_id", thread_id=thread_id)

    async def rename(self, thread_id: str, title: str) -> Reply:
        return await self.request("threads.update", thread_id=thread_id, title=title)

    async def delete(self, thread_id: str) -> Reply:
        return await self.request("threads.delete", thread_id=thread_id)

    async def list_items(self, /, thread_id: str, **params: Any) -> Reply:
        return await self.request(
            "items.list", **{"thread_id": thread_id, "limit": ALL, "order": "asc", **params}
        )

    async def load(self, thread_id: str) -> list[dict[str, Any]]:
        """Every item of a thread as a reload shows it, page after page: the JSON, to the letter."""
        page = (await self.get_thread(thread_id)).checked()["items"]
        items: list[dict[str, Any]] = page["data"]
        while page["has_more"]:
            page = (await self.list_items(thread_id, after=page["after"])).checked()
            items += page["data"]
        return items


def as_async(client: Client | AsyncClient | None) -> AsyncClient:
    """Django's own client for tests, if there is one: then it is its session that chats."""
    if isinstance(client, AsyncClient):
        return client
    made = AsyncClient(enforce_csrf_checks=True)
    if client is not None:
        made.cookies = client.cookies
    return made


def to_answer(values: str | Sequence[str] | None) -> dict[str, Any]:
    if values is None:
        return {"values": [], "skipped": True}
    return {"values": [values] if isinstance(values, str) else list(values), "skipped": False}


def is_secure() -> bool:
    return bool(settings.SECURE_SSL_REDIRECT)


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
