"""What a person reads of a thread: its stored items as entries of a transcript, safe to show.

This works on the stored JSON and not on the SDK's types: importing the admin stays light, and an item
that today's SDK refuses can still be read. A reader takes an item's JSON and raises whatever it likes
where that is not what the SDK writes; the item is then shown as it lies in the database.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _, ngettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from .models import ThreadItem
from .signing import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from markdown_it.rules_core import StateCore

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]

MAX_TEXT = 50_000
MAX_PROPERTY = 200
MAX_DEPTH = 20
MAX_COMPONENTS = 400
HEADING_OFFSET = 3


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


# Text


def clip(value: str | None) -> str:
    """Text that can be encoded, up to MAX_TEXT characters. Raises TypeError for anything but text."""
    if not isinstance(value, str | None):
        raise TypeError(type(value))
    text = (value or "").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + shortened(len(text) - MAX_TEXT)


def shortened(left_out: int) -> str:
    message = ngettext(" … (%d more character)", " … (%d more characters)", left_out)
    return message % left_out


def pretty(value: Any) -> str:
    return clip(json.dumps(value, indent=2, ensure_ascii=False))


def raw(data: str) -> str:
    """Indented where it is JSON; otherwise as it is."""
    try:
        return pretty(json.loads(data))
    except (ValueError, RecursionError):
        return clip(data)


# Links and markdown


def is_web_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


class SafeMarkdown(MarkdownIt):
    """CommonMark with tables, without raw HTML, and with links to the web and to mail addresses only."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.enable(["table", "strikethrough"])
        self.core.ruler.push("tame", tame)

    def validateLink(self, url: str) -> bool:
        return is_web_link(url) or url.lower().startswith("mailto:")


def tame(state: StateCore) -> None:
    """Fit the tokens into a page: headings below ours, no style attributes (CSP), no loaded images."""
    for token in state.tokens:
        if token.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADING_OFFSET)}"
        if style := token.attrs.pop("style", ""):
            token.attrs["class"] = "chatkit-" + str(style).replace("text-align:", "align-")
        if token.children:
            token.children = list(tame_inline(token.children))


def tame_inline(tokens: list[Token]) -> Iterator[Token]:
    """The tokens with every image replaced by a link to it, or by its text within another link."""
    inside_link = False
    for token in tokens:
        if token.type == "image":
            yield from image_as_link(token, inside_link)
            continue
        if token.type in ("link_open", "link_close"):
            inside_link = token.type == "link_open"
            if inside_link:
                token.attrs["rel"] = LINK_REL
        yield token


def image_as_link(image: Token, inside_link: bool) -> Iterator[Token]:
    alt = "".join(child.content for child in image.children or ())
    text = Token("text", "", 0, content=gettext("Image: %s") % (alt or image.attrs["src"]))
    if inside_link:
        yield text
        return
    yield Token("link_open", "a", 1, attrs={"href": image.attrs["src"], "rel": LINK_REL})
    yield text
    yield Token("link_close", "a", -1)


LINK_REL = "noopener noreferrer nofollow"


@cache
def get_markdown() -> SafeMarkdown:
    return SafeMarkdown()


def render_markdown(text: str | None) -> SafeString:
    # Safe by construction: the parser escapes HTML, and `tame` and `validateLink` see to the rest.
    html: str = get_markdown().render(clip(text))
    return mark_safe(html)  # noqa: S308


# The readers of items


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


# Widgets


def read_widget(data: JSON) -> JSON:
    widget = data["widget"]
    outline = read_component(widget)
    if count_components(outline) > MAX_COMPONENTS:
        raise ValueError("too large for an outline")
    return {"root": outline, "copy_text": clip(data.get("copy_text")), "json": pretty(widget)}


def read_component(node: JSON, depth: int = 0) -> JSON:
    """What a component says and does, and its children; how it looks is left out."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep for an outline")
    children = node.get("children") or []
    src = node.get("src", "")
    properties = [key for key in COMPONENT_PROPERTIES if key != "src" or not is_web_link(src)]
    return {
        "type": clip(node["type"]),
        "words": [text for _key, text in scalars(node, COMPONENT_WORDS)],
        "properties": [(key, text[:MAX_PROPERTY]) for key, text in scalars(node, properties)],
        "status": clip((node.get("status") or {}).get("text")),
        "link": src if is_web_link(src) else "",
        "options": [clip(option.get("label") or option["value"]) for option in node.get("options") or []],
        "actions": list(read_actions(node)),
        "children": [
            read_component(child, depth + 1)
            for child in (children if isinstance(children, list) else [children])
        ],
    }


COMPONENT_WORDS = ("title", "subtitle", "label", "value", "text", "alt")
COMPONENT_PROPERTIES = ("name", "fieldName", "placeholder", "defaultValue", "defaultChecked", "src")


def read_actions(node: JSON) -> Iterator[JSON]:
    """What a click, a change or a submission sends to the server."""
    for key, value in node.items():
        if key in ("confirm", "cancel"):
            yield read_action(clip(value["label"]), value["action"])
        elif key.endswith("Action") and value:
            yield read_action(key.removeprefix("on").removesuffix("Action").lower(), value)


def read_action(event: str, action: JSON) -> JSON:
    payload = action.get("payload")
    return {"event": event, "type": clip(action["type"]), "payload": pretty(payload) if payload else ""}


def scalars(node: JSON, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those of the keys that hold text or a number."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, str | int | float) and value != "":
            yield key, clip(value) if isinstance(value, str) else json.dumps(value)


def count_components(component: JSON) -> int:
    return 1 + sum(count_components(child) for child in component["children"])


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
