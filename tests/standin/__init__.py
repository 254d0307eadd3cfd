"""A stand-in for OpenAI's ``<openai-chatkit>``: see README.md. Imports nothing but the standard library."""

from pathlib import Path

HERE = Path(__file__).resolve().parent

SOURCES = tuple(
    HERE / "src" / f"{name}.js"
    for name in (
        "dom",
        "icons",
        "style",
        "options",
        "events",
        "strict",
        "wire",
        "api",
        "thread",
        "turn",
        "markdown",
        "entities",
        "widgets",
        "items",
        "questions",
        "editor",
        "uploads",
        "composer",
        "panels",
        "app",
        "element",
    )
)
"""The parts of the script, in the order in which they need each other."""

PROLOGUE = """// A stand-in for ChatKit's element, for offline use. Nothing in it is OpenAI's.
(() => {
"use strict";
if (document.currentScript === null) {
  throw new Error("Unable to determine the ChatKit frame URL: load this file as a classic script.");
}
"""


def script() -> str:
    """The whole stand-in as one classic script, to be served as ``text/javascript``."""
    return PROLOGUE + "\n".join(source.read_text(encoding="utf-8") for source in SOURCES) + "\n})();\n"
