"""How the demo model finds a tool for a question: by the words in its name, with arguments from the text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from agents import FunctionTool, Tool

# Words in a tool's name that say nothing about its subject.
FILLERS = {
    "get",
    "list",
    "show",
    "find",
    "fetch",
    "search",
    "look",
    "up",
    "my",
    "the",
    "a",
    "of",
    "by",
    "for",
}
# These are asked for by commands; names in them would catch ordinary sentences.
OWN_TOOLS = {
    "show_widget",
    "show_progress",
    "show_notice",
    "name_sources",
    "image_generation",
    "clear_shelf",
    "show_form",
    "show_counter",
    "demo_tool",
    "ask_person",
    "choose",
    "hide_note",
    "set_status",
    "set_metadata",
}


@dataclass
class Call:
    """A call of one of the agent's tools."""

    name: str
    arguments: str = "{}"


def find_tool(question: str, tools: list[Tool]) -> Call | None:
    """The tool whose name's words occur best in the question, if its arguments do as well."""
    said = stems(question)
    best: tuple[tuple[bool, float, int], Call] | None = None
    for tool in tools:
        if not isinstance(tool, FunctionTool) or tool.name in OWN_TOOLS:
            continue
        score = likeness(tool.name, said)
        arguments = find_arguments(question, tool)
        if score < 0.5 or arguments is None:
            continue
        rank = (has_number(arguments), score, len(arguments))
        if best is None or rank > best[0]:
            best = rank, Call(tool.name, json.dumps(arguments))
    return best[1] if best else None


def stems(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[^\W\d_]+", text.lower())}


def likeness(name: str, said: set[str]) -> float:
    """The part of a name's meaningful words that was said."""
    words = set(name.lower().split("_"))
    meaningful = {word.rstrip("s") for word in words - FILLERS or words}
    return len(meaningful & said) / len(meaningful)


def find_arguments(question: str, tool: FunctionTool) -> dict[str, Any] | None:
    """An argument for each parameter; None where the question does not hold one that is needed."""
    numbers = re.findall(r"\d+", question)
    arguments: dict[str, Any] = {}
    for name, schema in tool.params_json_schema.get("properties", {}).items():
        value = find_value(question, tool.name, schema, numbers)
        if value is None and not is_optional(schema):
            return None
        arguments[name] = value
    return arguments


def has_number(arguments: dict[str, Any]) -> bool:
    return any(type(value) is int for value in arguments.values())


def find_value(question: str, tool_name: str, schema: dict[str, Any], numbers: list[str]) -> Any:
    kinds = {schema.get("type"), *(kind.get("type") for kind in schema.get("anyOf", ()))}
    if "enum" in schema:
        return next((choice for choice in schema["enum"] if str(choice).lower() in question.lower()), None)
    if kinds & {"integer", "number"}:
        return int(numbers.pop(0)) if numbers else None
    if "boolean" in kinds:
        return True
    return find_text(question, tool_name) if "string" in kinds and "null" not in kinds else None


def find_text(question: str, tool_name: str) -> str | None:
    """What stands in quotes, or else the last word that is not one of the tool's name."""
    if quoted := re.search(r"[\"“'](.+?)[\"”']", question):
        return quoted.group(1)
    named = {word.rstrip("s") for word in tool_name.lower().split("_")}
    words = [word for word in re.findall(r"[\w-]+", question) if word.lower().rstrip("s") not in named]
    return words[-1] if words else None


def is_optional(schema: dict[str, Any]) -> bool:
    return "default" in schema or any(kind.get("type") == "null" for kind in schema.get("anyOf", ()))
