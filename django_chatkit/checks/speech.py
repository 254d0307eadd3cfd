"""Checks of the dictation of a server: values that cannot be, and a button that would lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning


def check_dictation(server_class: Any, path: str) -> Iterator[CheckMessage]:
    yield from check_button(server_class, path)
    config = server_class.dictation
    if not hasattr(config, "problems"):
        return  # None, or of a wrong type, which is another check's business
    problems = list(config.problems())
    for problem in problems:
        hint = "Dictation(transcribe, max_size=…, timeout=…) are its arguments."
        yield Error(f"{path}.dictation: {problem}.", hint=hint, id="chatkit.E017")
    if not problems:
        yield from check_limit(config, path)
        yield from check_transcriber(config, path)


def check_button(server_class: Any, path: str) -> Iterator[CheckMessage]:
    """A class that decides for each person is asked when it is used."""
    composer = server_class.options.get("composer") if isinstance(server_class.options, dict) else None
    wanted = composer.get("dictation") if isinstance(composer, dict) else None
    enabled = isinstance(wanted, dict) and wanted.get("enabled") is True
    if enabled and server_class.dictation is None and not decides_later(server_class):
        message = f"{path}.options: composer.dictation is enabled, but the server has no dictation."
        hint = "Add dictation = Dictation(…), which also switches the button on, or leave the option out."
        yield Error(message, hint=hint, id="chatkit.E018")


def decides_later(server_class: Any) -> bool:
    owner = next(base for base in server_class.__mro__ if "get_dictation" in vars(base))
    return not owner.__module__.startswith("django_chatkit.")


def check_limit(config: Any, path: str) -> Iterator[CheckMessage]:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is not None and limit < config.max_body_size:
        message = (
            f"{path}.dictation takes {config.max_size} bytes, but DATA_UPLOAD_MAX_MEMORY_SIZE is {limit}: "
            f"such a recording makes a request of {config.max_body_size} bytes."
        )
        hint = "Raise that setting, or lower max_size."
        yield Warning(message, hint=hint, id="chatkit.W013")


def check_transcriber(config: Any, path: str) -> Iterator[CheckMessage]:
    if not config.is_ready():
        message = f"{path}.dictation has no key, so nobody can dictate."
        yield Warning(message, hint="Set OPENAI_API_KEY, or give it an api_key.", id="chatkit.W014")
