"""One stored item as an entry of a transcript."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.text import capfirst

from django_chatkit.models import ThreadItem

from .readers import READERS
from .text import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]


@dataclass(frozen=True)
class Entry:
    """One item, with what the template of its kind needs."""

    item: ThreadItem
    kind: str
    content: JSON

    @property
    def template(self) -> str:
        return f"django_chatkit/admin/items/{self.kind}.html"

    @property
    def is_hidden(self) -> bool:
        return self.item.type in ThreadItem.HIDDEN_TYPES

    @property
    def label(self) -> str:
        """The type for people; one that nobody here has heard of stays as it is."""
        return capfirst(self.item.get_type_display()) if self.item.type in READERS else self.item.type


def read_item(item: ThreadItem) -> Entry:
    """The entry of an item. Never raises: what cannot be read is shown raw, and its neighbours as ever."""
    try:
        return Entry(item, item.type, READERS[item.type](json.loads(item.data)))
    except Exception:
        return Entry(item, "unknown", {"json": raw(item.data)})
