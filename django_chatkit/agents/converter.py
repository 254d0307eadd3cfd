"""From the items of a thread to what a model reads, in a form that every provider's endpoint takes."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, Self, cast

from agents import TResponseInputItem

from django_chatkit.attachments import ids_in
from django_chatkit.context import ChatKitContext
from django_chatkit.sdk import types

from .context import in_request_thread
from .files import as_content, load_files, newest_first

from chatkit.agents import ThreadItemConverter

if TYPE_CHECKING:
    from openai.types.responses import ResponseInputTextParam

FORGED_WRAPPER = re.compile(r"<(?=\s*/?\s*HiddenContext\b)", re.IGNORECASE)


class DjangoThreadItemConverter(ThreadItemConverter):
    """What the model reads of a conversation, in a form that every provider's endpoint takes."""

    hidden_context_role: str = "system"
    """Who speaks hidden context? Nobody can type a ``system`` message. For endpoints that take none
    in mid-conversation, ``"user"`` sends it between ``<HiddenContext>`` tags."""

    reads: tuple[str, ...] = ("picture", "pdf", "text")
    """Which files does the model take? Of all others it reads the name."""

    max_file_size: int = 10 * 1024 * 1024
    """Bytes. Of a larger file the model reads the name."""

    max_files_size: int = 20 * 1024 * 1024
    """Bytes of all files of a conversation together, the newest first."""

    max_text_length: int = 50_000
    """Characters of a text file that the model reads."""

    context: ChatKitContext | None = None
    files: dict[str, bytes] = {}

    def bound_to(self, context: ChatKitContext) -> Self:
        """A copy for one answer, which may read this person's files."""
        bound = copy.copy(self)
        bound.context = context
        return bound

    async def to_agent_input(self, thread_items: Any) -> list[TResponseInputItem]:
        attachment_ids = newest_first(thread_items if isinstance(thread_items, list) else [thread_items])
        if attachment_ids and self.context is not None:
            self.files = await in_request_thread(load_files, attachment_ids, self, self.context)
        items = [as_plain_text(item) for item in await super().to_agent_input(thread_items)]
        return [item for item in items if not is_empty_answer(item)]

    async def user_message_to_input(
        self, item: types.UserMessageItem, is_last_message: bool = True
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        parts = [part.model_copy(update={"text": without_wrapper(part.text)}) for part in item.content]
        quoted = without_wrapper(item.quoted_text or "")
        item = item.model_copy(update={"content": parts, "quoted_text": quoted})
        inputs = await super().user_message_to_input(item, is_last_message)
        return self.with_names(inputs, item.attachments) if item.attachments else inputs

    def with_names(self, inputs: Any, attachments: list[types.Attachment]) -> Any:
        """A picture or a text has no name in a message: it is told before each."""
        message, *others = inputs
        text, *files = message["content"]
        content = [text] if text["text"] else []
        for attachment, file in zip(attachments, files, strict=True):
            content += [name_of(attachment)] if attachment.id in self.files else []
            content += [file]
        return [{**message, "content": content}, *others]

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

    async def attachment_to_message_content(self, attachment: types.Attachment) -> Any:
        """The file itself, where the model reads such files, or else its name."""
        content = self.files.get(attachment.id)
        if content is None:
            return name_of(attachment, ", whose content is not shown")
        return as_content(attachment.name, attachment.mime_type, content, self.max_text_length)

    async def generated_image_to_input(self, item: types.GeneratedImageItem) -> Any:
        """The picture itself: the model's provider could not read our address of it."""
        ours = ids_in(item)
        if not ours:
            return await super().generated_image_to_input(item)
        content: list[Any] = [{"type": "input_text", "text": "The agent made this picture."}]
        if picture := self.files.get(ours[0]):
            content.append(as_content("", "image/png", picture, 0))
        return {"type": "message", "role": "user", "content": content}


def name_of(attachment: types.Attachment, more: str = "") -> ResponseInputTextParam:
    name = without_wrapper(attachment.name)[:200]
    text = f"The user attached the file {name!r} ({attachment.mime_type}){more}."
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
