"""The answer that both sides give: so many pieces, so many milliseconds apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from django_chatkit.sdk import types


def updated(item: types.ThreadItem, update: types.ThreadItemUpdate) -> types.ThreadItemUpdatedEvent:
    return types.ThreadItemUpdatedEvent(item_id=item.id, update=update)


async def answer(
    thread: types.ThreadMetadata, item_id: str, message: types.UserMessageItem | None
) -> AsyncIterator[types.ThreadStreamEvent]:
    """As the SDK streams an agent's text. The message says how: "200 0"."""
    count, milliseconds = map(int, message.content[0].text.split()) if message else (1, 0)
    item = types.AssistantMessageItem(
        id=item_id,
        thread_id=thread.id,
        created_at=datetime.now(),  # noqa: DTZ005  (as the SDK does)
        content=[],
    )
    part = types.AssistantMessageContent(text="")
    yield types.ThreadItemAddedEvent(item=item)
    yield updated(item, types.AssistantMessageContentPartAdded(content_index=0, content=part))
    pieces = [f"piece{number} " for number in range(count)]
    for piece in pieces:
        await asyncio.sleep(milliseconds / 1000)
        yield updated(item, types.AssistantMessageContentPartTextDelta(content_index=0, delta=piece))
    part = types.AssistantMessageContent(text="".join(pieces))
    yield updated(item, types.AssistantMessageContentPartDone(content_index=0, content=part))
    yield types.ThreadItemDoneEvent(item=item.model_copy(update={"content": [part]}))
