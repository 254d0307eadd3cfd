"""Writes src/events.js from the types of openai-chatkit: ``python -m tests.standin.events``."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from chatkit import types, widgets

TARGET = Path(__file__).resolve().parent / "src" / "events.js"

HEADER = """// Made from openai-chatkit's own types by `python -m tests.standin.events`; not to be edited.
// What the element needs and pydantic calls optional is required here, and unknown keys are not allowed.
"""

NEEDED = {
    "AssistantMessageContent": ["annotations", "text", "type"],
    "UserMessageItem": ["attachments"],
    "ItemPage": ["data", "has_more"],
    "Thread": ["status"],
}
"""What the element cannot do without, though the SDK's schema lets it be absent."""

NOISE = {"title", "description", "default", "discriminator", "deprecated"}


def schema() -> dict[str, Any]:
    """One JSON Schema for events, items and threads, as small as the checks of the stand-in need it."""
    adapters = [
        ("event", "serialization", TypeAdapter(types.ThreadStreamEvent)),
        ("thread", "serialization", TypeAdapter(types.Thread)),
        ("sync", "serialization", TypeAdapter(types.SyncCustomActionResponse)),
    ]
    roots, whole = TypeAdapter.json_schemas(adapters)
    defs = whole["$defs"]
    result = {name: prune(roots[name, "serialization"]) for name, _, _ in adapters}
    kept: dict[str, Any] = {}
    queue = list(references(result))
    while queue:
        name = queue.pop()
        if name not in kept:
            kept[name] = definition(name, defs[name])
            queue += references(kept[name])
    return {**result, "$defs": {short(name): each for name, each in sorted(kept.items())}}


def short(name: str) -> str:
    """Pydantic names the page of items after everything that may be in it."""
    return "ItemPage" if name.startswith("Page_") else name


def definition(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    pruned = prune(raw)
    if "properties" in pruned:
        pruned["additionalProperties"] = False
        types_ = [key for key, each in pruned["properties"].items() if key == "type" and "const" in each]
        pruned["required"] = sorted({*pruned.get("required", []), *types_, *NEEDED.get(short(name), [])})
    return pruned


def prune(node: Any) -> Any:
    if isinstance(node, list):
        return [prune(each) for each in node]
    if not isinstance(node, dict):
        return node
    if is_widget(node):
        return {}  # Widgets are judged where they are drawn.
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    return {
        key: {name: prune(each) for name, each in value.items()} if key == "properties" else prune(value)
        for key, value in node.items()
        if key not in NOISE
    }


def is_widget(node: dict[str, Any]) -> bool:
    """A reference to a widget, or a choice between widgets."""
    if "$ref" in node:
        return is_widget_name(node["$ref"].split("/")[-1])
    choices = node.get("anyOf") or node.get("oneOf") or []
    return bool(choices) and any("$ref" in each and is_widget(each) for each in choices)


def is_widget_name(name: str) -> bool:
    return hasattr(widgets, name) or name.startswith("DynamicWidget")


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for each in node for name in references(each)]
    if not isinstance(node, dict):
        return []
    here = [node["$ref"].split("/")[-1]] if isinstance(node.get("$ref"), str) else []
    return here + [name for each in node.values() for name in references(each)]


def source() -> str:
    whole = schema()
    defs = "".join(
        f"    {json.dumps(name)}: {json.dumps(each)},\n" for name, each in whole.pop("$defs").items()
    )
    roots = "".join(f"  {name}: {json.dumps(each)},\n" for name, each in whole.items())
    page = next(name for name in TypeAdapter(types.Thread).json_schema()["$defs"] if name.startswith("Page_"))
    text = f"{HEADER}\nconst WIRE_SCHEMA = {{\n{roots}  $defs: {{\n{defs}  }},\n}};\n"
    return text.replace(page, short(page))


if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")
