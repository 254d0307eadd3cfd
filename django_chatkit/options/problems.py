"""How a mistake is told: where it is, what was found there, and what was meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from django.utils.functional import Promise

MAX_INTEGER = 2**53
"""Beyond this, JavaScript rounds whole numbers."""


class Problem(NamedTuple):
    """One mistake in the options: where it is, and what to write instead."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    @property
    def group(self) -> str:
        """The option at the top that it lies in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


Problems = Iterator[Problem]


def is_number(value: Any) -> bool:
    """Would JavaScript read the same number? (``True`` is none, NaN is not JSON.)"""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= MAX_INTEGER if isinstance(value, int) else math.isfinite(value)


def join(path: str, key: Any) -> str:
    """``startScreen.greeting``, and ``maxSize["image/*"]`` for keys that are no names."""
    if not (isinstance(key, str) and re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII)):
        return f"{path}[{describe(key)}]"
    return f"{path}.{key}" if path else key


def describe(value: Any) -> str:
    """A value in a few words; lazy translations stay unevaluated."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, Promise):
        return "a lazy translation"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 50 else f'"{value[:50]}…"'
    if isinstance(value, int) and not is_number(value):
        return "a number that is too large"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (Mapping, list, tuple)):
        return "a dict" if isinstance(value, Mapping) else "a list"
    return "a function" if callable(value) else f"a value of type {type(value).__name__}"


def any_of(values: Iterable[str | int]) -> str:
    """``"soft", "round" or "sharp"``."""
    *most, last = [describe(value) for value in values]
    return f"{', '.join(most)} or {last}" if most else last


def did_you_mean(word: str, known: Iterable[str], renamed: Mapping[str, str]) -> str:
    """``, did you mean "label"?``, or nothing where no name comes close."""
    word, letters = word[:50], letters_of(word)
    same = [name for name in known if letters_of(name) == letters]
    meant = renamed.get(word) or next(iter(same or get_close_matches(word, known, n=1)), None)
    return f', did you mean "{meant}"?' if meant else ""


def letters_of(name: str) -> str:
    """start_screen, StartScreen and start-screen are the same letters as startScreen."""
    return name.replace("_", "").replace("-", "").lower()
