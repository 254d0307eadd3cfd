"""Options are given in layers, settings under class under tag: made one, then made JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise

from .shapes import MAX_DEPTH

NULLABLE = "initialThread"
"""The one option for which None is a value: it means a new thread."""


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """One dict of several, later ones win: dicts are merged, lists replaced, None removes.

    A theme given as text is its color scheme, and a dict that names its ``type`` is one piece.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        if isinstance(layer, Mapping):
            update(merged, layer)
            keep_null(merged, layer)
    return merged


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """A copy for JSON in the active language: lazy strings evaluated, lists for tuples, None left out."""
    resolved: dict[str, Any] = rebuild(options, plain) if isinstance(options, Mapping) else {}
    keep_null(resolved, options)
    return resolved


def update(target: dict[str, Any], layer: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    for key, value in layer.items():
        earlier = target.pop(key, None)
        if key == "theme" and depth == 0:
            earlier, value = alike(earlier, value)
        if value is not None:
            target[key] = combine(earlier, value, depth)
    return target


def combine(earlier: Any, value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping) or depth >= MAX_DEPTH:
        return rebuild(value, lambda leaf: leaf)
    mergeable = isinstance(earlier, dict) and "type" not in value
    return update(earlier if mergeable else {}, value, depth + 1)


def alike(earlier: Any, theme: Any) -> tuple[Any, Any]:
    """Two themes, both as dicts if one of them is: so that "dark" keeps the colors beneath."""
    if isinstance(earlier, str) and isinstance(theme, Mapping):
        return {"colorScheme": earlier}, theme
    if isinstance(earlier, dict) and isinstance(theme, str):
        return earlier, {"colorScheme": theme}
    return earlier, theme


def keep_null(target: dict[str, Any], source: Any) -> None:
    if isinstance(source, Mapping) and source.get(NULLABLE, "") is None:
        target[NULLABLE] = None


def rebuild(value: Any, leaf: Callable[[Any], Any], depth: int = 0) -> Any:
    """A copy; what lies deeper than any option can is left as it is."""
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, Mapping):
        return {key: rebuild(item, leaf, depth + 1) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [rebuild(item, leaf, depth + 1) for item in value]
    return leaf(value)


def plain(value: Any) -> Any:
    """Lazy and marked-safe strings, and text from an enum, as the strings that they are."""
    if isinstance(value, Promise):
        return str(value)
    return str.__str__(value) if isinstance(value, str) else value
