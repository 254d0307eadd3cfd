"""Checks of the ``CHATKIT_*`` settings themselves: names, types and ranges."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from django_chatkit.conf import Settings, conf

TAG = "chatkit"

IMPORTED = ("CHATKIT_CSP",)
"""Names that settings modules import from us: Django takes every name in capitals for a setting."""


@register(TAG)
def check_unknown_settings(**kwargs: Any) -> list[CheckMessage]:
    known = list(setting_types())
    given = [name for name in dir(settings) if name == "CHATKIT" or name.startswith("CHATKIT_")]
    return [
        Error(
            f"{name} is not a setting of django_chatkit.",
            hint=did_you_mean(name, known),
            id="chatkit.E001",
        )
        for name in given
        if name not in known and name not in IMPORTED
    ]


@register(TAG)
def check_setting_values(**kwargs: Any) -> list[CheckMessage]:
    return [
        problem
        for name, hint in setting_types().items()
        for problem in check_value(name, getattr(conf, name), hint)
    ]


@register(TAG)
def check_body_size(**kwargs: Any) -> list[CheckMessage]:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is None or not fits(conf.CHATKIT_MAX_BODY_SIZE, int) or limit >= conf.CHATKIT_MAX_BODY_SIZE:
        return []
    return [
        Warning(
            f"CHATKIT_MAX_BODY_SIZE is larger than DATA_UPLOAD_MAX_MEMORY_SIZE ({limit}), which counts.",
            hint="Raise DATA_UPLOAD_MAX_MEMORY_SIZE as well, or lower CHATKIT_MAX_BODY_SIZE.",
            id="chatkit.W006",
        )
    ]


def setting_types() -> dict[str, Any]:
    """Names and types of the settings, as ``conf.Settings`` declares them."""
    declared = {name: member.fget for name, member in vars(Settings).items() if isinstance(member, property)}
    return {name: get_type_hints(getter)["return"] for name, getter in declared.items()}


def check_value(name: str, value: Any, hint: Any) -> Iterator[CheckMessage]:
    default = "Remove the setting to use its default."
    if not fits(value, hint):
        message = f"{name} must be of type {type_name(hint)}, not {type(value).__name__}."
        yield Error(message, hint=f"{inspect.getdoc(getattr(Settings, name))} {default}", id="chatkit.E002")
    elif isinstance(value, str) and not value:
        yield Error(f"{name} must not be empty.", hint=default, id="chatkit.E003")
    elif isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < float("inf"):
        yield Error(f"{name} must be greater than 0, not {value}.", hint=default, id="chatkit.E003")


def fits(value: Any, hint: Any) -> bool:
    """Is the value, with what it contains, of this type?"""
    origin, parts = get_origin(hint) or hint, get_args(hint)
    if origin is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, parts[0]) and fits(entry, parts[1]) for key, entry in value.items()
        )
    if isinstance(value, bool | str):
        return bool(origin is type(value))  # a text is a collection too, of its letters: nobody means that
    return isinstance(value, int | float if origin is float else origin)


def type_name(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(type_name(part) for part in get_args(hint))
    if hint is type(None):
        return "None"
    return (
        hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    )


def did_you_mean(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(known)) or 'none'}."
