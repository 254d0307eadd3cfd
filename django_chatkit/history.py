"""What was said before: the newest items of a thread, and what a model's API takes of them."""

from __future__ import annotations

from .context import ChatKitContext
from .models import is_aside
from .sdk import types
from .store import MAX_PAGE_SIZE, DjangoStore


async def load_history(
    store: DjangoStore, thread_id: str, limit: int, context: ChatKitContext
) -> list[types.ThreadItem]:
    """The newest items in their order; where older ones are left out, the rest begins with what the
    person said, as some providers demand."""
    items: list[types.ThreadItem] = []
    page: types.Page[types.ThreadItem] = types.Page(has_more=True)
    while page.has_more and (room := limit - len(items)) > 0:
        page = await store.load_thread_items(thread_id, page.after, min(room, MAX_PAGE_SIZE), "desc", context)
        items += page.data
    items = [item for item in reversed(items) if not is_aside(item.id)]
    return from_first_user_message(items) if page.has_more else items


def from_first_user_message(items: list[types.ThreadItem]) -> list[types.ThreadItem]:
    starts = (place for place, item in enumerate(items) if isinstance(item, types.UserMessageItem))
    return items[next(starts, 0) :]


def to_messages(items: list[types.ThreadItem], until: str) -> list[dict[str, str]]:
    """What both sides said before an item, as ``{"role": "user", "content": "…"}``."""
    messages = []
    for item in items:
        if item.id == until:
            break
        if isinstance(item, types.UserMessageItem | types.AssistantMessageItem):
            role = "user" if isinstance(item, types.UserMessageItem) else "assistant"
            content = "".join(part.text for part in item.content)
            messages += [{"role": role, "content": content}] if content else []
    return messages
