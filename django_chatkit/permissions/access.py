"""Who may chat, how often, and with how much at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext, start_visitor
from django_chatkit.exceptions import Refused, no_permission, request_too_large, too_many
from django_chatkit.sdk import types
from django_chatkit.throttling import Rate, count

from .speech import get_dictation

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer


def check_access(server: DjangoChatKitServer, context: ChatKitContext) -> None:
    """Raises Refused (401 or 403) for a person whom this server does not serve."""
    if context.is_anonymous and not server.allow_anonymous:
        raise Refused(401, "not_authenticated", _("Please sign in to chat."))
    if not server.has_permission(context):
        raise no_permission()


def check_size(server: DjangoChatKitServer, context: ChatKitContext, size: int) -> None:
    """Raises Refused for a body that is too large for anything, of this server."""
    if size > conf.CHATKIT_MAX_BODY_SIZE:
        config = get_dictation(server, context)
        if config is None or size > config.max_body_size:
            raise request_too_large()


def check_own_size(request: types.ChatKitReq, size: int) -> None:
    """Raises Refused: only a recording may be larger than the setting says."""
    if size > conf.CHATKIT_MAX_BODY_SIZE and not isinstance(request, types.InputTranscribeReq):
        raise request_too_large()


def check_rate(scope: str, rate: str | None, server: DjangoChatKitServer, context: ChatKitContext) -> None:
    """Raises Refused (429) for somebody who does this too often. Counts, so ask once."""
    who = f"{context.server}|{context.tenant}|{server.get_throttle_key(context)}"
    if rate and (seconds := count(scope, who, Rate.parse(rate))):
        raise too_many(seconds)


def check_visitor(context: ChatKitContext) -> None:
    """From now on something is kept for this person, so they need an identity."""
    if context.is_anonymous and not context.visitor and context.request is not None:
        context.visitor = start_visitor(context.request)
