"""Checks of a Content Security Policy: does it let the chat's script and frame in?"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from django_chatkit.checks.values import TAG
from django_chatkit.conf import conf
from django_chatkit.csp import SELF, origin_of

FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "style-src": ("style-src-elem", "style-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
}
"""Where a browser looks for the sources of a directive: the first of these that is given counts."""


@register(TAG)
def check_csp(**kwargs: Any) -> list[CheckMessage]:
    return [message for name, policy in csp_policies() for message in check_policy(name, policy)]


def csp_policies() -> Iterator[tuple[str, dict[str, Any]]]:
    """The policies in force, by the name of their setting: Django 6's, and those of django-csp 4 and 3."""
    if "django.middleware.csp.ContentSecurityPolicyMiddleware" in settings.MIDDLEWARE:
        yield "SECURE_CSP", getattr(settings, "SECURE_CSP", {})
    if not any(path.startswith("csp.") for path in settings.MIDDLEWARE):
        return
    new = getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}
    yield "CONTENT_SECURITY_POLICY", new.get("DIRECTIVES", {})
    names = {name for fallbacks in FALLBACKS.values() for name in fallbacks}
    old = {name: getattr(settings, f"CSP_{name.upper().replace('-', '_')}", None) for name in names}
    yield "CSP_*", {name: sources for name, sources in old.items() if sources is not None}


def check_policy(setting: str, policy: dict[str, Any]) -> Iterator[CheckMessage]:
    for directive, source in wanted_sources(origin_of(conf.CHATKIT_SCRIPT_URL)):
        given = next((policy[name] for name in FALLBACKS[directive] if name in policy), None)
        if given is not None and not allows(given, source):
            message = f"{setting} blocks the chat: {directive} does not allow {source}."
            hint = f"Add {source!r} to {directive!r}. Silence this check if only the chat's pages allow it."
            yield Warning(message, hint=hint, id="chatkit.W007")


def wanted_sources(script: str) -> list[tuple[str, str]]:
    """The page loads our files and the element's script, the element a frame; requests go to the own site."""
    static = origin_of(settings.STATIC_URL or "")
    wanted = [("script-src", static), ("style-src", static), ("connect-src", SELF)]
    return wanted if script == SELF else [*wanted, ("script-src", script), ("frame-src", script)]


def allows(given: Any, wanted: str) -> bool:
    sources = [given] if isinstance(given, str) else [str(source) for source in given or ()]
    host = urlsplit(wanted).netloc
    for source in sources:
        # Our scripts carry the page's nonce, for which both packages put a mark into the policy.
        if source in (wanted, "*", "https:", "'strict-dynamic'") or "NONCE" in source.upper():
            return True
        if host and fnmatch(host, urlsplit(source).netloc or source):
            return True
    return False
