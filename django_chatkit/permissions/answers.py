"""What waits for an answer: tool calls, questions and widgets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from pydantic_core import to_json

from django_chatkit.actions import Actions
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused, invalid, not_found, not_pending
from django_chatkit.models import Thread, ThreadItem
from django_chatkit.offers import find_offers
from django_chatkit.questions import find_problem
from django_chatkit.sdk import types

from .ids import clean_id
from .messages import check_length

if TYPE_CHECKING:
    from chatkit.actions import Action


def get_item(thread: Thread, item_id: str) -> ThreadItem:
    item = thread.items.filter(item_id=clean_id(item_id)).defer("text").first()
    if item is None:
        raise not_found()
    return item


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


def is_pending(row: ThreadItem) -> bool:
    return bool(json.loads(row.data).get("status") == "pending")
