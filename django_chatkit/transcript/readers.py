"""What there is to read in each type of item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _, ngettext

from django_chatkit.signing import REFERENCE

from .markdown import is_web_link, render_markdown
from .text import clip, pretty
from .widgets import read_widget

if TYPE_CHECKING:
    from collections.abc import Callable

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]


def read_user_message(data: JSON) -> JSON:
    options = data.get("inference_options") or {}
    return {
        "parts": [read_part(part) for part in data["content"]],
        "quoted_text": clip(data.get("quoted_text")),
        "attachments": [read_attachment(attachment) for attachment in data.get("attachments") or []],
        "model": clip(options.get("model")),
        "tool": clip((options.get("tool_choice") or {}).get("id")),
    }


def read_part(part: JSON) -> JSON:
    """Text, or a mention, whose id says what the person meant."""
    return {"text": clip(part["text"]), "type": part["type"], "id": clip(part.get("id"))}


def read_attachment(attachment: JSON) -> JSON:
    return {key: clip(attachment.get(key)) for key in ("id", "name", "mime_type")}


def read_assistant_message(data: JSON) -> JSON:
    return {"parts": [read_answer_part(part) for part in data["content"]]}


def read_answer_part(part: JSON) -> JSON:
    annotations = part.get("annotations") or []
    return {
        "html": render_markdown(part["text"]),
        "sources": [read_source(annotation["source"]) for annotation in annotations],
    }


def read_source(source: JSON) -> JSON:
    """A source by name; a link only where it leads to the web."""
    url = clip(source.get("url"))
    details = [source.get(key) for key in ("filename", "attribution", "description", "timestamp", "group")]
    return {
        "title": clip(source.get("title")) or url,
        "url": url if is_web_link(url) else "",
        "details": [clip(detail) for detail in [*details, "" if is_web_link(url) else url] if detail],
    }


def read_client_tool_call(data: JSON) -> JSON:
    pending = data["status"] == "pending"
    return {
        "name": clip(data["name"]),
        "pending": pending,
        "arguments": pretty(data["arguments"]),
        "output": "" if pending else pretty(data.get("output")),
    }


def read_generated_image(data: JSON) -> JSON:
    """Linked and never loaded: the picture may be anybody's, or megabytes in a data: address."""
    url = (data["image"] or {}).get("url", "")
    ours = clip(url.removeprefix(REFERENCE)) if url.startswith(REFERENCE) else ""
    return {
        "id": ours,
        "url": clip(url) if is_web_link(url) else "",
        "is_embedded": bool(url),
        "size": len(url),
    }


def read_structured_input(data: JSON) -> JSON:
    questions = [read_question(question) for question in data["inputs"]]
    return {"status": clip(data["status"]), "questions": questions}


def read_question(question: JSON) -> JSON:
    answer = question.get("answer") or {}
    return {
        "question": clip(question["question"]),
        "description": clip(question.get("description")),
        "options": [clip(option["value"]) for option in question.get("options") or []],
        "answers": [clip(value) for value in answer.get("values") or []],
        "is_skipped": bool(answer.get("skipped")),
    }


def read_workflow(data: JSON) -> JSON:
    workflow = data["workflow"]
    return {
        "is_reasoning": workflow["type"] == "reasoning",
        "summary": read_summary(workflow.get("summary") or {}),
        "tasks": [read_task(task) for task in workflow["tasks"]],
    }


def read_summary(summary: JSON) -> str:
    if "duration" not in summary:
        return clip(summary.get("title"))
    seconds = int(summary["duration"])
    return ngettext("Thought for %d second", "Thought for %d seconds", seconds) % seconds


def read_task_item(data: JSON) -> JSON:
    return {"task": read_task(data["task"])}


def read_task(task: JSON) -> JSON:
    return {
        "type": TASK_TYPES.get(task["type"]) or clip(task["type"]),
        "title": clip(task.get("title")) or clip(task.get("title_query")),
        "html": render_markdown(task["content"]) if task.get("content") else "",
        "queries": [clip(query) for query in task.get("queries") or []],
        "sources": [read_source(source) for source in task.get("sources") or []],
        "status": clip(task.get("status_indicator")),
    }


TASK_TYPES = {
    "custom": _("Task"),
    "web_search": _("Web search"),
    "thought": _("Thought"),
    "file": _("Files"),
    "image": _("Image"),
}


def read_hidden_context(data: JSON) -> JSON:
    content = data["content"]
    return {"text": clip(content)} if isinstance(content, str) else {"json": pretty(content)}


def read_end_of_turn(data: JSON) -> JSON:
    return {}


READERS: dict[str, Reader] = {
    "user_message": read_user_message,
    "assistant_message": read_assistant_message,
    "client_tool_call": read_client_tool_call,
    "widget": read_widget,
    "generated_image": read_generated_image,
    "structured_input": read_structured_input,
    "workflow": read_workflow,
    "task": read_task_item,
    "hidden_context_item": read_hidden_context,
    "sdk_hidden_context": read_hidden_context,
    "end_of_turn": read_end_of_turn,
}
