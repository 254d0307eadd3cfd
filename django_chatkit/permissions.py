"""What may be asked for: every refusal that can be known before an answer begins.

The SDK checks neither owners nor states, so a request is held against the database here, before
anything is stored, run or streamed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from pydantic_core import to_json

from .actions import Actions
from .attachments import REMOVABLE, Attachments, clean_mime_type, clean_name
from .conf import conf
from .context import ChatKitContext, start_visitor
from .dictation import Dictation, read_recording
from .exceptions import Refused, already_sent, request_too_large, too_many
from .models import Attachment, Thread, ThreadItem, is_aside
from .offers import find_offers
from .options import merge
from .questions import find_problem
from .sdk import types
from .sniffing import choose
from .throttling import Rate, count
from .uploads import confirm, not_uploaded, too_large, wrong_type

if TYPE_CHECKING:
    from .server import DjangoChatKitServer

    from chatkit.actions import Action

MAX_TITLE_LENGTH = 255
MAX_PARTS = 200
MAX_FEEDBACK_ITEMS = 100


def check_access(server: DjangoChatKitServer, context: ChatKitContext) -> None:
    """Raises Refused (401 or 403) for a person whom this server does not serve."""
    if context.is_anonymous and not server.allow_anonymous:
        raise Refused(401, "not_authenticated", _("Please sign in to chat."))
    if not server.has_permission(context):
        raise no_permission()


def check_request(server: DjangoChatKitServer, request: types.ChatKitReq, context: ChatKitContext) -> None:
    """Raises Refused for what this person may not do, or not now."""
    check_access(server, context)
    thread = check_thread(request, context)
    if is_counted(request):
        check_rate("message", server.get_message_rate(context), server, context)
    check = CHECKS.get(type(request))
    if check is not None:
        check(server, request.params, thread, context)


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


def is_counted(request: types.ChatKitReq) -> bool:
    """May a model run for this? Why an answer was bad is told without one."""
    item_id = getattr(request.params, "item_id", None) or ""
    return isinstance(request, COUNTED_REQUESTS) and not is_aside(item_id)


def check_thread(request: types.ChatKitReq, context: ChatKitContext) -> Thread | None:
    """The thread a request is about: 404 unless it is the person's own, 409 for input it does not take."""
    thread_id = getattr(request.params, "thread_id", None)
    if thread_id is None:
        return None
    thread = Thread.objects.owned_by(context).filter(thread_id=clean_id(thread_id)).first()
    if thread is None:
        raise not_found()
    if isinstance(request, INPUT_REQUESTS) and thread.status != Thread.Status.ACTIVE:
        message = " ".join(filter(None, (inactive_message(thread), thread.status_reason)))
        raise Refused(409, f"thread_{thread.status}", message)
    return thread


def inactive_message(thread: Thread) -> str:
    if thread.status == Thread.Status.CLOSED:
        return _("This conversation is closed.")
    return _("This conversation is locked.")


def no_permission() -> Refused:
    return Refused(403, "permission_denied", _("You may not use this chat."))


def not_found() -> Refused:
    """The one answer for what is missing and for what is somebody else's."""
    return Refused(404, "not_found", _("This conversation, or a part of it, could not be found."))


def invalid(message: str) -> Refused:
    return Refused(400, "invalid_request", message)


def not_pending() -> Refused:
    return Refused(409, "not_pending", _("This was answered already."))


def clean_id(wire_id: str) -> str:
    """An id that no row can have where PostgreSQL would refuse the text itself."""
    return "" if "\0" in wire_id or len(wire_id) > 255 else wire_id


def get_item(thread: Thread, item_id: str) -> ThreadItem:
    item = thread.items.filter(item_id=clean_id(item_id)).defer("text").first()
    if item is None:
        raise not_found()
    return item


def check_create(
    server: Any, params: types.ThreadCreateParams, thread: None, context: ChatKitContext
) -> None:
    check_input(server, params.input, context)
    check_visitor(context)


def check_visitor(context: ChatKitContext) -> None:
    """From now on something is kept for this person, so they need an identity."""
    if context.is_anonymous and not context.visitor and context.request is not None:
        context.visitor = start_visitor(context.request)


def check_message(
    server: Any, params: types.ThreadAddUserMessageParams, thread: Thread, context: ChatKitContext
) -> None:
    check_input(server, params.input, context)


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


def check_retry(
    server: Any, params: types.ThreadRetryAfterItemParams, thread: Thread, context: ChatKitContext
) -> None:
    if get_item(thread, params.item_id).type != ThreadItem.Type.USER_MESSAGE:
        raise invalid(_("Only the answer to a message of yours can be made again."))


def check_tool_output(
    server: Any, params: types.ThreadAddClientToolOutputParams, thread: Thread, context: ChatKitContext
) -> None:
    newest = thread.items.said().order_by("-pk").first()
    if newest is None or newest.type != ThreadItem.Type.CLIENT_TOOL_CALL or not is_pending(newest):
        raise not_pending()


