"""What a template gives to the tag, as options of ChatKit.js."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_chatkit.options import merge
from django_chatkit.options.problems import any_of, did_you_mean
from django_chatkit.options.schema import OPTIONS

MODES = ("inline", "floating")
SHORTCUTS = {"greeting": ("startScreen", "greeting"), "placeholder": ("composer", "placeholder")}
"""Options that templates, which have no dicts, may want to give by themselves."""

ARGUMENTS = ("mode", "height", "id", "options", "page_object", "page_context")


class InvalidArgument(ValueError):
    """A tag or a call has an argument that does not exist, or a value that cannot be."""


def to_options(mode: str, groups: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tag as options of ChatKit.js. Raises InvalidArgument."""
    if mode not in MODES:
        raise InvalidArgument(f'mode must be {any_of(MODES)}, not "{mode}".')
    given: dict[str, Any] = {}
    for name, value in groups.items():
        if name in SHORTCUTS:
            group, name = SHORTCUTS[name]
            value, name = {name: value}, group
        elif name not in OPTIONS.keys:
            known = [*OPTIONS.keys, *SHORTCUTS, *ARGUMENTS]
            raise InvalidArgument(f'there is no argument "{name}"{did_you_mean(name, known, {}) or "."}')
        given = merge(given, {name: expand(name, value)})
    return given


def expand(name: str, value: Any) -> Any:
    """``history=False``, ``disclaimer="Text"`` and an ``initialThread`` that is empty, written out."""
    if name in ("header", "history") and isinstance(value, bool):
        return {"enabled": value}
    if name == "disclaimer" and isinstance(value, str):
        return {"text": value}
    return None if name == "initialThread" and value == "" else value
