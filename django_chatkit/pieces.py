"""What an answer is made of: text and events, from functions of any kind."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from .connections import release_connections
from .context import ChatKitContext
from .events import new_item
from .sdk import types
from .streaming import uninterrupted

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Piece = str | types.Annotation | types.ThreadStreamEvent
"""What an answer in plain text is made of: text with its sources, and events in between."""

END = object()
ITEM_EVENTS = (types.ThreadItemAddedEvent, types.ThreadItemDoneEvent)


async def close(source: Any) -> None:
    with suppress(AttributeError):
        await source.aclose()


@asynccontextmanager
async def closing(source: T) -> AsyncIterator[T]:
    """Close an iterator that was not read to its end, and whatever that reads, now and not some time."""
    try:
        yield source
    finally:
        await close(source)


async def pieces_of(function: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:
    """What a function returns or yields, be it plain or async. A plain one runs in a thread."""
    result = await result_of(function, *args)
    if hasattr(result, "__aiter__"):
        async with closing(result) as pieces:
            async for piece in pieces:
                yield piece
    elif inspect.isgenerator(result):
        pull: Any = next
        try:
            while (piece := await in_request_thread(pull, result, END)) is not END:
                yield piece
        finally:  # where it runs: what it has to tidy up may need the database
            await uninterrupted(in_request_thread(result.close))
    else:
        yield result


async def result_of(function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns, be it plain or async. A plain one runs in a thread."""
    is_async = inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function)
    result = function(*args) if is_async else await in_request_thread(function, *args)
    return await result if inspect.isawaitable(result) else result


async def in_request_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run sync code where the request's database work runs, and give the connections back."""

    def run() -> R:
        try:
            return work(*args, **kwargs)
        finally:
            release_connections()

    return await sync_to_async(run)()


async def stream_text(
    server: Any,
    thread: types.ThreadMetadata,
    pieces: AsyncIterator[Piece],
    context: ChatKitContext,
) -> AsyncIterator[types.ThreadStreamEvent]:
    """Stream pieces of text as assistant messages, in the order of events that the component needs.

    A message begins with its first text, and ends where another item begins: so what was shown is
    in the same order after a reload.
    """
    message: Message | None = None
    async with closing(pieces):
        async for piece in pieces:
            if isinstance(piece, str | types.Annotation):
                if message is None:
                    message = Message(thread)
                    for event in message.begin():
                        yield event
                yield message.add(piece)
                continue
            if message is not None and isinstance(piece, ITEM_EVENTS):
                for event in message.end():
                    yield event
                message = None
            yield piece
    if message is not None:
        for event in message.end():
            yield event


class Message:
    """An assistant message that grows."""

    def __init__(self, thread: types.ThreadMetadata) -> None:
        self.item = types.AssistantMessageItem(**new_item(thread), content=[])
        self.part = types.AssistantMessageContent(text="")

    def begin(self) -> list[types.ThreadStreamEvent]:
        added = types.AssistantMessageContentPartAdded(content_index=0, content=self.part)
        return [types.ThreadItemAddedEvent(item=self.item), updated(self.item, added)]

    def add(self, piece: str | types.Annotation) -> types.ThreadStreamEvent:
        return self.write(piece) if isinstance(piece, str) else self.cite(piece)

    def write(self, text: str) -> types.ThreadStreamEvent:
        self.part = self.part.model_copy(update={"text": self.part.text + text})
        return updated(self.item, types.AssistantMessageContentPartTextDelta(content_index=0, delta=text))

    def cite(self, note: types.Annotation) -> types.ThreadStreamEvent:
        self.part, added = with_source(self.part, 0, note)
        return updated(self.item, added)

    def end(self) -> list[types.ThreadStreamEvent]:
        done = types.AssistantMessageContentPartDone(content_index=0, content=self.part)
        item = self.item.model_copy(update={"content": [self.part]})
        return [updated(self.item, done), types.ThreadItemDoneEvent(item=item)]


def with_source(
    part: types.AssistantMessageContent, content_index: int, note: types.Annotation
) -> tuple[types.AssistantMessageContent, types.AssistantMessageContentPartAnnotationAdded]:
    """A text with one more source, behind all that it says so far; and what tells the page of it."""
    index = len(part.text) if note.index is None else note.index
    note = note.model_copy(update={"index": index})
    added = types.AssistantMessageContentPartAnnotationAdded(
        content_index=content_index, annotation_index=len(part.annotations), annotation=note
    )
    return part.model_copy(update={"annotations": [*part.annotations, note]}), added


def as_message(thread: types.ThreadMetadata, text: str) -> list[types.ThreadStreamEvent]:
    """A whole text as a message of the assistant's."""
    message = Message(thread)
    return [*message.begin(), message.add(text), *message.end()]


def updated(item: types.ThreadItem, update: types.ThreadItemUpdate) -> types.ThreadItemUpdatedEvent:
    return types.ThreadItemUpdatedEvent(item_id=item.id, update=update)
