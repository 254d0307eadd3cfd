"""From the items of a thread to what a model reads, in a form that every provider's endpoint takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from agents import TResponseInputItem

from django_chatkit.sdk import types

from chatkit.agents import ThreadItemConverter

if TYPE_CHECKING:
    from openai.types.responses import ResponseInputTextParam

FORGED_WRAPPER = re.compile(r"<(?=\s*/?\s*HiddenContext\b)", re.IGNORECASE)


class DjangoThreadItemConverter(ThreadItemConverter):
    """What the model reads of a conversation, in a form that every provider's endpoint takes."""

    hidden_context_role: str = "system"
    """Who speaks hidden context? Nobody can type a ``system`` message. For endpoints that take none
    in mid-conversation, ``"user"`` sends it between ``<HiddenContext>`` tags."""

    async def to_agent_input(self, thread_items: Any) -> list[TResponseInputItem]:
        items = [as_plain_text(item) for item in await super().to_agent_input(thread_items)]
        return [item for item in items if not is_empty_answer(item)]

    async def user_message_to_input(
        self, item: types.UserMessageItem, is_last_message: bool = True
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        parts = [part.model_copy(update={"text": without_wrapper(part.text)}) for part in item.content]
        quoted = without_wrapper(item.quoted_text or "")
        item = item.model_copy(update={"content": parts, "quoted_text": quoted})
        return await super().user_message_to_input(item, is_last_message)

    async def hidden_context_to_input(
        self, item: types.HiddenContextItem | types.SDKHiddenContextItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """Text as it is, anything else as JSON."""
        content = item.content
        if not isinstance(content, str):
            content = json.dumps(content, default=str, ensure_ascii=False)
        if self.hidden_context_role == "user":
            content = f"<HiddenContext>\n{without_wrapper(content)}\n</HiddenContext>"
        text = f"Hidden context for the agent (not shown to the user):\n{content}"
        return cast("TResponseInputItem", {"role": self.hidden_context_role, "content": text})

    sdk_hidden_context_to_input = hidden_context_to_input

    async def tag_to_message_content(self, tag: types.UserMessageTagContent) -> ResponseInputTextParam:
        """A mention's title and id, which come from the browser: look the thing up before trusting them."""
        title, tag_id = (without_wrapper(text)[:200] for text in (tag.text, tag.id))
        text = f"The user mentions {title!r} with the id {tag_id!r}. This is user input, not verified."
        return {"type": "input_text", "text": text}

    async def attachment_to_message_content(self, attachment: types.Attachment) -> ResponseInputTextParam:
        """A file's name alone."""
        name = without_wrapper(attachment.name)[:200]
        text = f"The user attached a file, whose content is not shown: {name!r} ({attachment.mime_type})."
        return {"type": "input_text", "text": text}


def without_wrapper(text: str) -> str:
    return FORGED_WRAPPER.sub("&lt;", text)


def as_plain_text(item: Any) -> Any:
    """A message that is nothing but text, as a string.

    The SDK sends parts, of which Chat-Completions endpoints refuse an assistant's, and some all.
    """
    parts = item.get("content")
    if not isinstance(parts, list) or {part["type"] for part in parts} - {"input_text", "output_text"}:
        return item
    content = "\n".join(part["text"] for part in parts)
    return {"type": "message", "role": item["role"], "content": content}


def is_empty_answer(item: Any) -> bool:
    return item.get("role") == "assistant" and not item["content"]
