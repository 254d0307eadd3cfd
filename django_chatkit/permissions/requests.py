"""Each kind of request held against the database, before anything is stored, run or streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused, invalid, not_found
from django_chatkit.models import Thread, ThreadItem, is_aside
from django_chatkit.sdk import types

from .access import check_access, check_rate, check_visitor
from .answers import check_action, check_structured_input, check_tool_output, get_item
from .files import check_new_attachment, check_removal
from .ids import clean_id
from .messages import check_input
from .speech import check_recording

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer

MAX_TITLE_LENGTH = 255
MAX_FEEDBACK_ITEMS = 100


def check_request(server: DjangoChatKitServer, request: types.ChatKitReq, context: ChatKitContext) -> None:
    """Raises Refused for what this person may not do, or not now."""
    check_access(server, context)
    thread = check_thread(request, context)
    if is_counted(request):
        check_rate("message", server.get_message_rate(context), server, context)
    check = CHECKS.get(type(request))
    if check is not None:
        check(server, request.params, thread, context)


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


def check_create(
    server: Any, params: types.ThreadCreateParams, thread: None, context: ChatKitContext
) -> None:
    check_input(server, params.input, context)
    check_visitor(context)


def check_message(
    server: Any, params: types.ThreadAddUserMessageParams, thread: Thread, context: ChatKitContext
) -> None:
    check_input(server, params.input, context)


def check_retry(
    server: Any, params: types.ThreadRetryAfterItemParams, thread: Thread, context: ChatKitContext
) -> None:
    if get_item(thread, params.item_id).type != ThreadItem.Type.USER_MESSAGE:
        raise invalid(_("Only the answer to a message of yours can be made again."))


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
