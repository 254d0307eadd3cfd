"""What a run gives to see, and whether that is an answer at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from django_chatkit.items import HIDDEN
from django_chatkit.pending import has_content
from django_chatkit.pieces import as_message
from django_chatkit.sdk import types

from .errors import NeedsApproval, NoAnswer

if TYPE_CHECKING:
    from agents import RunResultStreaming

    from .context import DjangoAgentContext

SHOWN_AT_ONCE = (types.ClientEffectEvent, types.NoticeEvent)


class Answer:
    """Follows the events of one run. One that shows nothing would leave the person waiting."""

    def __init__(self, context: DjangoAgentContext) -> None:
        self.context = context
        self.status = context.thread.status
        self.shown = False

    async def events(
        self, source: AsyncGenerator[types.ThreadStreamEvent, None], result: RunResultStreaming
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        async for event in source:
            yield self.see(event)
        async for event in self.end(result):
            yield event

    def see(self, event: types.ThreadStreamEvent) -> types.ThreadStreamEvent:
        """Take note of an event. Some models begin with an empty message, which is taken back."""
        if isinstance(event, types.ThreadItemDoneEvent):
            if isinstance(event.item, types.AssistantMessageItem) and not has_content(event.item):
                return types.ThreadItemRemovedEvent(item_id=event.item.id)
            self.shown = self.shown or shows(event.item)
        self.shown = self.shown or isinstance(event, SHOWN_AT_ONCE)
        return event

    async def end(self, result: RunResultStreaming) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """A tool's output, where the agent stops at that. Raises NeedsApproval and NoAnswer."""
        if result.interruptions:
            raise NeedsApproval("A tool has needs_approval.")
        if self.shown or self.context.asking or self.context.thread.status != self.status:
            return
        if not as_text(result.final_output):
            raise NoAnswer
        for event in as_message(self.context.thread, as_text(result.final_output)):
            yield event


def shows(item: types.ThreadItem) -> bool:
    """Does a person see an answer in it? Thoughts alone are none."""
    is_thought = isinstance(item, types.WorkflowItem) and item.workflow.type == "reasoning"
    return not is_thought and not isinstance(item, HIDDEN)


def as_text(output: Any) -> str:
    return output.strip() if isinstance(output, str) else ""
