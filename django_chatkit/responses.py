"""What the SDK answers, made fit for the browser."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .items import HIDDEN, to_utc
from .sdk import types


def for_the_wire(obj: Any) -> Any:
    """A copy whose times name their zone: the SDK's are naive, which a browser takes for its own."""
    if isinstance(obj, types.ThreadItemUpdatedEvent):  # nearly all of an answer, without such a time
        return obj
    if isinstance(obj, types.SyncCustomActionResponse) and isinstance(obj.updated_item, HIDDEN):
        return types.SyncCustomActionResponse()
    if isinstance(obj, types.Page):
        return obj.model_copy(update={"data": [with_offset(part) for part in obj.data]})
    parts = {
        name: with_offset(part)
        for name in ("item", "thread", "updated_item")
        if (part := getattr(obj, name, None)) is not None
    }
    return with_offset(obj.model_copy(update=parts) if parts else obj)


def with_offset(obj: Any) -> Any:
    if not isinstance(getattr(obj, "created_at", None), datetime):
        return obj
    changes: dict[str, Any] = {"created_at": to_utc(obj.created_at)}
    if isinstance(obj, types.Thread):
        changes["items"] = for_the_wire(obj.items)
    return obj.model_copy(update=changes)
