"""The addresses that a page needs: the app's own, and the login page's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ImproperlyConfigured
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.http import escape_leading_slashes, urlencode

if TYPE_CHECKING:
    from django.http import HttpRequest


def get_api_url(request: HttpRequest, alias: str) -> str:
    """Raises ImproperlyConfigured where the URLs are missing."""
    url = get_url(request, "api", {} if alias == "default" else {"server": alias})
    if url is None:
        raise ImproperlyConfigured(
            f"The chat {alias!r} has no address: add "
            'path("chatkit/", include("django_chatkit.urls")) to your URLs.'
        )
    return url


def get_url(request: HttpRequest, name: str, kwargs: Mapping[str, str] | None = None) -> str | None:
    """The app's URLs are found under the page's own namespaces too."""
    for namespace in namespaces(request):
        try:
            return reverse(f"{namespace}django_chatkit:{name}", kwargs=dict(kwargs or {}))
        except NoReverseMatch:
            continue
    return None


def namespaces(request: HttpRequest) -> Iterator[str]:
    yield ""
    match = request.resolver_match
    around = match.namespaces if match is not None else []
    for depth in range(len(around), 0, -1):
        yield ":".join(around[:depth]) + ":"


def get_login_url(request: HttpRequest) -> str:
    query = urlencode({REDIRECT_FIELD_NAME: get_page_path(request)})
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def get_page_path(request: HttpRequest) -> str:
    """Where the person is: HTMX fetches a fragment for a page with another address."""
    address = "" if "HX-Boosted" in request.headers else request.headers.get("HX-Current-URL", "")
    try:
        parts = urlsplit(address)
    except ValueError:
        return request.get_full_path()
    if parts.netloc != request.get_host():
        return request.get_full_path()
    return escape_leading_slashes(urlunsplit(("", "", parts.path, parts.query, "")))
