"""Checks of ``.widget`` files, and of the methods that handle what widgets send."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.template import engines

from django_chatkit.checks.values import TAG

WIDGET_HINT = "Export it from https://widgets.chatkit.studio again."
HANDLER_HINT = "def cancel(self, action: ActionRequest, payload: CancelOrder) is what a handler looks like."


@register(TAG)
def check_widget_files(**kwargs: Any) -> list[CheckMessage]:
    """Projects without any need not wait for the SDK."""
    files = find_widget_files()
    widgets: Any = import_module("django_chatkit.widgets") if files else None
    messages: list[CheckMessage] = []
    for file in files:
        try:
            widgets.parse(file.read_text(), str(file))
        except (widgets.InvalidWidget, OSError, UnicodeDecodeError) as error:
            messages.append(Error(f"{error}", hint=WIDGET_HINT, id="chatkit.E020"))
    return messages


def find_widget_files() -> list[Path]:
    """All in the template folders of apps and settings."""
    folders = {Path(folder) for engine in engines.all() for folder in engine.template_dirs}
    return sorted(file for folder in folders for file in folder.rglob("*.widget"))


def check_handlers(server_class: Any, path: str) -> Iterator[CheckMessage]:
    for problem in server_class.handler_problems():
        yield Error(f"{path}: {problem}.", hint=HANDLER_HINT, id="chatkit.E021")
