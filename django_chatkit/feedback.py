"""Thumbs for an answer, and the question why it was bad: asked in the chat, without the model."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override

from .connections import in_one_hop
from .context import ChatKitContext
from .models import ASIDE, Feedback, Thread, ThreadItem, is_aside
from .permissions import is_pending
from .sdk import types
from .signals import feedback_explained
from .streaming import uninterrupted

if TYPE_CHECKING:
    from .server import DjangoChatKitServer
    from .store import DjangoStore

MAX_OPTIONS = 20
WHAT_WAS_WRONG = gettext_lazy("What was wrong with this answer?")
REASONS = (
    gettext_lazy("It is not correct."),
    gettext_lazy("Something is missing."),
    gettext_lazy("It is about something else."),
)
THANKS = gettext_lazy("Thank you. That helps us to do better.")


@dataclass(frozen=True)
class FeedbackQuestion:
    """What the chat asks after a thumbs-down. Words of one's own are always an answer too."""

    text: str | Promise = WHAT_WAS_WRONG
    options: Sequence[str | Promise] = REASONS
    """Reasons to choose from; none for words of one's own alone."""

    multiple: bool = True
    """May somebody choose more than one?"""

    thanks: str | Promise = THANKS
    """What the chat says to a reason."""

    def problems(self) -> Iterator[str]:
        """What is wrong with these values."""
        for name in ("text", "thanks"):
            if not is_text(getattr(self, name)):
                yield f"{name} must be a text"
        if not isinstance(self.options, list | tuple) or not all(map(is_text, self.options)):
            yield "options must be a list of texts"
        elif len(self.options) > MAX_OPTIONS or len(set(map(str, self.options))) < len(self.options):
            yield f"options must be different from each other, and at most {MAX_OPTIONS}"

    def as_input(self) -> types.StructuredInput:
        text = str(self.text)
        if not self.options:
            return types.StructuredInputFreeform(id="reason", question=text)
        options = [types.StructuredInputMultipleChoiceOption(value=str(option)) for option in self.options]
        return types.StructuredInputMultipleChoice(
            id="reason", question=text, options=options, multiple=self.multiple
        )


def is_text(value: Any) -> bool:
    return isinstance(value, Promise) or (isinstance(value, str) and bool(value.strip()))


def new_aside(thread_id: str) -> dict[str, Any]:
    return {
        "id": f"{ASIDE}{secrets.token_hex(16)}",
        "thread_id": thread_id,
        "created_at": datetime.now(),  # noqa: DTZ005  (naive local time is the SDK's own)
    }


# The thumbs


def give_feedback(
    server: DjangoChatKitServer,
    thread_id: str,
    item_ids: list[str],
    kind: types.FeedbackKind,
    context: ChatKitContext,
) -> None:
    """Store it, and ask why where the server wants to know."""
    rated = [item_id for item_id in item_ids if not is_aside(item_id)]
    if not rated:
        return
    withdraw_question(server.store, thread_id, rated, kind, context)
    Feedback.objects.give(thread_id, rated, kind, context)
    question = server.get_feedback_question(context, kind)
    if question is not None:
        with override(context.locale or None):
            ask(server.store, thread_id, rated, question, context)


def withdraw_question(
    store: DjangoStore, thread_id: str, item_ids: list[str], kind: str, context: ChatKitContext
) -> None:
    """Nobody has to say any more why they thought what they think no longer."""
    given = Feedback.objects.filter(item__thread_id=thread_id, item__item_id__in=item_ids)
    asked = ThreadItem.objects.filter(asked_about__in=given.exclude(kind=kind))
    with transaction.atomic(using=router.db_for_write(Thread)):
        taken = Thread.objects.owned_by(context).filter(thread_id=thread_id).take()
        pending = [row.pk for row in asked.distinct() if is_pending(row)] if taken else []
        ThreadItem.objects.filter(pk__in=pending).delete()
    if pending:
        store._changed(thread_id, context)
        context.fetch_updates = True


def ask(
    store: DjangoStore,
    thread_id: str,
    item_ids: list[str],
    question: FeedbackQuestion,
    context: ChatKitContext,
) -> None:
    """Put the question, once for an answer, and only about the newest: it stands at the thread's end."""
    mine = Thread.objects.owned_by(context).filter(thread_id=thread_id, status=Thread.Status.ACTIVE)
    with transaction.atomic(using=router.db_for_write(Thread)):
        if not mine.take():  # of two clicks, one asks
            return
        given = Feedback.objects.filter(item__thread_id=thread_id, item__item_id__in=item_ids)
        if not is_newest(thread_id, item_ids) or given.filter(question__isnull=False).exists():
            return
        item = types.StructuredInputItem(**new_aside(thread_id), inputs=[question.as_input()])
        store._put_item(thread_id, item, context)
        given.update(question=ThreadItem.objects.get(thread_id=thread_id, item_id=item.id))
    context.fetch_updates = True


def is_newest(thread_id: str, item_ids: list[str]) -> bool:
    """Is this the answer at the thread's end, with nothing behind it and nothing that waits?"""
    items = ThreadItem.objects.filter(thread_id=thread_id)
    waiting = items.filter(type__in=ThreadItem.ANSWERABLE_TYPES, data__contains="pending")
    if any(is_pending(row) for row in waiting):
        return False
    shown = items.shown().exclude(type=ThreadItem.Type.END_OF_TURN)
    newest = shown.order_by("-pk").only("item_id", "type").first()
    if newest is None or newest.type == ThreadItem.Type.USER_MESSAGE:  # whose answer may be on its way
        return False
    return newest.item_id in item_ids


# The reason


async def without_answer(
    server: DjangoChatKitServer,
    thread: types.ThreadMetadata,
    context: ChatKitContext,
    stream: Callable[[], AsyncIterator[types.ThreadStreamEvent]],
) -> AsyncGenerator[types.ThreadStreamEvent, None]:
    """The SDK's events for an answered question, up to where the model would be asked; then thanks."""
    source: Any = stream()
    thanks: str | None = None
    try:
        yield await anext(source)  # the question with its answer, which the SDK has stored when we go on
    finally:
        await source.aclose()
        thanks = await uninterrupted(keep_reason(server.store, server, thread.id, context))
    if thanks:
        part = types.AssistantMessageContent(text=thanks)
        item = types.AssistantMessageItem(**new_aside(thread.id), content=[part])
        yield types.ThreadItemDoneEvent(item=item)


@in_one_hop
def keep_reason(
    store: DjangoStore, server: DjangoChatKitServer, thread_id: str, context: ChatKitContext
) -> str | None:
    """Copy the stored answer to the feedback. Returns what to say to it; None if it was skipped."""
    mine = ThreadItem.objects.owned_by(context)
    row = mine.filter(thread_id=thread_id, item_id=context.answered).first()
    reason = read_reason(row) if row is not None else ""
    if not reason:
        return None
    given = Feedback.objects.filter(question=row)
    item_ids = list(given.values_list("item__item_id", flat=True))
    if given.exclude(reason=reason).update(reason=reason):
        feedback_explained.send(
            Feedback, thread_id=thread_id, item_ids=item_ids, reason=reason, context=context
        )
    with override(context.locale or None):
        question = server.get_feedback_question(context, "negative")
        return str((question or FeedbackQuestion()).thanks)


def read_reason(row: ThreadItem) -> str:
    """What a person answered, a line for each reason."""
    inputs = json.loads(row.data)["inputs"]
    return "\n".join(value for part in inputs for value in (part.get("answer") or {}).get("values", ()))
