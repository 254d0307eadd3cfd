"""One answer being produced: what happens between ``respond()`` and the SDK's event pipeline.

The SDK stores an item when it is done. A run sees to everything before that: it saves what the
person has read so far about once a second, keeps hidden items hidden, ends an answer that takes
too long, and turns whatever goes wrong into one message that a person may read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.utils.translation import override

from .context import ChatKitContext
from .logs import log_failure
from .sdk import types

from chatkit.errors import CustomStreamError, StreamError

if TYPE_CHECKING:
    from .server import DjangoChatKitServer

SAVE_SECONDS = 1.0
TITLE_SECONDS = 10.0
HIDDEN = (types.HiddenContextItem, types.SDKHiddenContextItem)


class Run:
    """Follows the events of one answer on their way to the SDK."""

    def __init__(
        self, server: DjangoChatKitServer, thread: types.ThreadMetadata, context: ChatKitContext
    ) -> None:
        self.server = server
        self.thread = thread
        self.context = context
        self.pending: dict[str, types.ThreadItem] = {}
        self.saved_at = time.monotonic()

    async def events(
        self, source: Callable[[], AsyncIterator[types.ThreadStreamEvent]]
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """The events of ``source``, each seen to. Raises CustomStreamError for whatever goes wrong."""
        title = asyncio.create_task(self.make_title())
        try:
            async for event in self.within_time(source()):
                if await self.see_to(event):
                    yield event
                self.take_title(title)
            await self.wait_for_title(title)
        except Exception as error:
            await self.save_pending()
            raise self.explain(error) from None
        finally:
            title.cancel()

    async def within_time(
        self, source: AsyncIterator[types.ThreadStreamEvent]
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """Raises TimeoutError once the whole answer has taken the server's ``timeout``."""
        deadline = asyncio.get_running_loop().time() + self.server.timeout
        try:
            while True:
                # Not around the whole loop: the deadline must strike while we wait for the
                # answer, never while somebody else waits for us.
                async with asyncio.timeout_at(deadline):
                    try:
                        event = await anext(source)
                    except StopAsyncIteration:
                        return
                    except asyncio.CancelledError as error:
                        raise own_cancellation(error) from None
                yield event
        finally:
            await close(source)

    async def see_to(self, event: types.ThreadStreamEvent) -> bool:
        """Keep track of an event. Returns whether the browser may have it."""
        match event:
            case types.ThreadItemAddedEvent():
                if isinstance(event.item, HIDDEN):
                    return False
                self.pending[event.item.id] = event.item.model_copy(deep=True)
            case types.ThreadItemReplacedEvent():
                self.pending.pop(event.item.id, None)
                if isinstance(event.item, HIDDEN):
                    await self.server.store.save_item(self.thread.id, event.item, self.context)
                    return False
            case types.ThreadItemDoneEvent():
                self.pending.pop(event.item.id, None)
            case types.ThreadItemRemovedEvent():
                self.pending.pop(event.item_id, None)
            case types.ThreadItemUpdatedEvent():
                self.server._update_pending_items(self.pending, own_copy(event))
                await self.save_now_and_then()
        return True

    async def save_now_and_then(self) -> None:
        if time.monotonic() - self.saved_at >= SAVE_SECONDS:
            await self.save_pending()

    async def save_pending(self) -> None:
        """Store what was streamed but is not done, under its final id. Failing is logged, not raised."""
        self.saved_at = time.monotonic()
        for item in [item for item in self.pending.values() if has_content(item)]:
            try:
                await self.server.store.add_thread_item(self.thread.id, item, self.context)
            except Exception as error:
                log_failure("A partial answer could not be saved", self.thread.id, error)

    async def make_title(self) -> str | None:
        """A title for a thread without one; a failure costs the title, not the answer."""
        if self.thread.title:
            return None
        try:
            first = await self.server.store.load_thread_items(self.thread.id, None, 1, "asc", self.context)
            message = first.data[0] if first.data else None
            if not isinstance(message, types.UserMessageItem):
                return None
            return await self.server.get_title(self.thread, message, self.context)
        except Exception as error:
            log_failure("No title could be made", self.thread.id, error)
            return None

    def take_title(self, title: asyncio.Task[str | None]) -> None:
        """The SDK saves the thread and tells the browser as soon as it sees a change."""
        if title.done() and not title.cancelled() and title.result() and not self.thread.title:
            self.thread.title = title.result()

    async def wait_for_title(self, title: asyncio.Task[str | None]) -> None:
        await asyncio.wait({title}, timeout=TITLE_SECONDS)
        self.take_title(title)

    def explain(self, error: Exception) -> Exception:
        """The error that the SDK turns into an ``error`` event. What it says is fit for anybody's eyes."""
        if isinstance(error, CustomStreamError | StreamError):
            return error
        with override(self.context.locale or None):
            log_failure("An answer failed", self.thread.id, error)
            message, allow_retry = self.server.get_error_message(error, self.context)
        return CustomStreamError(message, allow_retry=allow_retry)


def own_cancellation(error: asyncio.CancelledError) -> BaseException:
    """A stop of ours is passed on; a library that cancels itself has failed like any other."""
    task = asyncio.current_task()
    return error if task is not None and task.cancelling() else RuntimeError("cancelled from within")


def own_copy(event: types.ThreadItemUpdatedEvent) -> types.ThreadItemUpdatedEvent:
    """The SDK adds each delta to the very part that an earlier event brought; we must not share it."""
    if isinstance(event.update, types.AssistantMessageContentPartTextDelta):
        return event
    return event.model_copy(deep=True)


async def close(source: Any) -> None:
    with suppress(AttributeError):
        await source.aclose()


def has_content(item: types.ThreadItem) -> bool:
    match item:
        case types.AssistantMessageItem():
            return any(part.text.strip() for part in item.content)
        case types.WorkflowItem():
            return bool(item.workflow.tasks)
        case _:
            return False
