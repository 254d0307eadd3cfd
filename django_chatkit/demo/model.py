"""A model for the Agents SDK that answers by a script, with the events of OpenAI's Responses API."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from agents import Model, ModelResponse, Tool, TResponseInputItem, Usage
from agents.items import TResponseStreamEvent
from openai.types import responses
from openai.types.responses import response_output_item, response_reasoning_item, response_usage

from .matching import Call
from .script import write_answer
from .steps import Draw, Fail, Say, Step, Think


class DemoError(Exception):
    """What ``/error`` raises. Its text looks like a secret, and must never get to the page."""


class DemoModel(Model):
    """Answers offline: looks for commands, for words, and for the agent's tools in what the person said.

    ``opening`` comes first in each answer: two models of this kind can be told apart.
    """

    def __init__(self, opening: str = "") -> None:
        self.opening = opening

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: Any,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        response = None
        async for event in self.stream_response(
            system_instructions, input, model_settings, tools, *args, **kwargs
        ):
            if isinstance(event, responses.ResponseCompletedEvent):
                response = event.response
        if response is None:
            raise RuntimeError("The script ended without an answer.")
        return ModelResponse(output=response.output, usage=Usage(requests=1), response_id=response.id)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: Any,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        items: list[Any] = [{"role": "user", "content": input}] if isinstance(input, str) else list(input)
        steps = self.take_turn(system_instructions, items, model_settings, tools)
        async for event in ResponseStream().events(steps):
            yield event

    def take_turn(
        self, instructions: str | None, items: list[Any], settings: Any, tools: list[Tool]
    ) -> list[Step]:
        return open_with(self.opening, write_answer(items, tools))


def open_with(opening: str, steps: list[Step]) -> list[Step]:
    if opening and isinstance(steps[0], Say):
        return [replace(steps[0], pieces=[f"{opening} ", *steps[0].pieces]), *steps[1:]]
    return steps


class ResponseStream:
    """Plays the steps of an answer as a stream of the Responses API's events."""

    def __init__(self) -> None:
        self.number = 0
        self.output: list[responses.ResponseOutputItem] = []
        self.response_id = new_id("resp")

    async def events(self, steps: list[Step]) -> AsyncIterator[TResponseStreamEvent]:
        yield self.event("created", response=self.response("in_progress"))
        for step in steps:
            async for event in self.play(step):
                yield event
        yield self.event("completed", response=self.response("completed"))

    def play(self, step: Step) -> AsyncIterator[TResponseStreamEvent]:
        match step:
            case Say():
                return self.say(step)
            case Think():
                return self.think(step)
            case Call():
                return self.call(step)
            case Draw():
                return self.draw(step)
            case Fail():
                return self.fail(step)

    async def say(self, step: Say) -> AsyncIterator[TResponseStreamEvent]:
        item = responses.ResponseOutputMessage(
            id=step.item_id or new_id("msg"),
            type="message",
            role="assistant",
            status="in_progress",
            content=[],
        )
        where = {"item_id": item.id, "output_index": len(self.output), "content_index": 0}
        yield self.item_event("added", item)
        yield self.event("content_part.added", part=text_part(""), **where)
        text = ""
        async for piece in step.stream():
            text += piece
            yield self.event("output_text.delta", delta=piece, logprobs=[], **where)
        part = text_part(text)
        yield self.event("output_text.done", text=part.text, logprobs=[], **where)
        yield self.event("content_part.done", part=part, **where)
        yield self.done(item.model_copy(update={"content": [part], "status": "completed"}))

    async def think(self, step: Think) -> AsyncIterator[TResponseStreamEvent]:
        item = responses.ResponseReasoningItem(id=new_id("rs"), type="reasoning", summary=[])
        yield self.item_event("added", item)
        for index, thought in enumerate(step.thoughts):
            where = {"item_id": item.id, "output_index": len(self.output), "summary_index": index}
            yield self.event("reasoning_summary_part.added", part=summary(""), **where)
            for word in thought.split(" "):
                await asyncio.sleep(step.seconds)
                yield self.event("reasoning_summary_text.delta", delta=word + " ", **where)
            yield self.event("reasoning_summary_text.done", text=thought, **where)
            yield self.event("reasoning_summary_part.done", part=summary(thought), **where)
            item.summary.append(response_reasoning_item.Summary(type="summary_text", text=thought))
        yield self.done(item)

    async def call(self, step: Call) -> AsyncIterator[TResponseStreamEvent]:
        item = responses.ResponseFunctionToolCall(
            id=new_id("fc"), type="function_call", call_id=new_id("call"), name=step.name, arguments=""
        )
        where = {"item_id": item.id, "output_index": len(self.output)}
        yield self.item_event("added", item)
        yield self.event("function_call_arguments.delta", delta=step.arguments, **where)
        yield self.event("function_call_arguments.done", arguments=step.arguments, name=step.name, **where)
        yield self.done(item.model_copy(update={"arguments": step.arguments, "status": "completed"}))

    async def draw(self, step: Draw) -> AsyncIterator[TResponseStreamEvent]:
        item = response_output_item.ImageGenerationCall(
            id=new_id("ig"), type="image_generation_call", status="in_progress"
        )
        where = {"item_id": item.id, "output_index": len(self.output)}
        yield self.item_event("added", item)
        *drafts, last = [base64.b64encode(picture).decode() for picture in step.pictures]
        for index, draft in enumerate(drafts):
            partial = {"partial_image_b64": draft, "partial_image_index": index}
            yield self.event("image_generation_call.partial_image", **partial, **where)
            await asyncio.sleep(step.seconds)
        yield self.done(item.model_copy(update={"result": last, "status": "completed"}))

    async def fail(self, step: Fail) -> AsyncIterator[TResponseStreamEvent]:
        async for event in self.say(step.after):
            if event.type == "response.output_text.done":
                break
            yield event
        # The Agents SDK drops what nobody has read yet when the model fails.
        await asyncio.sleep(0.1)
        raise DemoError(step.text)

    def done(self, item: Any) -> TResponseStreamEvent:
        event = self.item_event("done", item)
        self.output.append(item)
        return event

    def item_event(self, what: str, item: Any) -> TResponseStreamEvent:
        return self.event(f"output_item.{what}", item=item, output_index=len(self.output))

    def event(self, what: str, **fields: Any) -> TResponseStreamEvent:
        self.number += 1
        event: TResponseStreamEvent = EVENTS[what](
            type=f"response.{what}", sequence_number=self.number, **fields
        )
        return event

    def response(self, status: Any) -> responses.Response:
        return responses.Response(
            id=self.response_id,
            object="response",
            created_at=time.time(),
            model="demo",
            status=status,
            output=list(self.output),
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
            usage=usage(len(self.output)) if status == "completed" else None,
        )


