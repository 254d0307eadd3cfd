"""Sources that tools name, shown with the text that the model makes of what it got from them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_chatkit.pieces import with_source
from django_chatkit.sdk import types

from .context import DjangoAgentContext


async def with_sources(
    answer: AsyncGenerator[types.ThreadStreamEvent, None], context: DjangoAgentContext
) -> AsyncGenerator[types.ThreadStreamEvent, None]:
    """The events of an answer. The first text that ends gets what was cited before."""
    async for event in answer:
        match event:
            case types.ThreadItemDoneEvent(item=types.AssistantMessageItem() as item) if item.content:
                for note in context.sources:
                    item.content[-1], _ = with_source(item.content[-1], len(item.content) - 1, note)
                context.sources = []
        yield event
