"""What an answer of the demo model consists of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from .matching import Call

WORD_SECONDS = 0.015
THOUGHT_SECONDS = 0.08  # for each word: ChatKit says how many whole seconds it took to think
SECRET = "sk-demo-secret-9f2c (this must never be seen on a page)"  # noqa: S105


@dataclass
class Say:
    """An assistant message, piece by piece."""

    pieces: list[str]
    seconds: float = WORD_SECONDS
    item_id: str = ""

    async def stream(self) -> AsyncIterator[str]:
        for piece in self.pieces:
            await asyncio.sleep(self.seconds)
            yield piece


@dataclass
class Think:
    """Thoughts before the answer."""

    thoughts: list[str]
    seconds: float = THOUGHT_SECONDS


@dataclass
class Fail:
    """An exception, after some text."""

    after: Say
    text: str = SECRET


@dataclass
class Draw:
    """A picture, after its drafts."""

    pictures: list[bytes]
    seconds: float = 0.5
    name: str = "image_generation"
    """The tool that the agent must have."""


Step = Say | Think | Call | Fail | Draw
