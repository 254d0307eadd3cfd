"""One run of an agent on its way to ChatKit: item ids of our own, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any, cast

from agents import RunResultStreaming

from .context import DjangoAgentContext, EventQueue
from .hosted import progress_of
from .thoughts import Thoughts

STOP_SECONDS = 5.0


class FollowedRun:
    """A run as ``stream_agent_response`` reads it: with item ids of our own, and with a clean end."""

    def __init__(self, result: RunResultStreaming, context: DjangoAgentContext) -> None:
        self.result = result
        self.context = context
        context._run = result
        self.source = cast("AsyncGenerator[Any, None]", result.stream_events())
        self.reader: asyncio.Task[Any] | None = None
        self.message_id = ""
        self.thoughts = Thoughts(lambda: context.generate_id("workflow"))

    async def stream_events(self) -> AsyncIterator[Any]:
        while True:
            self.reader = asyncio.current_task()
            try:
                event = await anext(self.source)
            except StopAsyncIteration:
                return
            finally:
                self.reader = None
            if progress := progress_of(event, self.context.request_context.locale):
                await self.context.stream(progress)
            for own in self.with_own_ids(event):
                yield own

    def with_own_ids(self, event: Any) -> list[Any]:
        """A model's ids are not unique: many providers call every item ``__fake_id__``, or nothing."""
        if event.type != "raw_response_event":
            return [self.with_call_id(event)]
        seen = self.thoughts.seen_in(event.data)
        return [replace(event, data=self.with_message_id(data)) for data in seen]

    def with_call_id(self, event: Any) -> Any:
        if event.type == "run_item_stream_event" and event.item.type == "tool_call_item":
            item = copy.copy(event.item)
            own_id = self.context.generate_id("tool_call")
            # The call's id as well: two calls of the page in one thread must not have the same.
            item.raw_item = with_id(item.raw_item, own_id, call_id=own_id)
            return replace(event, item=item)
        return event

    def with_message_id(self, data: Any) -> Any:
        if data.type in ("response.output_item.added", "response.output_item.done"):
            if data.item.type != "message":
                return data
            if data.type == "response.output_item.added" or not self.message_id:
                self.message_id = self.context.generate_id("message")
            return data.model_copy(update={"item": with_id(data.item, self.message_id)})
        if data.type.startswith(("response.output_text.", "response.content_part.")):
            return with_plain_source(data).model_copy(update={"item_id": self.message_id})
        return data

    async def stop(self) -> None:
        """End whatever still runs. A run that nobody reads would go on, and go on costing."""
        self.result.cancel()
        queue = cast("EventQueue", self.context._events)
        readers = {task for task in (self.reader, queue.reader) if task is not None}
        for task in readers:
            task.cancel()
        run = self.result.run_loop_task
        if tasks := readers | ({run} if run is not None else set()):
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        await self.source.aclose()


def with_plain_source(data: Any) -> Any:
    """OpenAI's client has classes of its own for sources on the way, which the ChatKit SDK refuses."""
    if data.type != "response.output_text.annotation.added" or not hasattr(data.annotation, "model_dump"):
        return data
    return data.model_copy(update={"annotation": data.annotation.model_dump()})


def with_id(item: Any, item_id: str, **others: str) -> Any:
    changes = {"id": item_id, **others}
    return {**item, **changes} if isinstance(item, dict) else item.model_copy(update=changes)
