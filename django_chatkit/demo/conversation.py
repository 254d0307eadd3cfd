"""What the demo model finds in a conversation, as the Agents SDK hands it to a model."""

from __future__ import annotations

import json
import re
from typing import Any

# What ChatKit's converter adds in the user's name is not what the user said.
ADDED = (
    "The user is referring to",
    "# User-provided context",
    "The following graphical",
    "A message was",
    "The agent made",
)
ATTACHED = re.compile(r"^The user attached the file (?P<name>.+) \((?P<type>[^()]+)\)", re.MULTILINE)
MENTIONED = re.compile(
    r"^(['\"])(?P<title>.+?)\1 has the id .*facts:\n<Mention>\n(?P<facts>.*?)\n</Mention>", re.MULTILINE
)
STRUCTURED = "A structured input request was displayed"
QUOTED = "The user is referring to this in particular: \n"
PAGE = re.compile(r"^The person looks at this page [^:]*: (?P<facts>.*)$", re.MULTILINE)


def text_of(item: dict[str, Any]) -> str:
    """What a person said; what the converter says of their files begins a part of its own."""
    text = full_text_of(item)
    file = ATTACHED.search(text)
    return text[: file.start()] if file else text


def full_text_of(item: dict[str, Any]) -> str:
    content = item.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def in_words(facts: str) -> str:
    try:
        return "; ".join(f"{name}: {value}" for name, value in json.loads(facts).items())
    except ValueError:  # it was shortened
        return facts


def question_in(items: list[Any]) -> str:
    """What the person said last."""
    said = (text_of(item).strip() for item in reversed(items) if item.get("role") == "user")
    return next((text for text in said if not text.startswith(ADDED)), "")


def called(items: list[Any], output: dict[str, Any]) -> str:
    calls = (item for item in items if item.get("type") == "function_call")
    return next((call["name"] for call in calls if call["call_id"] == output["call_id"]), "?")


def readable(output: Any) -> Any:
    """A tool's JSON with its characters as they are, and not as escapes."""
    try:
        found = json.loads(output)
    except (TypeError, ValueError):  # it is no JSON
        return output
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict | list) else output


def answers_in(text: str) -> str:
    lines = text.partition("<StructuredInput>\n")[2].partition("\n</StructuredInput>")[0]
    return lines.removeprefix("- ").replace("\n- ", "; ")


def is_form(text: str) -> bool:
    return text.startswith(STRUCTURED)


def attached_in(text: str) -> list[tuple[str, str]]:
    """Names and types of files."""
    return ATTACHED.findall(text)


def mentioned_in(text: str) -> list[tuple[str, str, str]]:
    """Each mention's quotation mark, title, and facts."""
    return MENTIONED.findall(text)


def quoted_in(text: str) -> str:
    return text.removeprefix(QUOTED) if text.startswith(QUOTED) else ""


def page_in(items: list[Any]) -> str:
    """What is known of the page that the person looks at."""
    hidden = [full_text_of(item) for item in items if item.get("role") == "system"]
    return next((found["facts"] for text in hidden if (found := PAGE.search(text))), "")
