"""Posting into a thread from outside a request: a Celery task, a signal, a shell.

By the store's rules: ids of our own, order of insertion, searchable text, ``thread_changed``. The
site may post into a locked or closed thread: its status limits what the person sends. Nobody can
post in a person's name, and what is never stored (progress, effects) cannot be posted. A notice is kept
until it can be shown.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from . import events
from .context import ChatKitContext
from .events import Level
from .models import POSTED, Thread, ThreadItem
from .sdk import types
from .servers import servers
from .store import DjangoStore

from chatkit.store import NotFoundError

MAKERS: dict[str, Any] = {
    "assistant_message": lambda common, text, annotations: types.AssistantMessageItem(
        **common, content=[types.AssistantMessageContent(text=text, annotations=list(annotations))]
    ),
    "widget": lambda common, widget, copy_text: types.WidgetItem(
        **common, widget=widget, copy_text=copy_text or None
    ),
    "hidden_context": lambda common, content: types.HiddenContextItem(**common, content=content),
}


def create_thread(user: Any, server: str, title: str, tenant: str) -> Thread:
    """A thread of a user's, without items. Raises UnknownServer, and ValueError for nobody."""
    if user is None or user.pk is None:
        raise ValueError("A thread needs a user who is in the database.")
    context = ChatKitContext(server=server, user=user, tenant=tenant)
    context.image_domains = servers[server].get_allowed_image_domains(context)
    store = DjangoStore()
    thread = types.ThreadMetadata(
        id=store.generate_thread_id(context),
        created_at=datetime.now(),  # noqa: DTZ005  (naive local time is the SDK's own)
        title=str(title) or None,
    )
    row = store._create_thread(thread, context)
    if row is None:
        raise NotFoundError("The user of the thread is gone.")
    store._changed(row.thread_id, context)
    return row


def post(thread: Thread, kind: str, key: str, **content: Any) -> ThreadItem:
    """Store an item. Raises NotFoundError where the thread was deleted meanwhile, ValueError without text."""
    if kind == "assistant_message" and not content["text"].strip():
        raise ValueError("A message needs a text.")
    common = {
        "id": get_id(kind, key),
        "thread_id": thread.thread_id,
        "created_at": datetime.now(),  # noqa: DTZ005  (naive local time is the SDK's own)
    }
    item = MAKERS[kind](common, **content)
    DjangoStore()._put_item(thread.thread_id, item, owner_of(thread))
    return ThreadItem.objects.get(thread_id=thread.thread_id, item_id=item.id)


def post_notice(thread: Thread, message: str, level: Level, title: str) -> None:
    """Keep a notice for the next answer. Raises ValidationError, and NotFoundError without a thread."""
    DjangoStore()._put_notice(
        thread.thread_id, events.notify(message, level, title or None), owner_of(thread)
    )


def owner_of(thread: Thread) -> ChatKitContext:
    return ChatKitContext(
        server=thread.server,
        user=thread.user,
        visitor=thread.visitor if thread.user is None else "",
        tenant=thread.tenant,
    )


def get_id(kind: str, key: str) -> str:
    """The same id for the same key, in whichever thread: an id needs to be unique in its thread only."""
    digest = hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()[:32] if key else secrets.token_hex(16)
    return f"{POSTED}{digest}"
