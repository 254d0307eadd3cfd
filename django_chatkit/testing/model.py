"""A model for the Agents SDK that says in tests what its script says, and records what it was asked."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents import ModelSettings, Tool

from django_chatkit.demo.matching import Call
from django_chatkit.demo.model import DemoModel
from django_chatkit.demo.steps import Say, Step, Think


class ToolCall:
    """The model calls a tool: ``ToolCall("order_status", number=1002)``."""

    def __init__(self, name: str, /, **arguments: Any) -> None:
        self.name = name
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"ToolCall({self.name!r}, {self.arguments!r})"


class Thought:
    """The model thinks aloud."""

    def __init__(self, *thoughts: str) -> None:
        self.thoughts = list(thoughts)


class Hold:
    """A place in a text where the model waits, so that an ``async`` test can look at what is there so far::

    hold = Hold()
    ScriptedModel(["one ", hold, "two"])
    ...
    await hold.reached()
    hold.release()
    """

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self) -> None:
        """Wait until the model is here."""
        await self._reached.wait()

    def release(self) -> None:
        """Let the model go on."""
        self._released.set()

    async def wait(self) -> None:
        self._reached.set()
        await self._released.wait()


Part = str | Hold | Thought | ToolCall | Exception
Turn = Part | Sequence[Part] | Callable[["ModelRequest"], "Part | Sequence[Part]"]


@dataclass
class ModelRequest:
    """What the model was asked."""

    instructions: str | None
    input: list[Any]
    """As the Agents SDK hands it over, in the form of OpenAI's Responses API."""
    settings: ModelSettings
    tools: list[Tool]

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Who said what, as the model reads it."""
        said = [item for item in self.input if item.get("role")]
        return [(item["role"], text_of(item.get("content"))) for item in said]

    @property
    def text(self) -> str:
        """Everything that the model reads as JSON, to look for what must (not) be there."""
        return json.dumps([self.instructions, self.input], ensure_ascii=False, default=str)

    @property
    def tool_names(self) -> list[str]:
        return [tool.name for tool in self.tools]

    @property
    def tool_results(self) -> list[str]:
        """What tools gave, in their order."""
        outputs = [item for item in self.input if item.get("type") == "function_call_output"]
        return [text_of(item["output"]) for item in outputs]


def text_of(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(part.get("text", "") for part in content)


class ScriptEnded(Exception):
    """The model was asked once more than its script has turns."""


class ScriptedModel(DemoModel):
    """Answers by a script, a turn each time that it is asked; after a tool's result it is asked again::

    ScriptedModel(ToolCall("order_status", number=1002), "It is on its way.")

    A turn is a text, a call, an exception, a function of the :class:`ModelRequest`, or a list of these:
    ``["Let me look.", ToolCall("order_status", number=1002)]``.
    """

    def __init__(self, *script: Turn) -> None:
        self.script = list(script)
        self.requests: list[ModelRequest] = []

    def restart(self) -> None:
        """Begin the script again, and forget what was asked."""
        self.requests = []

    @property
    def last_request(self) -> ModelRequest:
        if not self.requests:
            raise AssertionError("The model was not asked at all.")
        return self.requests[-1]

    def assert_not_exhausted(self) -> None:
        """Fail if the model was asked more often than its script has turns: the chat shows only an error."""
        if len(self.requests) > len(self.script):
            raise AssertionError(self.too_often())

    def assert_finished(self) -> None:
        """Fail unless each turn of the script was taken."""
        self.assert_not_exhausted()
        if left := self.script[len(self.requests) :]:
            raise AssertionError(
                f"The model was asked {len(self.requests)} times; left in its script: {left}"
            )

    def too_often(self) -> str:
        read = self.requests[-1].input[-1:]
        return f"The script has {len(self.script)} turns, but the model was asked once more. It read: {read}"

    def take_turn(
        self, instructions: str | None, items: list[Any], settings: ModelSettings, tools: list[Tool]
    ) -> list[Step]:
        request = ModelRequest(instructions, copy.deepcopy(items), settings, list(tools))
        self.requests.append(request)
        number = len(self.requests)
        if number > len(self.script):
            raise ScriptEnded(self.too_often())
        turn: Any = self.script[number - 1]
        if callable(turn):
            turn = turn(request)
        return list(steps([turn] if isinstance(turn, Part) else turn))


@dataclass
class Message(Say):
    """A text with places to wait, or to fail, in it."""

    pieces: list[str] = field(default_factory=list)
    parts: list[str | Hold | Exception] = field(default_factory=list)

    async def stream(self) -> AsyncIterator[str]:
        for part in self.parts:
            if isinstance(part, Exception):
                await asyncio.sleep(0.1)  # the Agents SDK drops what nobody has read yet
                raise part
            if isinstance(part, Hold):
                await part.wait()
                continue
            for word in words(part):
                await asyncio.sleep(0)
                yield word


def steps(parts: Sequence[Part]) -> list[Step]:
    """The steps of a turn; texts that follow one another are one message."""
    found: list[Step] = []
    message: Message | None = None
    for part in parts:
        match part:
            case ToolCall():
                found.append(Call(part.name, json.dumps(part.arguments)))
            case Thought():
                found.append(Think(part.thoughts, seconds=0))
            case str() | Hold() | Exception():
                if message is None:
                    message = Message()
                    found.append(message)
                message.parts.append(part)
                continue
            case _:
                raise TypeError(f"Not a part of a script: {part!r}")
        message = None
    return found


def words(text: str) -> list[str]:
    """The words of a text, each with the space behind it, as models stream them."""
    return re.split(r"(?<=\s)(?=\S)", text)
