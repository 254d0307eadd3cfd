"""One thread item between the SDK's object, its JSON in the database, and the text that a search finds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from .sdk import types

HIDDEN = (types.HiddenContextItem, types.SDKHiddenContextItem)
"""What the model reads, and the browser never gets."""

ITEM: TypeAdapter[types.ThreadItem] = TypeAdapter(types.ThreadItem)
SURROGATE = re.compile(r"[\ud800-\udfff]")
ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
REPLACEMENT = "\ufffd"

WIDGET_TEXT_KEYS = ("title", "subtitle", "value", "label", "text", "alt")


def dump_item(item: types.ThreadItem, thread_id: str) -> str:
    """The SDK's own JSON of an item, made to belong to this thread, with its time in UTC."""
    copy = item.model_copy(update={"thread_id": thread_id, "created_at": to_utc(item.created_at)})
    try:
        json = copy.model_dump_json()
    except PydanticSerializationError:  # a lone surrogate somewhere: not text in any encoding
        json = ITEM.validate_python(without_nul(copy.model_dump())).model_dump_json()
    return ESCAPED_NUL.sub(r"\1\\ufffd", json)


def load_item(data: str, created_at: datetime) -> types.ThreadItem:
    """The item back. Raises pydantic's ValidationError where the SDK no longer knows such an item."""
    item = ITEM.validate_json(data)
    item.created_at = to_sdk_time(created_at)
    return item


def to_utc(moment: datetime) -> datetime:
    """A naive time is the SDK's ``datetime.now()``: local time of this process."""
    return moment.astimezone(UTC)


def to_sdk_time(moment: datetime) -> datetime:
    """Naive local time: the SDK subtracts stored times from its own naive ``datetime.now()``."""
    # Not astimezone(), which forgets which of the two hours it is when the clock is set back.
    return datetime.fromtimestamp(moment.timestamp())  # noqa: DTZ006


def without_nul(value: Any) -> Any:
    """The value with U+FFFD for what PostgreSQL cannot hold: NUL characters and lone surrogates."""
    if isinstance(value, str):
        return SURROGATE.sub(REPLACEMENT, value.replace("\0", REPLACEMENT))
    if isinstance(value, dict):
        return {without_nul(key): without_nul(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(part) for part in value]
    return None if isinstance(value, float) and not is_finite(value) else value


def is_finite(number: float) -> bool:
    return number == number and abs(number) != float("inf")


def searchable_text(item: types.ThreadItem) -> str:
    """What a person would look for: the words of an item, without its markup."""
    return str(without_nul("\n".join(part for part in words(item) if part)))


def words(item: types.ThreadItem) -> list[str]:
    match item:
        case types.UserMessageItem():
            return [*(part.text for part in item.content), item.quoted_text or ""]
        case types.AssistantMessageItem():
            return [part.text for part in item.content]
        case types.ClientToolCallItem():
            return [item.name]
        case types.WidgetItem():
            return [item.copy_text] if item.copy_text else texts(item.widget.model_dump(exclude_none=True))
        case types.StructuredInputItem():
            return [text for question in item.inputs for text in question_words(question)]
        case types.WorkflowItem():
            return [text for task in item.workflow.tasks for text in task_words(task)]
        case types.TaskItem():
            return task_words(item.task)
        case types.HiddenContextItem() | types.SDKHiddenContextItem():
            return [item.content] if isinstance(item.content, str) else []
        case _:
            return []


def question_words(question: types.StructuredInput) -> list[str]:
    return [question.question, *(question.answer.values if question.answer else [])]


def task_words(task: types.Task) -> list[str]:
    return [getattr(task, "title", None) or "", getattr(task, "content", None) or ""]


def texts(node: Any) -> list[str]:
    """Every piece of text in a widget's tree, in its order."""
    if isinstance(node, list):
        return [text for child in node for text in texts(child)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in WIDGET_TEXT_KEYS if isinstance(node.get(key), str)]
    return own + [text for child in node.values() if isinstance(child, dict | list) for text in texts(child)]
