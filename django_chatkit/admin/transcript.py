"""One page of a thread's transcript: the newest items first seen, each page in reading order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_chatkit.models import Thread, ThreadItem
from django_chatkit.transcript import Entry, read_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

PAGE_SIZE = 200
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Transcript:
    """Entries in reading order, and the keys at which older and newer ones begin."""

    entries: list[Entry]
    count: int
    older: int | None
    newer: int | None
    files: str = "attachments/"
    """Where the thread's files are, seen from its page; ``""`` shows their names alone."""


def get_transcript(thread: Thread, parameters: Mapping[str, str]) -> Transcript:
    """The page that ``?before=`` or ``?after=`` (an item's key) asks for; the newest one without."""
    items = ThreadItem.objects.filter(thread_id=thread.thread_id)
    items = items.select_related("feedback", "confirmation").defer("text")
    rows = get_page(items, get_key(parameters, BEFORE), get_key(parameters, AFTER))
    return Transcript(
        entries=[read_item(row) for row in rows],
        count=items.count(),
        older=rows[0].pk if rows and items.filter(pk__lt=rows[0].pk).exists() else None,
        newer=rows[-1].pk if rows and items.filter(pk__gt=rows[-1].pk).exists() else None,
    )


def get_page(items: QuerySet[ThreadItem], before: int | None, after: int | None) -> list[ThreadItem]:
    if after is not None:
        return list(items.filter(pk__gt=after).order_by("pk")[:PAGE_SIZE])
    if before is not None:
        items = items.filter(pk__lt=before)
    return list(items.order_by("-pk")[:PAGE_SIZE])[::-1]


def get_key(parameters: Mapping[str, str], name: str) -> int | None:
    value = parameters.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else None
