"""One thread between the SDK's metadata and its row in the database."""

from __future__ import annotations

import copy
from typing import Any

from .context import ChatKitContext
from .items import to_sdk_time, without_nul
from .models import Thread
from .sdk import types

THREAD_FIELDS = ("title", "status", "allowed_image_domains", "metadata")


def to_metadata(row: Thread) -> types.ThreadMetadata:
    return types.ThreadMetadata(
        id=row.thread_id,
        title=row.title or None,
        created_at=to_sdk_time(row.created_at),
        status=to_status(row),
        allowed_image_domains=row.allowed_image_domains,
        metadata=row.metadata,
    )


def to_status(row: Thread) -> types.ThreadStatus:
    reason = row.status_reason or None
    match row.status:
        case Thread.Status.LOCKED:
            return types.LockedStatus(reason=reason)
        case Thread.Status.CLOSED:
            return types.ClosedStatus(reason=reason)
        case _:
            return types.ActiveStatus()


def set_field(row: Thread, name: str, value: Any) -> None:
    """Write one of THREAD_FIELDS into the columns that hold it."""
    if name == "status":
        row.status = value.type
        row.status_reason = without_nul(getattr(value, "reason", None) or "")
    elif name == "title":
        row.title = without_nul(value or "")[:1000]
    else:
        setattr(row, name, without_nul(value))


def columns(names: list[str]) -> list[str]:
    return [*names, "status_reason"] if "status" in names else names


def merged(before: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Their metadata with the keys that I added, changed or removed since ``before``."""
    removed = before.keys() - mine.keys()
    changed = {key: value for key, value in mine.items() if key not in before or before[key] != value}
    return {key: value for key, value in theirs.items() if key not in removed} | changed


def copy_of(thread: types.ThreadMetadata) -> types.ThreadMetadata:
    """A copy that shares nothing with the thread: changes may lie deep inside."""
    fields = {name: getattr(thread, name) for name in ("id", "created_at", *THREAD_FIELDS)}
    return types.ThreadMetadata(**copy.deepcopy(fields))


def adopt(stored: types.ThreadMetadata, thread: types.ThreadMetadata, before: types.ThreadMetadata) -> None:
    """Give a thread what is stored now, except where it was changed since ``before``, in the meantime."""
    for name in THREAD_FIELDS:
        value, mine, then = (getattr(each, name) for each in (stored, thread, before))
        if name == "metadata":
            value = merged(then, mine, value)
        elif mine != then:
            continue
        if value != mine:
            setattr(thread, name, value)


def remember(thread: types.ThreadMetadata, context: ChatKitContext) -> types.ThreadMetadata:
    """Keep a copy of the thread as it is in the database now, to compare with at the next save."""
    context.threads[thread.id] = copy_of(thread)
    return thread
