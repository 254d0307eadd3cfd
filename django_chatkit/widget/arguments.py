"""What a template gives to the tag, as options of ChatKit.js."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django_chatkit.options import merge
from django_chatkit.options.problems import any_of, describe, did_you_mean
from django_chatkit.options.schema import OPTIONS

MODES = ("inline", "floating")
SHORTCUTS = {"greeting": ("startScreen", "greeting"), "placeholder": ("composer", "placeholder")}
"""Options that templates, which have no dicts, may want to give by themselves."""

ARGUMENTS = ("mode", "height", "id", "options", "page_object", "page_context")


LENGTH = re.compile(r"(\d*\.)?\d+(%|[a-z]+)|[a-z-]+\(.+\)", re.IGNORECASE)
"""A length of CSS, or a function that may be one: ``40rem``, ``calc(100vh - 5rem)``."""


class InvalidArgument(ValueError):
    """A tag or a call has an argument that does not exist, or a value that cannot be."""


def to_length(height: str | float) -> str:
    """``600`` and ``"600"`` are pixels, as everywhere in HTML. Raises InvalidArgument."""
    text = str(height or "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return f"{text}px"
    if text and not LENGTH.fullmatch(text):
        raise InvalidArgument(f'height must be a number or a length of CSS, such as "40rem", not "{height}".')
    return text


def to_options(mode: str, options: Mapping[str, Any], groups: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tag as options of ChatKit.js. Raises InvalidArgument."""
    if mode not in MODES:
        raise InvalidArgument(f'mode must be {any_of(MODES)}, not "{mode}".')
    if not isinstance(options, Mapping):
        raise InvalidArgument(f"options must be a dict, not {describe(options)}.")
    given = merge(options)
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
