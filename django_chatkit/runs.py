"""One answer being produced: what happens between ``respond()`` and the SDK's event pipeline.

The SDK stores an item when it is done. A run sees to everything before that: it saves what the
person has read so far about once a second, keeps hidden items hidden, ends an answer that takes
too long, and turns whatever goes wrong into one message that a person may read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _, override

from .context import ChatKitContext
from .events import new_item
from .items import HIDDEN
from .logs import log_failure
from .pending import has_content, settled
from .pieces import close, in_request_thread, result_of
from .sdk import types
from .streaming import uninterrupted

from chatkit.errors import CustomStreamError, StreamError
from chatkit.store import NotFoundError

if TYPE_CHECKING:
    from .server import DjangoChatKitServer

SAVE_SECONDS = 1.0
TITLE_SECONDS = 10.0
TITLE_SECONDS_AFTER_FAILURE = 1.0
TITLE_TRIES = 3
"""Answers: the first of a thread may fail, or be stopped, before there is a title."""
MAX_SIZE = 32 * 1024 * 1024
"""Bytes of an answer, roughly. Daphne keeps all of them in memory for a reader who takes none."""
EVENT_SIZE = 200


class Run:
    """Follows the events of one answer on their way to the SDK."""

    def __init__(
        self, server: DjangoChatKitServer, thread: types.ThreadMetadata, context: ChatKitContext
    ) -> None:
        self.server = server
        self.thread = thread
        self.context = context
        context.thread = thread
        self.pending: dict[str, types.ThreadItem] = {}
        self.saved_at = time.monotonic()
        self.size = 0

    async def events(
        self, source: Callable[[], AsyncIterator[types.ThreadStreamEvent]]
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """The events of ``source``, each seen to. Raises CustomStreamError for whatever goes wrong."""
        title = asyncio.create_task(self.make_title())
        try:
            if self.context.has_notices:
                for notice in await self.server.store.take_notices(self.thread.id, self.context):
                    yield notice
            async for event in self.within_time(source()):
                if is_question(event) and await self.wait_for_title(title):
                    yield self.nothing_new()  # nothing may follow a pending question
                shown = await self.see_to(event)
                self.take_title(title)  # before the event, behind which the SDK looks for changes
                if shown:
                    yield event
            await self.wait_for_title(title)
        except (asyncio.CancelledError, GeneratorExit):
            await uninterrupted(self.keep_title(title))
            raise
        except Exception as error:
            # What was read becomes an item of its own: or it would vanish until the next reload.
            for item in self.unfinished():
                yield types.ThreadItemDoneEvent(item=item)
            if await self.wait_for_title(title, TITLE_SECONDS_AFTER_FAILURE):
                yield self.nothing_new()
            explained = await self.explain(error)
            await self.note_failure(explained)
            raise explained from None
        finally:
            title.cancel()

    def nothing_new(self) -> types.ThreadStreamEvent:
        """Says again what the browser knows: the SDK tells of a new title only behind an event."""
        options = self.server.get_stream_options(self.thread, self.context)
        return types.StreamOptionsEvent(stream_options=options)

    async def within_time(
        self, source: AsyncIterator[types.ThreadStreamEvent]
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """Raises TimeoutError once the whole answer has taken the server's ``timeout``."""
        deadline = Deadline(self.server.timeout)
        try:
            while True:
                with deadline:
                    try:
                        event = await anext(source)
                    except StopAsyncIteration:
                        return
                    except asyncio.CancelledError as error:
                        raise own_cancellation(error) from None
                yield event
        finally:
            deadline.timer.cancel()
            await close(source)

    async def see_to(self, event: types.ThreadStreamEvent) -> bool:
        """Keep track of an event. Returns whether the browser may have it."""
        match event:
            case types.ThreadItemUpdatedEvent():
                self.measure(event.update)
                self.server._update_pending_items(self.pending, own_copy(event))
                await self.save_now_and_then()
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
        return True

    def measure(self, update: types.ThreadItemUpdate) -> None:
        """Raises TimeoutError for an answer without an end."""
        self.size += EVENT_SIZE + len(getattr(update, "delta", ""))
        if self.size > MAX_SIZE:
            raise TimeoutError

    async def save_now_and_then(self) -> None:
        if time.monotonic() - self.saved_at >= SAVE_SECONDS:
            await self.save_pending()

    async def save_pending(self) -> None:
        """Store what was streamed but is not done, under its final id. Failing is logged, not raised.

        Except when thread or owner are gone: then nobody waits for the rest. Raises CustomStreamError.
        """
        self.saved_at = time.monotonic()
        for item in self.unfinished():
            try:
                await self.server.store.add_thread_item(self.thread.id, item, self.context)
            except NotFoundError as error:
                self.pending.clear()
                raise CustomStreamError(gone(), allow_retry=False) from error
            except Exception as error:
                log_failure("A partial answer could not be saved", self.thread.id, error)

    def unfinished(self) -> list[types.ThreadItem]:
        return [settled(item) for item in self.pending.values() if has_content(item)]

    async def make_title(self) -> str | None:
        """A title for a thread without one; a failure costs the title, not the answer."""
        if self.thread.title:
            return None
        try:
            first = await self.server.store.load_thread_items(self.thread.id, None, 20, "asc", self.context)
            messages = [item for item in first.data if isinstance(item, types.UserMessageItem)]
            if not 1 <= len(messages) <= TITLE_TRIES:  # none yet, or a thread that was left untitled
                return None
            title: str | None = await result_of(self.server.get_title, self.thread, messages[0], self.context)
            return title
        except Exception as error:
            self.server._log_failure("No title could be made", self.thread.id, error)
            return None

    def take_title(self, title: asyncio.Task[str | None]) -> bool:
        """The SDK saves the thread and tells the browser as soon as it sees a change. Is there one?"""
        if self.thread.title or not title.done() or title.cancelled() or not title.result():
            return False
        self.thread.title = title.result()
        return True

    async def keep_title(self, title: asyncio.Task[str | None]) -> None:
        """Of an answer that was stopped before its first word: no later one makes up for it."""
        try:
            if self.take_title(title):
                await self.server.store.save_thread(self.thread, self.context)
        except Exception as error:
            self.server._log_failure("A title could not be saved", self.thread.id, error)

    async def wait_for_title(self, title: asyncio.Task[str | None], seconds: float = TITLE_SECONDS) -> bool:
        await asyncio.wait({title}, timeout=seconds)
        return self.take_title(title)

    async def explain(self, error: Exception) -> Exception:
        """The error that the SDK turns into an ``error`` event. What it says is fit for anybody's eyes."""
        if isinstance(error, CustomStreamError | StreamError):
            return error
        self.server._log_failure("An answer failed", self.thread.id, error)
        message, allow_retry = await describe(self.server, error, self.context)
        return CustomStreamError(message, allow_retry=allow_retry)

    async def note_failure(self, error: Exception) -> None:
        """Staff read in the transcript, and the model in the history, where an answer broke off."""
        told = f" The user was told: {error.message}" if isinstance(error, CustomStreamError) else ""
        content = f"The answer ended with an error.{told}"
        item = types.SDKHiddenContextItem(**new_item(self.thread, "sdk_hidden_context"), content=content)
        try:
            await self.server.store.add_thread_item(self.thread.id, item, self.context)
        except NotFoundError:  # the thread is gone, and nobody reads it
            pass
        except Exception as failure:
            log_failure("A failed answer could not be noted", self.thread.id, failure)


