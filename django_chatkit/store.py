"""The border between the SDK's types and our models: ChatKit's ``Store``, kept by the ORM.

Every method is one short piece of database work in one hop to the request's thread, limited to
what the context's person owns. What is missing and what is somebody else's look the same:
``NotFoundError``.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connections, router, transaction
from django.utils import timezone
from pydantic import ValidationError

from . import signals
from .attachments import REMOVABLE, for_reading, for_storing, ids_in, to_attachment
from .connections import in_one_hop
from .context import ChatKitContext
from .exceptions import NotPending, already_sent
from .items import dump_item, load_item, searchable_text, to_utc, without_nul
from .logs import logger
from .models import Attachment, Thread, ThreadItem
from .sdk import types
from .threads import THREAD_FIELDS, adopt, columns, copy_of, merged, remember, set_field, to_metadata

from chatkit.store import NotFoundError, Store, default_generate_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatkit.store import StoreItemType

MAX_PAGE_SIZE = 100
MAX_NOTICES = 20


def new_id(item_type: StoreItemType) -> str:
    """The SDK's prefix with 128 random bits; its own 32 repeat after some ten thousand ids."""
    prefix = default_generate_id(item_type).partition("_")[0]
    return f"{prefix}_{secrets.token_hex(16)}"


class DjangoStore(Store[ChatKitContext]):
    """ChatKit's store on Django models. It needs no arguments; the context says whose data it is."""

    def generate_thread_id(self, context: ChatKitContext) -> str:
        return new_id("thread")

    def generate_item_id(
        self, item_type: StoreItemType, thread: types.ThreadMetadata, context: ChatKitContext
    ) -> str:
        return new_id(item_type)

    # Threads

    @in_one_hop
    def load_thread(self, thread_id: str, context: ChatKitContext) -> types.ThreadMetadata:
        """Raises NotFoundError."""
        row = self._get_thread(thread_id, context)
        context.has_notices = bool(row.notices)
        return remember(to_metadata(row), context)

    async def save_thread(self, thread: types.ThreadMetadata, context: ChatKitContext) -> None:
        """Insert a thread this context has never seen; otherwise save only what it changed.

        What others changed meanwhile stays, and is written back into ``thread``, so that the
        ``thread.updated`` event that follows tells the truth. A thread that was deleted
        meanwhile stays deleted: NotFoundError.
        """
        before = copy_of(thread)  # a tool may go on changing the thread while it is stored
        adopt(await self._save_thread(before, context), thread, before)

    @in_one_hop
    def _save_thread(self, thread: types.ThreadMetadata, context: ChatKitContext) -> types.ThreadMetadata:
        row = None if thread.id in context.threads else self._create_thread(thread, context)
        row = row or self._update_thread(thread, context)
        self._changed(thread.id, context)
        return remember(to_metadata(row), context)

    @in_one_hop
    def load_threads(
        self, limit: int, after: str | None, order: str, context: ChatKitContext
    ) -> types.Page[types.ThreadMetadata]:
        """A page in order of creation. Raises NotFoundError for a cursor that is not ours."""
        threads = Thread.objects.owned_by(context)
        if after is not None:
            threads = beyond(threads, self._get_thread(after, context).pk, order)
        rows, has_more = page(threads, limit, order)
        data = [to_metadata(row) for row in rows]
        return types.Page(data=data, has_more=has_more, after=data[-1].id if has_more else None)

    @in_one_hop
    def delete_thread(self, thread_id: str, context: ChatKitContext) -> None:
        """Raises NotFoundError."""
        mine = Thread.objects.owned_by(context).filter(thread_id=without_nul(thread_id))
        if not mine.delete()[0]:
            raise NotFoundError(f"Thread {thread_id} not found")
        self._changed(thread_id, context)

    @in_one_hop
    def take_notices(self, thread_id: str, context: ChatKitContext) -> list[types.NoticeEvent]:
        """What was posted to be shown with the next answer: once, however many answers begin."""
        with transaction.atomic(using=router.db_for_write(Thread)):
            notices = self._swap_notices(thread_id, lambda kept: [], context)
        return [types.NoticeEvent.model_validate(notice) for notice in notices]

    # Items

    @in_one_hop
    def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: ChatKitContext
    ) -> types.Page[types.ThreadItem]:
        """A page in order of insertion. Raises NotFoundError for a foreign thread or cursor."""
        items = ThreadItem.objects.owned_by(context).filter(thread_id=without_nul(thread_id))
        if after is not None:
            items = beyond(items, self._get_item(thread_id, after, context).pk, order)
        elif limit == 1 and context.streaming:
            # The SDK looks for a pending client tool call in the newest item alone; one behind it
            # that is no part of the answer would make the tool's output undeliverable.
            items = items.said()
        rows, has_more = page(items.only("item_id", "type", "data", "created_at"), limit, order)
        if not rows:
            self._get_thread(thread_id, context)
        return types.Page(
            data=[item for row in rows if (item := to_item(row, context)) is not None],
            has_more=has_more,
            after=rows[-1].item_id if has_more else None,
        )

    @in_one_hop
    def load_item(self, thread_id: str, item_id: str, context: ChatKitContext) -> types.ThreadItem:
        """Raises NotFoundError."""
        item = to_item(self._get_item(thread_id, item_id, context), context)
        if item is None:
            raise NotFoundError(f"Item {item_id} not found")
        return item

    @in_one_hop
    def add_thread_item(self, thread_id: str, item: types.ThreadItem, context: ChatKitContext) -> None:
        """Append an item; one that is there already is replaced where it stands."""
        self._put_item(thread_id, item, context)

    @in_one_hop
    def save_item(self, thread_id: str, item: types.ThreadItem, context: ChatKitContext) -> None:
        """Replace an item. Raises NotPending where another request answered it first."""
        self._put_item(thread_id, item, context)

    @in_one_hop
    def delete_thread_item(self, thread_id: str, item_id: str, context: ChatKitContext) -> None:
        """Deleting an item that was streamed but never stored is no error; a foreign thread is."""
        with transaction.atomic(using=router.db_for_write(ThreadItem)):
            self._take_thread(thread_id, context)
            ThreadItem.objects.filter(thread_id=thread_id, item_id=item_id).delete()
        self._changed(thread_id, context)

    @in_one_hop
    def delete_items_after(self, thread_id: str, item_id: str, context: ChatKitContext) -> None:
        """Delete everything behind an item at once; the SDK would do it one by one. Raises NotFoundError."""
        with transaction.atomic(using=router.db_for_write(ThreadItem)):
            self._take_thread(thread_id, context)
            first = self._get_item(thread_id, item_id, context).pk
            ThreadItem.objects.filter(thread_id=thread_id, pk__gt=first).delete()
        self._changed(thread_id, context)

    # Attachments

    @in_one_hop
    def save_attachment(self, attachment: types.Attachment, context: ChatKitContext) -> None:
        """The row is the truth and is there already: this only proves whose it is. Raises NotFoundError."""
        self._get_attachment(attachment.id, context)

    @in_one_hop
    def load_attachment(self, attachment_id: str, context: ChatKitContext) -> types.Attachment:
        """Raises NotFoundError."""
        return to_attachment(self._get_attachment(attachment_id, context), context)

    @in_one_hop
    def delete_attachment(self, attachment_id: str, context: ChatKitContext) -> None:
        """Delete one that was not sent, if it is still there: the SDK asks the attachment store first."""
        mine = Attachment.objects.owned_by(context).filter(attachment_id=without_nul(attachment_id))
        mine.discard(*REMOVABLE)

    @in_one_hop
    def claim_attachments(self, attachment_ids: list[str], context: ChatKitContext) -> None:
        """Take uploads for a message that will be stored now. Raises Refused where another one was faster."""
        if not Attachment.objects.claim(attachment_ids, context):
            raise already_sent()

    @in_one_hop
    def release_attachments(self, attachment_ids: list[str], context: ChatKitContext) -> None:
        """Give them back: the message was not stored."""
        Attachment.objects.release(attachment_ids, context)

    # The database work behind them

    def _get_thread(self, thread_id: str, context: ChatKitContext) -> Thread:
        thread = Thread.objects.owned_by(context).filter(thread_id=without_nul(thread_id)).first()
        if thread is None:
            raise NotFoundError(f"Thread {thread_id} not found")
        return thread

    def _get_item(self, thread_id: str, item_id: str, context: ChatKitContext) -> ThreadItem:
        item = (
            ThreadItem.objects.owned_by(context)
            .filter(thread_id=without_nul(thread_id), item_id=without_nul(item_id))
            .first()
        )
        if item is None:
            raise NotFoundError(f"Item {item_id} not found")
        return item

    def _get_attachment(self, attachment_id: str, context: ChatKitContext) -> Attachment:
        wanted = without_nul(attachment_id)
        row = Attachment.objects.owned_by(context).filter(attachment_id=wanted).first()
        if row is None:
            raise NotFoundError(f"Attachment {attachment_id} not found")
        return row

    def _take_thread(self, thread_id: str, context: ChatKitContext, **changes: Any) -> None:
        """Let nobody else write into this thread until the transaction ends. Raises NotFoundError.

        This comes first, and so keeps a thread that is being deleted deleted, and proves ownership.
        """
        mine = Thread.objects.owned_by(context).filter(thread_id=without_nul(thread_id))
        if not (mine.update(**changes) if changes else mine.take()):
            raise NotFoundError(f"Thread {thread_id} not found")

    def _put_item(self, thread_id: str, item: types.ThreadItem, context: ChatKitContext) -> None:
        row = ThreadItem(
            thread_id=thread_id,
            item_id=item.id,
            type=item.type,
            data=dump_item(for_storing(item), thread_id),
            text=searchable_text(item),
            created_at=to_utc(item.created_at),
        )
        with transaction.atomic(using=router.db_for_write(ThreadItem)):
            self._take_thread(thread_id, context, updated_at=timezone.now())
            refuse_second_answer(row, context)
            upsert(row)
            if attachment_ids := ids_in(item):
                Attachment.objects.link(attachment_ids, row, context)
        self._changed(thread_id, context)

    def _put_notice(self, thread_id: str, notice: types.NoticeEvent, context: ChatKitContext) -> None:
        kept = without_nul(notice.model_dump(mode="json"))
        with transaction.atomic(using=router.db_for_write(Thread)):
            self._swap_notices(thread_id, lambda before: [*before, kept][-MAX_NOTICES:], context)
        self._changed(thread_id, context)

    def _swap_notices(
        self, thread_id: str, change: Callable[[list[Any]], list[Any]], context: ChatKitContext
    ) -> list[Any]:
        """Replace a thread's notices, one writer after the other. Raises NotFoundError."""
        self._take_thread(thread_id, context, updated_at=timezone.now())
        row = Thread.objects.select_for_update().only("notices").get(thread_id=thread_id)
        before: list[Any] = row.notices
        row.notices = change(before)
        row.save(update_fields=["notices"])
        return before

    def _create_thread(self, thread: types.ThreadMetadata, context: ChatKitContext) -> Thread | None:
        """None where there is such a thread already, or where the owner is gone or nobody."""
        row = Thread(
            thread_id=thread.id,
            server=context.server,
            user=context.user,  # type: ignore[misc]
            visitor="" if context.user is not None else context.visitor,
            tenant=context.tenant,
            created_at=to_utc(thread.created_at),
        )
        for name in THREAD_FIELDS:
            set_field(row, name, getattr(thread, name))
        if row.allowed_image_domains is None:
            row.allowed_image_domains = context.image_domains
        try:
            with transaction.atomic(using=router.db_for_write(Thread)):
                row.save(force_insert=True)
        except IntegrityError:
            return None
        return row

    def _update_thread(self, thread: types.ThreadMetadata, context: ChatKitContext) -> Thread:
        with transaction.atomic(using=router.db_for_write(Thread)):
            self._take_thread(thread.id, context, updated_at=timezone.now())
            row = Thread.objects.select_for_update().get(thread_id=thread.id)
            if changed := self._take_changes(row, thread, context):
                row.save(update_fields=columns(changed))
        return row

    def _take_changes(self, row: Thread, thread: types.ThreadMetadata, context: ChatKitContext) -> list[str]:
        """Which of its fields the context has changed since it last saw the thread."""
        known = context.threads.get(thread.id) or to_metadata(row)
        changed = [name for name in THREAD_FIELDS if getattr(thread, name) != getattr(known, name)]
        if context.streaming and "title" in changed and row.title != (known.title or ""):
            changed.remove("title")  # an answer's title yields to the one that somebody gave meanwhile
        for name in changed:
            value = getattr(thread, name)
            set_field(row, name, merged(known.metadata, value, row.metadata) if name == "metadata" else value)
        return changed

    def _changed(self, thread_id: str, context: ChatKitContext) -> None:
        signals.thread_changed.send(Thread, thread_id=thread_id, context=context)


