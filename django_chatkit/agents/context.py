"""What tools get to know: who is asking, in which thread, and how to send more than text."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import agents
from agents.tool_context import ToolContext as SDKToolContext
from pydantic import InstanceOf, PrivateAttr

from django_chatkit import events
from django_chatkit.context import ChatKitContext
from django_chatkit.pieces import in_request_thread as in_request_thread
from django_chatkit.questions import Question
from django_chatkit.sdk import types

from chatkit.agents import AgentContext, ClientToolCall

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

BUSY = "Something else waits for this person's answer. Nothing was done. Call this again later."
ASKED = "The person is being asked. Nothing was done yet."
CALLED = "The page answers in its next request. Nothing is known yet."


class EventQueue(asyncio.Queue[Any]):
    """Events from tools. Knows the task that waits for the next one: the SDK leaves it behind."""

    reader: asyncio.Task[Any] | None = None

    async def get(self) -> Any:
        self.reader = asyncio.current_task()
        try:
            return await super().get()
        finally:
            self.reader = None


class DjangoAgentContext(AgentContext[ChatKitContext]):
    """What tools find in ``ctx.context``: ChatKit's AgentContext, and who is asking.

    Take the person from here and never from a tool's arguments, which the model makes up.
    """

    request_context: InstanceOf[ChatKitContext]
    asking: bool = False
    """Does this answer end with something that waits: a question, or a call of the page?"""
    question: InstanceOf[types.ThreadItemDoneEvent] | None = None
    """What the person is asked when all else is said."""
    sources: list[InstanceOf[types.Annotation]] = []
    """What was cited, for the text that comes next."""
    _events: asyncio.Queue[Any] = PrivateAttr(default_factory=EventQueue)
    _run: agents.RunResultStreaming | None = PrivateAttr(default=None)

    @property
    def user(self) -> AbstractBaseUser | None:
        """Who is signed in; None for a visitor."""
        return self.request_context.user

    @property
    def tenant(self) -> str:
        """What ``get_tenant()`` of the server said; empty without."""
        return self.request_context.tenant

    @property
    def request(self) -> HttpRequest | None:
        return self.request_context.request

    async def progress(self, text: str, icon: Any = None) -> None:
        """Tell what is being done now, until the next piece of the answer."""
        await self.stream(events.progress(text, icon))

    async def notify(self, message: str, level: events.Level = "info", title: str | None = None) -> None:
        """Show a message above the composer; a reload forgets it."""
        await self.stream(events.notify(message, level, title))

    async def effect(self, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Let the page do something: its ``chatkit.effect`` event has this name and these data."""
        await self.stream(events.effect(name, data))

    async def cite(self, *sources: events.Source) -> None:
        """Name sources of what the agent says next. The page shows them with its text."""
        self.sources += [events.cite(source) for source in sources]

    async def remember(self, content: Any) -> None:
        """Store text or JSON that the model reads from now on, and the browser never gets."""
        await self.stream(events.remember(self.thread, content))

    async def show(self, widget: Any, copy_text: str | None = None) -> None:
        """Store and show a widget: one of ``chatkit.widgets``, or its JSON as a dict."""
        await self.stream(events.show(self.thread, widget, copy_text))

    async def lock(self, reason: str = "") -> None:
        """Let the person read, but not write."""
        events.lock(self.thread, reason)

    async def close(self, reason: str = "") -> None:
        """End the conversation."""
        events.close(self.thread, reason)

    async def reopen(self) -> None:
        """Let the person write again."""
        events.reopen(self.thread)

    async def ask(self, *questions: str | Question) -> str:
        """Put questions to the person, with which this answer ends; the model reads the answers next.

        Each is a text, or a ``questions.Choice``. Return from the tool what this returns: it tells
        the model whether the person was asked. Of several that ask at once, one does.
        """
        if self.asking:
            return BUSY
        self.question = events.ask(self.thread, *questions)
        self.asking = True
        self.end_turn()
        return ASKED

    def call_page(self, name: str, arguments: dict[str, Any]) -> str:
        """Let a function of the page answer, with which this answer ends: see ``client_tool``."""
        if self.asking:
            return BUSY
        self.client_tool_call = ClientToolCall(name=name, arguments=arguments)
        self.asking = True
        self.end_turn()
        return CALLED

    def end_turn(self) -> None:
        """Let this round of tool calls be the last: the model is not asked again in this answer."""
        if self._run is not None:
            self._run.cancel(mode="after_turn")


ToolContext = SDKToolContext[DjangoAgentContext]


def function_tool(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """The Agents SDK's ``function_tool``, for functions that use the ORM.

    The SDK runs a plain function in a thread of its own, whose database connection nobody closes
    and whom a test's transaction hides its rows from. This runs it in the request's thread.
    """
    if func is None:
        return partial(function_tool, **options)
    if inspect.iscoroutinefunction(func):
        return agents.function_tool(func, **options)

    @wraps(func)
    async def tool(*args: Any, **kwargs: Any) -> Any:
        return await in_request_thread(func, *args, **kwargs)

    return agents.function_tool(tool, **options)
