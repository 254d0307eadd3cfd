"""More than text: ChatKit's events for progress, notices and effects, and the thread's state, one call each.

``yield`` what these functions return from ``respond()``, ``action()`` or ``reply()``. The tools of
an agent have the same as methods of their context: ``await ctx.context.progress("Looking …")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from .questions import Question, make_form
from .sdk import types
from .store import new_id

Level = Literal["info", "warning", "danger"]
Source = types.URLSource | types.FileSource | types.EntitySource | Mapping[str, Any]
"""Where something comes from: an address, a file, or a mention of a model's object."""


def progress(text: str, icon: Any = None) -> types.ProgressUpdateEvent:
    """What is being done now. The next piece of the answer takes its place; it is never stored."""
    return types.ProgressUpdateEvent(text=str(text), icon=icon)


def notify(message: str, level: Level = "info", title: str | None = None) -> types.NoticeEvent:
    """A message above the composer, in Markdown. It is never stored: a reload forgets it."""
    return types.NoticeEvent(message=str(message), level=level, title=title if title is None else str(title))


def effect(name: str, data: Mapping[str, Any] | None = None) -> types.ClientEffectEvent:
    """Let the page do something: its ``chatkit.effect`` event has this name and these data."""
    return types.ClientEffectEvent(name=name, data=dict(data or {}))


def cite(source: Source) -> types.Annotation:
    """A source of the text before it, which the page shows with the text: a source of ``chatkit.types``, or
    what ``OrderEntity.mention(order, context)`` gives."""
    if isinstance(source, Mapping):
        named = {name: source[name] for name in ("id", "data", "group", "interactive") if name in source}
        source = types.EntitySource(title=source["text"], **named)
    return types.Annotation(source=source)


def remember(thread: types.ThreadMetadata, content: Any) -> types.ThreadItemDoneEvent:
    """Store text or JSON that the model reads from now on, and the browser never gets."""
    return types.ThreadItemDoneEvent(item=types.HiddenContextItem(**new_item(thread), content=content))


def show(
    thread: types.ThreadMetadata, widget: Any, copy_text: str | None = None
) -> types.ThreadItemDoneEvent:
    """Store and show a widget: one of ``chatkit.widgets``, or its JSON as a dict."""
    item = types.WidgetItem(**new_item(thread), widget=as_read_back(widget), copy_text=copy_text)
    return types.ThreadItemDoneEvent(item=item)


def as_read_back(widget: Any) -> Any:
    """A widget as its JSON: the SDK then fills in the same defaults now as after a reload."""
    return widget.model_dump(exclude_none=True) if isinstance(widget, BaseModel) else widget


def ask(thread: types.ThreadMetadata, *questions: str | Question) -> types.ThreadItemDoneEvent:
    """Put questions to the person: a text, a ``questions.Choice``, or several. Yield it last.

    The answers come with the next request: ``respond()`` is called without a message then.
    """
    return types.ThreadItemDoneEvent(item=make_form(new_item(thread), questions))


def lock(thread: types.ThreadMetadata, reason: str = "") -> None:
    """Let the person read, but not write. Told to the page with the next event, and stored."""
    thread.status = types.LockedStatus(reason=str(reason) or None)


def close(thread: types.ThreadMetadata, reason: str = "") -> None:
    """End the conversation: a banner stands in the composer's place."""
    thread.status = types.ClosedStatus(reason=str(reason) or None)


def reopen(thread: types.ThreadMetadata) -> None:
    """Let the person write again."""
    thread.status = types.ActiveStatus()


def new_item(thread: types.ThreadMetadata, kind: Any = "message") -> dict[str, Any]:
    """Id, thread and time of a new item."""
    return {
        "id": new_id(kind),
        "thread_id": thread.id,
        "created_at": datetime.now(),  # noqa: DTZ005  (naive local time is the SDK's own)
    }