def check_structured_input(
    server: Any, params: types.ThreadAddStructuredInputParams, thread: Thread, context: ChatKitContext
) -> None:
    item = get_item(thread, params.item_id)
    if item.type != ThreadItem.Type.STRUCTURED_INPUT:
        raise invalid(_("This is not a question."))
    if not is_pending(item):
        raise not_pending()
    if problem := find_problem(json.loads(item.data), params.input):
        raise invalid(problem)
    values = [value for answer in params.input.answers.values() for value in answer.values]
    check_length(server, *values)


def check_action(
    server: Any, params: types.ThreadCustomActionParams, thread: Thread, context: ChatKitContext
) -> None:
    """The page names an action and its payload: a widget must offer both, or page code may send them."""
    action = params.action
    if params.item_id is None:
        offered = action.type in server.page_actions
    else:
        sender = get_item(thread, params.item_id)
        if sender.type != ThreadItem.Type.WIDGET:
            raise invalid(_("Only a widget can send an action."))
        offers = find_offers(json.loads(sender.data)["widget"])
        offered = any(offer.allows(action.type, action.payload) for offer in offers)
    if not offered:
        raise invalid(_("This action is not available."))
    check_length(server, to_json(action.payload).decode())
    check_handler(server, action)


def check_handler(server: Any, action: Action[str, Any]) -> None:
    """Can the server do it, and is the payload of the type that its handler wants?"""
    handler = server.handlers.get(action.type)
    if handler is not None:
        handler.read(action.payload)
    elif type(server).action is Actions.action and type(server).sync_action is Actions.sync_action:
        raise Refused(400, "not_supported", _("This chat cannot do that."))


def check_feedback(
    server: Any, params: types.ItemFeedbackParams, thread: Thread, context: ChatKitContext
) -> None:
    wanted = {clean_id(item_id) for item_id in params.item_ids}
    if not wanted or len(params.item_ids) > MAX_FEEDBACK_ITEMS:
        raise invalid(_("Feedback needs between 1 and 100 items."))
    if thread.items.filter(item_id__in=wanted).count() != len(wanted):
        raise not_found()


def check_title(
    server: Any, params: types.ThreadUpdateParams, thread: Thread, context: ChatKitContext
) -> None:
    if not params.title.strip() or len(params.title) > MAX_TITLE_LENGTH:
        raise invalid(_("A title has between 1 and 255 characters."))


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
    if choose((clean_mime_type(params.mime_type),), name, config.accept) is None:
        raise wrong_type()
    check_room(server, config, context)


def check_removal(
    server: DjangoChatKitServer, params: types.AttachmentDeleteParams, thread: None, context: ChatKitContext
) -> None:
    get_attachments(server, context)
    row = Attachment.objects.owned_by(context).filter(attachment_id=clean_id(params.attachment_id)).first()
    if row is None:
        raise not_found()
    if row.state not in REMOVABLE:
        raise Refused(409, "attachment_sent", _("This file was sent, and stays in the conversation."))


def get_dictation(server: DjangoChatKitServer, context: ChatKitContext) -> Dictation | None:
    """The server's dictation, if this person may use it, and if it can be used at all."""
    config = server.get_dictation(context)
    return config if config is not None and config.is_ready() else None


def check_recording(
    server: DjangoChatKitServer, params: types.InputTranscribeParams, thread: None, context: ChatKitContext
) -> None:
    config = get_dictation(server, context)
    if config is None:
        raise Refused(400, "not_supported", _("This chat cannot do that."))
    read_recording(config, params.audio_base64, params.mime_type)


def is_pending(row: ThreadItem) -> bool:
    return bool(json.loads(row.data).get("status") == "pending")


COUNTED_REQUESTS = (
    types.ThreadsCreateReq,
    types.ThreadsAddUserMessageReq,
    types.ThreadsRetryAfterItemReq,
    types.ThreadsAddClientToolOutputReq,
    types.ThreadsAddStructuredInputReq,
    types.ThreadsCustomActionReq,
    types.InputTranscribeReq,
)
"""What a person can ask for again and again, and a model answers. It can be talked into one more
question or call of the page each time, and an action may let it go on."""

INPUT_REQUESTS = (
    types.ThreadsAddUserMessageReq,
    types.ThreadsAddClientToolOutputReq,
    types.ThreadsAddStructuredInputReq,
    types.ThreadsRetryAfterItemReq,
    types.ThreadsCustomActionReq,
    types.ThreadsSyncCustomActionReq,
)

CHECKS: dict[type, Callable[..., None]] = {
    types.ThreadsCreateReq: check_create,
    types.ThreadsAddUserMessageReq: check_message,
    types.ThreadsRetryAfterItemReq: check_retry,
    types.ThreadsAddClientToolOutputReq: check_tool_output,
    types.ThreadsAddStructuredInputReq: check_structured_input,
    types.ThreadsCustomActionReq: check_action,
    types.ThreadsSyncCustomActionReq: check_action,
    types.ItemsFeedbackReq: check_feedback,
    types.ThreadsUpdateReq: check_title,
    types.AttachmentsCreateReq: check_new_attachment,
    types.AttachmentsDeleteReq: check_removal,
    types.InputTranscribeReq: check_recording,
}