def page(rows: Any, limit: int, order: str) -> tuple[list[Any], bool]:
    """The first rows in this order, never more than MAX_PAGE_SIZE, and whether there are others."""
    limit = min(max(limit, 1), MAX_PAGE_SIZE)
    found = list(rows.order_by("pk" if order == "asc" else "-pk")[: limit + 1])
    return found[:limit], len(found) > limit


def beyond(rows: Any, pk: int, order: str) -> Any:
    """Rows that come after this key in this order."""
    return rows.filter(pk__gt=pk) if order == "asc" else rows.filter(pk__lt=pk)


def upsert(row: ThreadItem) -> None:
    """Insert in one statement; a row of the same thread and id keeps its place and its time."""
    connection = connections[router.db_for_write(ThreadItem)]
    unique = ["thread", "item_id"] if connection.features.supports_update_conflicts_with_target else None
    ThreadItem.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=unique, update_fields=["type", "data", "text"]
    )


def refuse_second_answer(row: ThreadItem, context: ChatKitContext) -> None:
    """A tool call or question is answered once, be it by the same words: raises NotPending."""
    if row.type not in ThreadItem.ANSWERABLE_TYPES:
        return
    stored = ThreadItem.objects.filter(thread_id=row.thread_id, item_id=row.item_id).first()
    if stored is None:
        return
    before = to_item(stored, context)
    if before is not None and getattr(before, "status", "pending") != "pending":
        context.too_late = True
        raise NotPending


def to_item(row: ThreadItem, context: ChatKitContext) -> types.ThreadItem | None:
    """The SDK's item; None, and an error in the log, for one that this SDK cannot read."""
    try:
        return for_reading(load_item(row.data, row.created_at), context)
    except ValidationError as error:
        logger.error("Item %s cannot be read: %d errors", row.item_id, error.error_count())
        return None
