"""A person's yes before a tool with consequences runs: asked in one request, given in another.

The call is recorded on the server with the question's id. The answer only says which record, and yes
or no; neither the browser nor the model gets to say again what it was about.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _, override

from django_chatkit import events
from django_chatkit.context import ChatKitContext
from django_chatkit.items import load_item
from django_chatkit.models import Confirmation, ThreadItem
from django_chatkit.sdk import types

from .context import DjangoAgentContext, in_request_thread

Confirm = str | Promise | Callable[[dict[str, Any], ChatKitContext], str]

MAX_VALUE = 200
"""Characters of an argument that a question shows: the model must not bury it in words."""

DECLINED = "The person said no. Nothing was done."
SKIPPED = "The person did not answer. Nothing was done."
EXPIRED = "The question was too old when the answer came. Nothing was done. Call the tool to ask again."


async def ask(
    context: DjangoAgentContext,
    tool: str,
    arguments: str,
    confirm: Confirm,
    values: dict[str, Any],
    seconds: float,
) -> None:
    """Record the call, and put the question."""

    def record() -> types.StructuredInputItem:
        with override(context.request_context.locale or None):
            item = make_question(context, get_text(confirm, values, context.request_context))
        with transaction.atomic(using=router.db_for_write(Confirmation)):
            context.store._put_item(context.thread.id, item, context.request_context)  # type: ignore[attr-defined]
            row = ThreadItem.objects.get(thread_id=context.thread.id, item_id=item.id)
            expires_at = timezone.now() + timedelta(seconds=seconds)
            Confirmation.objects.create(item=row, tool=tool, arguments=arguments, expires_at=expires_at)
        return item

    item = await in_request_thread(record)
    await context.stream(types.ThreadItemDoneEvent(item=item))


def get_text(confirm: Confirm, values: dict[str, Any], context: ChatKitContext) -> str:
    if callable(confirm):
        return confirm(values, context)
    return ShortFormatter().vformat(str(confirm), (), values)


class ShortFormatter(string.Formatter):
    """Puts values into a question: each on one line, and cut where it gets long."""

    def format_field(self, value: Any, format_spec: str) -> str:
        line = " ".join(str(super().format_field(value, format_spec)).split())
        return line if len(line) <= MAX_VALUE else line[:MAX_VALUE] + "…"


def make_question(context: DjangoAgentContext, text: str) -> types.StructuredInputItem:
    options = [types.StructuredInputMultipleChoiceOption(value=value) for value in (_("Yes"), _("No"))]
    question = types.StructuredInputMultipleChoice(id="confirm", question=text, options=options)
    return types.StructuredInputItem(**events.new_item(context.thread), inputs=[question])


def read_answer(confirmation: Confirmation) -> tuple[Confirmation.Status, str]:
    """Yes is the first option as it was offered, and nothing else."""
    item: Any = load_item(confirmation.item.data, confirmation.item.created_at)
    [question] = item.inputs
    said = question.answer.values if question.answer is not None and item.status == "answered" else []
    if confirmation.expires_at <= timezone.now():
        return Confirmation.Status.EXPIRED, EXPIRED
    if said == [question.options[0].value]:
        return Confirmation.Status.CONFIRMED, ""
    return Confirmation.Status.DECLINED, DECLINED if said else SKIPPED
