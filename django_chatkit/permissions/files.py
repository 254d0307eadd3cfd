"""Which files a person may announce, send and remove."""

from __future__ import annotations

from mimetypes import guess_type
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from django_chatkit.attachments import REMOVABLE, Attachments, clean_mime_type, clean_name
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused, already_sent, invalid, not_found
from django_chatkit.models import Attachment
from django_chatkit.sdk import types
from django_chatkit.sniffing import choose
from django_chatkit.uploads import confirm, not_uploaded, too_large, wrong_type

from .access import check_rate, check_visitor
from .ids import clean_id

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer

VAGUE = ("", "application/octet-stream", "application/vnd.ms-excel")
"""What browsers say of files of which the system knows nothing, and on Windows with Excel of CSV."""


def get_attachments(server: DjangoChatKitServer, context: ChatKitContext) -> Attachments:
    config = server.get_attachments(context)
    if config is None:
        raise not_found()
    return config


def check_attached(server: DjangoChatKitServer, attachment_ids: list[str], context: ChatKitContext) -> None:
    """Uploads of one's own, each in this message alone, and once in it."""
    config = get_attachments(server, context)
    wanted = {clean_id(attachment_id) for attachment_id in attachment_ids}
    if len(attachment_ids) > config.max_count or len(wanted) < len(attachment_ids):
        raise invalid(_("This message has too many files, or one of them twice."))
    rows = Attachment.objects.owned_by(context).filter(attachment_id__in=wanted)
    if len(rows) != len(wanted):
        raise not_found()
    for row in rows:
        check_ready(row)


def check_ready(row: Attachment) -> None:
    if row.state == Attachment.State.SENT:
        raise already_sent()
    if row.state == Attachment.State.PENDING:
        if not row.file:
            raise not_uploaded()
        confirm(row)


def check_room(server: DjangoChatKitServer, config: Attachments, context: ChatKitContext) -> None:
    """A person who uploads and never sends would fill the storage."""
    if context.is_anonymous and not context.visitor:
        # Or whoever drops the cookie would get a new identity, with limits of its own, for each file.
        check_rate("message", server.get_message_rate(context), server, context)
    check_visitor(context)
    if Attachment.objects.owned_by(context).unsent().count() >= config.max_unsent:
        raise Refused(429, "too_many_files", _("Too many files were uploaded and not sent."))


def check_new_attachment(
    server: DjangoChatKitServer, params: types.AttachmentCreateParams, thread: None, context: ChatKitContext
) -> None:
    config = get_attachments(server, context)
    if config.strategy != "two_phase":
        raise not_found()
    name = clean_name(params.name)
    if not name or params.size <= 0:
        raise invalid(_("A file needs a name, and must not be empty."))
    if params.size > config.max_size:
        raise too_large()
    params.mime_type = announced_type(params.mime_type, name)
    if choose((params.mime_type,), name, config.accept) is None:
        raise wrong_type()
    check_room(server, config, context)


def announced_type(mime_type: str, name: str) -> str:
    """What the browser declares or, where it does not know, what the name says. The bytes must fit it."""
    declared = clean_mime_type(mime_type)
    return (guess_type(name, strict=False)[0] or "") if declared in VAGUE else declared


def check_removal(
    server: DjangoChatKitServer, params: types.AttachmentDeleteParams, thread: None, context: ChatKitContext
) -> None:
    get_attachments(server, context)
    row = Attachment.objects.owned_by(context).filter(attachment_id=clean_id(params.attachment_id)).first()
    if row is None:
        raise not_found()
    if row.state not in REMOVABLE:
        raise Refused(409, "attachment_sent", _("This file was sent, and stays in the conversation."))
