"""The vocabulary of the schema: text, flags, numbers, choices, lists and shapes that check themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from .problems import (
    Problem,
    Problems,
    any_of,
    describe,
    did_you_mean,
    is_number,
    join,
)

MAX_DEPTH = 32
"""Levels of nesting in free data; ChatKit.js's own options need seven."""


class Kind:
    """What a value may be. ``noun`` ends the sentence "must be …"."""

    @property
    def noun(self) -> str:
        raise NotImplementedError

    def takes(self, value: Any) -> bool:
        """Is this value of the right Python type?"""
        raise NotImplementedError

    def check(self, value: Any, path: str, partial: bool = False) -> Problems:
        """``partial`` options are one layer of several: what another may add is not missed."""
        if self.takes(value):
            yield from self.look_inside(value, path, partial)
        else:
            yield Problem(path, f"must be {self.noun}, not {describe(value)}")

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        yield from ()


class Text(Kind):
    """A string or a lazy translation, which is not evaluated here."""

    noun = "text"

    def takes(self, value: Any) -> bool:
        return isinstance(value, (str, Promise))


class Flag(Kind):
    noun = "True or False"

    def takes(self, value: Any) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Number(Kind):
    minimum: float | None = None
    maximum: float | None = None

    @property
    def noun(self) -> str:
        if self.maximum is not None:
            return f"a number from {self.minimum} to {self.maximum}"
        return "a number" if self.minimum is None else f"a number, at least {self.minimum}"

    def takes(self, value: Any) -> bool:
        if not is_number(value):
            return False
        low = self.minimum is not None and value < self.minimum
        high = self.maximum is not None and value > self.maximum
        return not (low or high)


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words or numbers; ``renamed`` maps known mistakes to what was meant."""

    values: tuple[str, ...] | tuple[int, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        return any_of(self.values)

    def takes(self, value: Any) -> bool:
        return isinstance(value, str) if isinstance(self.values[0], str) else is_number(value)

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        if not self.knows(value):
            hint = self.hint(value) if isinstance(value, str) else ""
            yield Problem(path, f"must be {self.noun}, not {describe(value)}{hint}")

    def knows(self, value: Any) -> bool:
        return value in self.values

    def hint(self, word: str) -> str:
        return did_you_mean(word, [name for name in self.values if isinstance(name, str)], self.renamed)


@dataclass(frozen=True)
class Icon(Choice):
    """A name from a list that is too long for every message, or ``lucide:`` and a name of lucide.dev."""

    lucide: bool = False

    @property
    def noun(self) -> str:
        return "the name of an icon"

    def takes(self, value: Any) -> bool:
        return isinstance(value, str)

    def knows(self, value: Any) -> bool:
        name = value.removeprefix("lucide:") if self.lucide else ""
        return super().knows(value) or name not in ("", value)

    def hint(self, word: str) -> str:
        if word.startswith("lucide:"):
            return (
                ', name one of lucide.dev, as in "lucide:star"'
                if self.lucide
                else ", Lucide icons do not work here"
            )
        lucide = ', or "lucide:" and a name of lucide.dev' if self.lucide else ""
        return super().hint(word) or f": choose {any_of(self.values)}{lucide}"


@dataclass(frozen=True)
class Function(Kind):
    """A function in ChatKit.js: no value that Python can send will do."""

    message: str = (
        'is a function in ChatKit.js, so add it in the page, in a listener for the "chatkit:options" event'
    )
    noun = "a JavaScript function"

    def takes(self, value: Any) -> bool:
        return False

    def check(self, value: Any, path: str, partial: bool = False) -> Problems:
        yield Problem(path, self.message)


@dataclass(frozen=True)
class ListOf(Kind):
    item: Kind
    noun = "a list"

    def takes(self, value: Any) -> bool:
        return isinstance(value, (list, tuple))

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        """Lists replace each other when layers are merged, so their items are never partial."""
        for index, item in enumerate(value):
            yield from self.item.check(item, f"{path}[{index}]")


@dataclass(frozen=True)
class MapOf(Kind):
    """A dict with keys of the developer's own, such as MIME types."""

    item: Kind
    noun = "a dict"

    def takes(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        for key, item in value.items():
            if not isinstance(key, str):
                yield Problem(join(path, key), "has a key that is not text")
            elif item is not None:
                yield from self.item.check(item, join(path, key), partial)


@dataclass(frozen=True)
class Shape(Kind):
    """A dict with known keys. A value of None means that the key is absent."""

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Known wrong names, and the right ones."""
    explained: Mapping[str, str] = field(default_factory=dict)
    """Known wrong names, and what to do instead."""
    noun: str = "a dict"

    def takes(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        for key, item in value.items():
            if key not in self.keys:
                yield Problem(join(path, key), self.explain(key))
            elif item is not None:
                yield from self.keys[key].check(item, join(path, key), partial)
        for key in () if partial else self.required:
            if value.get(key) is None:
                yield Problem(join(path, key), f"missing, it must be {self.keys[key].noun}")

    def explain(self, key: Any) -> str:
        if not isinstance(key, str):
            return "has a key that is not text"
        if key in self.explained:
            return self.explained[key]
        hint = did_you_mean(key, self.keys, self.renamed)
        return f"unknown{hint or f', expected {any_of(self.keys)}'}"


@dataclass(frozen=True)
class Tagged(Kind):
    """A dict whose ``type`` says which shape it has."""

    variants: Mapping[str, Shape]
    noun = "a dict"

    def takes(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        name = value.get("type")
        if isinstance(name, str) and name in self.variants:
            yield from self.variants[name].check(value, path, partial)
        else:
            kind = Shape({"type": Choice(tuple(self.variants))}, required=("type",))
            yield from kind.check({"type": name}, path, partial)


@dataclass(frozen=True)
class OneOf(Kind):
    """Kinds of different Python types: the first that takes the value checks it."""

    kinds: tuple[Kind, ...]

    @property
    def noun(self) -> str:
        return " or ".join(kind.noun for kind in self.kinds)

    def takes(self, value: Any) -> bool:
        return any(kind.takes(value) for kind in self.kinds)

    def look_inside(self, value: Any, path: str, partial: bool) -> Problems:
        kind = next(kind for kind in self.kinds if kind.takes(value))
        yield from kind.check(value, path, partial)


class Json(Kind):
    """Data that ChatKit.js passes through."""

    noun = "text, a number, True, False, a list or a dict"

    def takes(self, value: Any) -> bool:
        return isinstance(value, (str, Promise, bool, Mapping, list, tuple)) or is_number(value)

    def look_inside(self, value: Any, path: str, partial: bool, depth: int = 0) -> Problems:
        if depth > MAX_DEPTH:
            yield Problem(path, f"too deep, {MAX_DEPTH} levels are allowed")
            return
        for key, item in items(value):
            step = join(path, key) if isinstance(value, Mapping) else f"{path}[{key}]"
            if isinstance(value, Mapping) and not isinstance(key, str):
                yield Problem(step, "has a key that is not text")
            elif item is not None and not self.takes(item):
                yield Problem(step, f"must be {self.noun}, not {describe(item)}")
            else:
                yield from self.look_inside(item, step, partial, depth + 1)


def items(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()
