"""What a message may hold: text, and choices that the composer offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused, invalid
from django_chatkit.options import merge
from django_chatkit.sdk import types

from .files import check_attached

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer

MAX_PARTS = 200


def check_input(
    server: DjangoChatKitServer, message: types.UserMessageInput, context: ChatKitContext
) -> None:
    if len(message.content) > MAX_PARTS or len(message.attachments) > MAX_PARTS:
        raise invalid(_("This message has too many parts."))
    if message.attachments:
        check_attached(server, message.attachments, context)
    text = "".join(part.text for part in message.content)
    if not text.strip() and not message.attachments:
        raise invalid(_("This message is empty."))
    tags = [part for part in message.content if isinstance(part, types.UserMessageTagContent)]
    check_length(server, text, message.quoted_text or "", *(tag.model_dump_json() for tag in tags))
    check_choices(server, message.inference_options, context)


def check_length(server: DjangoChatKitServer, *texts: str) -> None:
    if sum(map(len, texts)) > server.max_message_length:
        raise Refused(413, "message_too_long", _("This message is too long."))


def check_choices(
    server: DjangoChatKitServer, chosen: types.InferenceOptions, context: ChatKitContext
) -> None:
    """The browser names a model and a tool: only those that the composer offers count."""
    wanted = {"models": chosen.model, "tools": chosen.tool_choice.id if chosen.tool_choice else None}
    for group, choice in wanted.items():
        if choice is not None and choice not in get_offered(server, group, context):
            raise invalid(_("This model or tool is not available."))


def get_offered(server: DjangoChatKitServer, group: str, context: ChatKitContext) -> set[str]:
    """The ids of the ``models`` or ``tools`` that this person can choose now."""
    composer = merge(conf.CHATKIT_OPTIONS, server.get_options(context)).get("composer") or {}
    return {option.get("id") for option in composer.get(group) or () if not option.get("disabled")}
