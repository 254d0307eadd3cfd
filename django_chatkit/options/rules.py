"""What the shape alone does not say: options that depend on each other, ids that must differ, languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .locales import LOCALES, chatkit_locale
from .problems import Problem, Problems, did_you_mean
from .schema import OPTIONS


def refusals(options: Any, partial: bool = False) -> Problems:
    """Mistakes that keep ChatKit.js from starting: a blank page and not one request."""
    yield from OPTIONS.check(options, "", partial)
    if not partial:
        yield from upload_problems(options)


def cautions(options: Any) -> Problems:
    """Mistakes that ChatKit.js accepts in silence."""
    yield from locale_problems(options)
    for group in ("tools", "models"):
        yield from id_problems(options, group)
    yield from default_problems(options)


def upload_problems(options: Any) -> Problems:
    enabled = at(options, "composer", "attachments", "enabled")
    if enabled is True and at(options, "api", "uploadStrategy") is None:
        yield Problem("composer.attachments", 'needs api.uploadStrategy, for example {"type": "two_phase"}')


def locale_problems(options: Any) -> Problems:
    locale = at(options, "locale")
    if isinstance(locale, str) and locale not in LOCALES:
        meant = chatkit_locale(locale)
        related = meant != "en" or locale.lower().startswith("en")
        hint = did_you_mean(locale, LOCALES, {locale: meant} if related else {})
        yield Problem("locale", f"unknown{hint or ', ChatKit.js would show English'}")


def id_problems(options: Any, group: str) -> Problems:
    seen = set()
    for index, choice in choices(options, group):
        name = choice.get("id")
        if isinstance(name, str) and name in seen:
            yield Problem(f"composer.{group}[{index}].id", f'"{name}" is used twice, ids must differ')
        if isinstance(name, str):
            seen.add(name)


def default_problems(options: Any) -> Problems:
    defaults = [index for index, model in choices(options, "models") if model.get("default") is True]
    for index in defaults[1:]:
        yield Problem(f"composer.models[{index}].default", "is the second default, only one model can be it")


def choices(options: Any, group: str) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    listed = at(options, "composer", group)
    for index, choice in enumerate(listed if isinstance(listed, (list, tuple)) else ()):
        if isinstance(choice, Mapping):
            yield index, choice


def at(options: Any, *path: str) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        options = options.get(key) if isinstance(options, Mapping) else None
    return options