async def describe(
    server: DjangoChatKitServer, error: Exception, context: ChatKitContext
) -> tuple[str, bool]:
    """In the person's language; the hook may query the database, and may fail itself."""

    def ask() -> tuple[str, bool]:
        with override(context.locale or None):
            try:
                return server.get_error_message(error, context)
            except Exception as failure:
                log_failure("get_error_message() failed", "-", failure)
                return _("Something went wrong while answering. Please try again."), True

    return await in_request_thread(ask)


class Deadline:
    """``asyncio.timeout()`` with one timer for many waits: one for each event would cost more than the event.

    It strikes inside ``with``: while we wait for the answer, never while somebody else waits for us.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.waiting: asyncio.Task[Any] | None = None
        self.timer = asyncio.get_running_loop().call_later(seconds, self.strike)

    def strike(self) -> None:
        self.passed = True
        if self.waiting is not None:
            self.waiting.cancel()

    def __enter__(self) -> None:
        if self.passed:
            raise TimeoutError
        self.waiting = asyncio.current_task()
        self.cancelling = self.waiting.cancelling() if self.waiting is not None else 0

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: Any) -> None:
        task, self.waiting = self.waiting, None
        # Somebody else may have cancelled the task as well: then that counts.
        struck = self.passed and task is not None and task.uncancel() <= self.cancelling
        if struck and kind is asyncio.CancelledError:
            raise TimeoutError from error


def is_question(event: types.ThreadStreamEvent) -> bool:
    """Does the answer end here until the page or the person has answered?"""
    if not isinstance(event, types.ThreadItemDoneEvent):
        return False
    item = event.item
    return isinstance(item, types.ClientToolCallItem | types.StructuredInputItem) and item.status == "pending"


def gone() -> str:
    return _("This conversation was deleted.")


def own_cancellation(error: asyncio.CancelledError) -> BaseException:
    """A stop of ours is passed on; a library that cancels itself has failed like any other."""
    task = asyncio.current_task()
    return error if task is not None and task.cancelling() else RuntimeError("cancelled from within")


def own_copy(event: types.ThreadItemUpdatedEvent) -> types.ThreadItemUpdatedEvent:
    """The SDK adds each delta to the very part that an earlier event brought; we must not share it."""
    if isinstance(event.update, types.AssistantMessageContentPartTextDelta):
        return event
    return event.model_copy(deep=True)
