"""The options of ChatKit.js in Python: checked, merged and made ready for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .icons import HEADER_ICONS, ICONS
from .layers import merge, resolve
from .locales import LOCALES, chatkit_locale
from .problems import Problem
from .rules import cautions, refusals
from .schema import EVENTS, FUNCTION_PATHS, OPTIONS

__all__ = [
    "EVENTS",
    "FUNCTION_PATHS",
    "HEADER_ICONS",
    "ICONS",
    "LOCALES",
    "Problem",
    "chatkit_locale",
    "drop_invalid",
    "merge",
    "resolve",
    "validate",
]


def validate(options: Mapping[str, Any], *, partial: bool = False) -> list[Problem]:
    """Every mistake in options as a developer writes them, each with its path.

    With ``partial``, the options are one layer of several (settings, class, tag): required keys and
    an upload strategy that another layer may give are not missed.
    """
    return [*refusals(options, partial), *cautions(options)]


def drop_invalid(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The options without the groups that would leave the page blank, and every problem.

    Mistakes that ChatKit.js lives with, such as an unknown locale, are reported and kept.
    """
    kept = dict(options) if isinstance(options, Mapping) else {}
    refused = list(refusals(options))
    problems = [*refused, *cautions(options)]
    while refused:  # more than one round: without api, its uploadStrategy is missed too
        bad = {problem.group for problem in refused}
        kept = {name: value for name, value in kept.items() if name in OPTIONS.keys and name not in bad}
        refused = list(refusals(kept))
    return kept, problems
