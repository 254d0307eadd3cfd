"""The client for tests that are not ``async``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import async_to_sync

from .client import ChatKitClient

P = ParamSpec("P")
R = TypeVar("R")


def without_await(
    method: Callable[Concatenate[ChatKitClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncChatKitClient, P], R]:
    """A method of ChatKitClient with the same arguments and the same result."""

    def call(self: SyncChatKitClient, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return async_to_sync(method)(self.chat, *args, **kwargs)

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


class SyncChatKitClient:
    """What :class:`ChatKitClient` does, without ``await``. Not for use inside ``async`` tests."""

    def __init__(self, user: Any = None, server: str = "default", client: Any = None) -> None:
        self.chat = ChatKitClient(user, server, client)

    @property
    def url(self) -> str:
        return self.chat.url

    def look_at(self, *args: Any, **kwargs: Any) -> None:
        self.chat.look_at(*args, **kwargs)

    open_page = without_await(ChatKitClient.open_page)
    request = without_await(ChatKitClient.request)

    send = without_await(ChatKitClient.send)
    retry = without_await(ChatKitClient.retry)
    act = without_await(ChatKitClient.act)
    answer = without_await(ChatKitClient.answer)
    skip = without_await(ChatKitClient.skip)
    give_tool_output = without_await(ChatKitClient.give_tool_output)
    feedback = without_await(ChatKitClient.feedback)
    transcribe = without_await(ChatKitClient.transcribe)

    upload = without_await(ChatKitClient.upload)
    create_attachment = without_await(ChatKitClient.create_attachment)
    put_file = without_await(ChatKitClient.put_file)
    delete_attachment = without_await(ChatKitClient.delete_attachment)

    list_threads = without_await(ChatKitClient.list_threads)
    get_thread = without_await(ChatKitClient.get_thread)
    rename = without_await(ChatKitClient.rename)
    delete = without_await(ChatKitClient.delete)
    list_items = without_await(ChatKitClient.list_items)
    load = without_await(ChatKitClient.load)