EVENTS: dict[str, Any] = {
    "created": responses.ResponseCreatedEvent,
    "completed": responses.ResponseCompletedEvent,
    "output_item.added": responses.ResponseOutputItemAddedEvent,
    "output_item.done": responses.ResponseOutputItemDoneEvent,
    "content_part.added": responses.ResponseContentPartAddedEvent,
    "content_part.done": responses.ResponseContentPartDoneEvent,
    "output_text.delta": responses.ResponseTextDeltaEvent,
    "output_text.done": responses.ResponseTextDoneEvent,
    "image_generation_call.partial_image": responses.ResponseImageGenCallPartialImageEvent,
    "function_call_arguments.delta": responses.ResponseFunctionCallArgumentsDeltaEvent,
    "function_call_arguments.done": responses.ResponseFunctionCallArgumentsDoneEvent,
    "reasoning_summary_part.added": responses.ResponseReasoningSummaryPartAddedEvent,
    "reasoning_summary_part.done": responses.ResponseReasoningSummaryPartDoneEvent,
    "reasoning_summary_text.delta": responses.ResponseReasoningSummaryTextDeltaEvent,
    "reasoning_summary_text.done": responses.ResponseReasoningSummaryTextDoneEvent,
}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


def text_part(text: str) -> responses.ResponseOutputText:
    return responses.ResponseOutputText(type="output_text", text=text, annotations=[], logprobs=[])


def summary(text: str) -> dict[str, str]:
    return {"type": "summary_text", "text": text}


def usage(outputs: int) -> responses.ResponseUsage:
    return responses.ResponseUsage(
        input_tokens=1,
        input_tokens_details=response_usage.InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
        output_tokens=outputs,
        output_tokens_details=response_usage.OutputTokensDetails(reasoning_tokens=0),
        total_tokens=1 + outputs,
    )
