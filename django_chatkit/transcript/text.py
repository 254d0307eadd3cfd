"""Text that can be shown, however long or broken it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Callable

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]

MAX_TEXT = 50_000


def clip(value: str | None) -> str:
    """Text that can be encoded, up to MAX_TEXT characters. Raises TypeError for anything but text."""
    if not isinstance(value, str | None):
        raise TypeError(type(value))
    text = (value or "").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + shortened(len(text) - MAX_TEXT)


def shortened(left_out: int) -> str:
    message = ngettext(" … (%d more character)", " … (%d more characters)", left_out)
    return message % left_out


def pretty(value: Any) -> str:
    return clip(json.dumps(value, indent=2, ensure_ascii=False))


def raw(data: str) -> str:
    """Indented where it is JSON; otherwise as it is."""
    try:
        return pretty(json.loads(data))
    except (ValueError, RecursionError):
        return clip(data)
