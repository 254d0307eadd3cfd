"""A widget as an outline: what its components say and do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .markdown import is_web_link
from .text import clip, pretty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]
MAX_PROPERTY = 200
MAX_DEPTH = 20
MAX_COMPONENTS = 400


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
