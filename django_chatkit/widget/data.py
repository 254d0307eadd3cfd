"""What the page's scripts read: options, addresses, tokens and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http.request import HttpHeaders
from django.middleware.csrf import get_token
from django.utils.translation import get_language

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext
from django_chatkit.page import describe_page, sign_page

from .addresses import get_url
from .arguments import InvalidArgument
from .messages import get_hints, get_messages

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

    from django_chatkit.server import DjangoChatKitServer

PATIENCE = 15
"""Seconds after which a chat that does not show up is given up on."""


def get_data(request: HttpRequest, alias: str, options: dict[str, Any]) -> dict[str, Any]:
    """What widget.js reads: nothing in it is secret to the person who gets the page."""
    return {
        "server": alias,
        "language": get_language(),
        "options": options,
        "csrf": get_csrf(request),
        "scriptUrl": conf.CHATKIT_SCRIPT_URL,
        "patience": PATIENCE,
        "messages": get_messages(),
        "hints": get_hints() if is_developer(request) else None,
    }


def get_menus(request: HttpRequest, chat: DjangoChatKitServer, context: ChatKitContext) -> dict[str, Any]:
    """What menus.js reads: where mentions are found, and the commands."""
    found = get_url(request, "entities", {"server": chat.alias}) if chat.get_entities(context) else None
    commands = [command.to_json() for command in chat.get_commands(context)]
    return {"entitiesUrl": found, "commands": commands}


def get_page(
    context: ChatKitContext, page_object: Model | None, page_context: Mapping[str, Any] | None
) -> str | None:
    """What is on the page, signed for this person. Raises InvalidArgument."""
    try:
        described = describe_page(page_object, page_context)
        return sign_page(described, context) if described is not None else None
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the page cannot be described: {error}") from error


def get_csrf(request: HttpRequest) -> dict[str, str]:
    """Where the script finds the token: in the cookie at each call, or here if scripts cannot see that."""
    token = get_token(request)  # also makes sure that the cookie is set
    header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME) or "X-CSRFToken"
    if not (settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY):
        return {"header": header, "cookie": settings.CSRF_COOKIE_NAME}
    return {"header": header, "token": token, "url": get_url(request, "csrf") or ""}


def is_developer(request: HttpRequest) -> bool:
    """May this person read what exactly is wrong?"""
    user = getattr(request, "user", None)
    return settings.DEBUG or bool(user is not None and user.is_active and getattr(user, "is_staff", False))
