"""A model's thoughts, which every provider sends in another form, in the one that ChatKit's SDK shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openai.types.responses import (
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseReasoningSummaryTextDoneEvent,
)

SUMMARY = "response.reasoning_summary_text."
WHOLE = "response.reasoning_text."
"""What Ollama, vLLM and OpenRouter call ``reasoning``, which the SDK leaves out."""


class Thoughts:
    """Follows the thoughts of one run. Each has its own id, and ends before something else begins."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self.new_id = new_id
        self.item_id = ""
        self.summed_up = False
        self.open: dict[int, str] = {}

    def seen_in(self, data: Any) -> list[Any]:
        """The events to pass on in place of this one."""
        if data.type.startswith(SUMMARY):
            self.summed_up = True
            return [self.heard(data.type, data.summary_index, data)]
        if data.type.startswith(WHOLE):
            return [] if self.summed_up else [self.heard(data.type, data.content_index, data)]
        if data.type == "response.output_item.added" and data.item.type == "reasoning":
            ended = self.end()
            self.item_id, self.summed_up = self.new_id(), False
            return [*ended, data]
        if data.type.startswith("response.output_item."):
            return [*self.end(), data]
        return [data]

    def heard(self, kind: str, index: int, data: Any) -> Any:
        if kind.endswith(".done"):
            self.open.pop(index, None)
            return self.done(index, data.text)
        self.open[index] = self.open.get(index, "") + data.delta
        return ResponseReasoningSummaryTextDeltaEvent(
            type="response.reasoning_summary_text.delta",
            delta=data.delta,
            item_id=self.item_id,
            summary_index=index,
            output_index=data.output_index,
            sequence_number=data.sequence_number,
        )

    def end(self) -> list[Any]:
        """Chat Completions have no end of a thought: without one, the second of an answer is lost."""
        ended = [self.done(index, text) for index, text in self.open.items()]
        self.open = {}
        return ended

    def done(self, index: int, text: str) -> ResponseReasoningSummaryTextDoneEvent:
        return ResponseReasoningSummaryTextDoneEvent(
            type="response.reasoning_summary_text.done",
            text=text,
            item_id=self.item_id,
            summary_index=index,
            output_index=0,
            sequence_number=0,
        )
