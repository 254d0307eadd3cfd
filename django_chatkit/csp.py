"""What a Content Security Policy must allow for the chat, ready to merge into your own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

# Settings import this module, so it cannot read them: a test compares this with the setting's default.
CDN = "https://cdn.platform.openai.com"
SELF, NONE = "'self'", "'none'"


def chatkit_csp(script_url: str = CDN) -> dict[str, list[str]]:
    """The directives for a page whose element comes from ``script_url`` (your ``CHATKIT_SCRIPT_URL``)."""
    origin = origin_of(script_url)
    return {
        "script-src": [SELF] if origin == SELF else [SELF, origin],
        "style-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [origin],
    }


def origin_of(url: str) -> str:
    """As a policy names it: a path is on this site."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else SELF


CHATKIT_CSP = chatkit_csp()
"""For Django's ``SECURE_CSP`` and for the ``DIRECTIVES`` of django-csp: no nonce, nothing inline."""


def add_chatkit(policy: Mapping[str, Any], script_url: str = CDN) -> dict[str, Any]:
    """A copy of a policy that allows the chat too. What ``default-src`` allowed stays allowed."""
    merged = dict(policy)
    for directive, sources in chatkit_csp(script_url).items():
        own = as_list(policy.get(directive) or policy.get("default-src"))
        merged[directive] = list(dict.fromkeys([*(source for source in own if source != NONE), *sources]))
    return merged


def as_list(sources: Any) -> list[Any]:
    """Both packages take a single source as well as a list, tuple or set of them."""
    if isinstance(sources, str) or not isinstance(sources, Iterable):
        return [sources] if sources else []
    return sorted(sources) if isinstance(sources, set) else list(sources)
