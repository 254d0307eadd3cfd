"""Tools that a model's provider runs itself: they take seconds, of which the SDK tells the page nothing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _, override

from django_chatkit import events
from django_chatkit.sdk import types

WORK: dict[str, tuple[Any, Any]] = {
    "web_search_call": (_("Searching the web …"), "globe"),
    "file_search_call": (_("Searching files …"), "search"),
    "code_interpreter_call": (_("Calculating …"), "square-code"),
    "mcp_call": (_("Asking another service …"), "bolt"),
}


def progress_of(event: Any, locale: str) -> types.ProgressUpdateEvent | None:
    """What the page says while such a tool works, in the person's language."""
    if event.type != "raw_response_event" or event.data.type != "response.output_item.added":
        return None
    text, icon = WORK.get(event.data.item.type, ("", None))
    if not text:
        return None
    with override(locale or None):
        return events.progress(text, icon)
