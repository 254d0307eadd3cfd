"""Checks of the ChatKit SDK: is it there, is it the right one, was it tested."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from django_chatkit.checks.values import TAG

TESTED_SDK = ("1.6.5", "1.7")
"""The first version of the SDK that was tested, and the first one that was not."""


def require_sdk() -> None:
    """Raises ImproperlyConfigured at start: no check could run, for our URLs could not be imported."""
    for problem in check_module():
        raise ImproperlyConfigured(f"{problem.msg} {problem.hint} ({problem.id})")


@register(TAG)
def check_sdk(**kwargs: Any) -> list[CheckMessage]:
    return [*check_other_app(), *check_sdk_version()]


def check_module() -> Iterator[CheckMessage]:
    spec = importlib.util.find_spec("chatkit")
    folders = spec.submodule_search_locations if spec else None
    if not any((Path(folder) / "server.py").exists() for folder in folders or ()):
        message = "The module 'chatkit' is not OpenAI's SDK."
        hint = "Look for a file or folder of that name; then `pip install --force-reinstall openai-chatkit`."
        yield Error(message, hint=hint, id="chatkit.E014")


def check_other_app() -> Iterator[CheckMessage]:
    """Somebody else's app on PyPI installs a module of the same name over the SDK's."""
    if installed_version("django-chatkit"):
        message = (
            "The distribution 'django-chatkit' is installed; its module 'chatkit' overwrites OpenAI's SDK."
        )
        hint = "`pip uninstall django-chatkit`, then `pip install --force-reinstall openai-chatkit`."
        yield Error(message, hint=hint, id="chatkit.E015")


def check_sdk_version() -> Iterator[CheckMessage]:
    found = installed_version("openai-chatkit")
    first, beyond = TESTED_SDK
    if found and not numbers(first) <= numbers(found) < numbers(beyond):
        message = f"openai-chatkit {found} was not tested with django_chatkit."
        hint = f"Install a version from {first} up to, but not including, {beyond}."
        yield Warning(message, hint=hint, id="chatkit.W005")


def installed_version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release)[:3])
