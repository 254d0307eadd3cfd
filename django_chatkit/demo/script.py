"""What the demo model says: from the words and commands in a conversation to the steps of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents import Tool
from django.utils.translation import gettext as _, gettext_noop

from .conversation import (
    answers_in,
    attached_in,
    called,
    full_text_of,
    in_words,
    is_form,
    mentioned_in,
    page_in,
    question_in,
    quoted_in,
    readable,
    text_of,
)
from .matching import OWN_TOOLS, Call, find_tool
from .picture import drafts
from .steps import Draw, Fail, Say, Step, Think

MAX_PIECES = 10_000
MAX_MILLISECONDS = 60_000


def write_answer(items: list[Any], tools: list[Tool]) -> list[Step]:
    """The steps of the answer to a conversation, as the Agents SDK hands it to a model."""
    page = page_in(items)
    items = [item for item in items if item.get("role") not in ("system", "developer")]
    last: dict[str, Any] = items[-1] if items else {}
    if last.get("type") == "function_call_output":
        output = readable(last["output"])
        return [say(_("The tool {name} says: {output}"), name=called(items, last), output=output)]
    question = question_in(items)
    names = {tool.name for tool in tools}
    told = repeat(last, page if "looking at" in question else "")
    steps = told or command(question, names) or lookup(question, tools) or by_word(question, names)
    return steps or chat(items, names)


def repeat(last: dict[str, Any], page: str) -> list[Step]:
    """What came with the last message besides words, or what the page tells."""
    text = full_text_of(last)
    if is_form(text_of(last)):
        return [say(_("Your answer: {answers}"), answers=answers_in(text_of(last)))]
    if files := attached_in(text):
        return [describe(files)]
    if mentions := mentioned_in(text):
        return [tell(mentions)]
    if quotation := quoted_in(text):
        return [say(_("You quote: {quotation}"), quotation=quotation)]
    return [say(_("The page told me: {facts}"), facts=in_words(page))] if page else []


def describe(files: list[tuple[str, str]]) -> Say:
    names = ", ".join(f"{name} ({mime_type})" for name, mime_type in files)
    return say(_("I got {names}. I cannot read, but a real model could."), names=names)


def tell(mentions: list[tuple[str, str, str]]) -> Say:
    """What the demo knows of a thing that was mentioned: only the facts that it was given."""
    lines = "".join(f"\n\n- **{title}**: {in_words(facts)}" for _quote, title, facts in mentions)
    return say(_("This is what I was told of what you mention:{lines}"), lines=lines)


def say(text: str, **parts: Any) -> Say:
    """Word by word; a long text in larger pieces, so that nobody waits for it."""
    words = re.findall(r"\s*\S+", text.format(**parts) if parts else text)
    size = 1 + len(words) // 40
    return Say(["".join(words[start : start + size]) for start in range(0, len(words), size)])


def pieces(match: re.Match[str]) -> Say:
    """``N MS``: so many pieces, so many milliseconds apart."""
    count, milliseconds = (int(number[:9]) for number in match.groups())
    texts = [f"piece {number} " for number in range(1, min(count, MAX_PIECES) + 1)]
    return Say(texts, seconds=min(milliseconds, MAX_MILLISECONDS) / 1000)


@dataclass
class Command:
    """Something to type: an example of it, its pattern, what it does, and the steps it leads to."""

    example: str
    pattern: str
    description: str
    steps: Callable[[re.Match[str]], list[Step]]


COMMANDS = [
    Command(
        "/slow 20 500",
        r"/slow (\d+) (\d+)",
        gettext_noop("a slow answer: 20 pieces, 500 ms apart"),
        lambda match: [pieces(match)],
    ),
    Command(
        "/slowmeta 20 500",
        r"/slowmeta (\d+) (\d+)",
        gettext_noop("the same; then it changes the thread's metadata"),
        lambda match: [pieces(match), Call("set_metadata")],
    ),
    Command(
        "/error 5 100",
        r"/error (\d+) (\d+)",
        gettext_noop("an answer that fails after 5 pieces"),
        lambda match: [Fail(pieces(match))],
    ),
    Command(
        "/widget", "/widget", gettext_noop("a widget with a button"), lambda match: [Call("show_widget")]
    ),
    Command("/form", "/form", gettext_noop("a form to fill in"), lambda match: [Call("show_form")]),
    Command(
        "/counter",
        "/counter",
        gettext_noop("a widget that changes in place, without a new answer"),
        lambda match: [Call("show_counter")],
    ),
    Command(
        "/tool",
        "/tool",
        gettext_noop("a question to the page: a client tool call"),
        lambda match: [ask_page()],
    ),
    Command(
        "/ask", "/ask", gettext_noop("a question to you, with a form"), lambda match: [Call("ask_person")]
    ),
    Command(
        "/choose",
        "/choose",
        gettext_noop("two questions with options, of which one must be answered"),
        lambda match: [Call("choose")],
    ),
    Command(
        "/confirm",
        "/confirm",
        gettext_noop("a tool that waits for your yes"),
        lambda match: [Call("clear_shelf", json.dumps({"number": 7}))],
    ),
    Command(
        "/image",
        "/image",
        gettext_noop("a picture that grows while it is drawn"),
        lambda match: painting(),
    ),
    Command(
        "/sources",
        "/sources",
        gettext_noop("an answer with its sources"),
        lambda match: [Call("name_sources")],
    ),
    Command(
        "/notice", "/notice", gettext_noop("a notice, and an effect"), lambda match: [Call("show_notice")]
    ),
    Command(
        "/hidden",
        "/hidden",
        gettext_noop("a note that only the assistant sees"),
        lambda match: [Call("hide_note")],
    ),
    Command("/lock", "/lock", gettext_noop("locks this conversation"), lambda match: [set_status("locked")]),
    Command(
        "/close",
        "/close",
        gettext_noop("closes this conversation"),
        lambda match: [set_status("closed")],
    ),
    Command(
        "/fakeid",
        "/fakeid",
        gettext_noop("an answer with the id that Chat-Completions models give"),
        lambda match: [Say(["This item's id was ", "__fake_id__."], item_id="__fake_id__")],
    ),
]


def ask_page() -> Call:
    return Call("demo_tool", json.dumps({"question": _("What time is it where you are?")}))


def set_status(status: str) -> Call:
    return Call("set_status", json.dumps({"status": status}))


def command(question: str, names: set[str]) -> list[Step]:
    for known in COMMANDS:
        if match := re.fullmatch(known.pattern, question):
            return possible(known.steps(match), names)
    return [introduction(names)] if question.startswith("/") else []


def possible(steps: list[Step], names: set[str]) -> list[Step]:
    """The steps, unless the agent has not the tools for them."""
    missing = missing_tools(steps, names)
    return [say(_("This agent has no tool named {name}."), name=missing[0])] if missing else steps


def missing_tools(steps: list[Step], names: set[str]) -> list[str]:
    return [step.name for step in steps if isinstance(step, Call | Draw) and step.name not in names]


def is_possible(known: Command, names: set[str]) -> bool:
    match = re.fullmatch(known.pattern, known.example)
    return match is not None and not missing_tools(known.steps(match), names)


def lookup(question: str, tools: list[Tool]) -> list[Step]:
    call = find_tool(question, tools)
    return [call] if call else []


def by_word(question: str, names: set[str]) -> list[Step]:
    words = set(re.findall(r"[a-z]+", question.lower()))
    if words & {"help", "commands"}:
        return [introduction(names)]
    for triggers, steps in WORDS:
        if words & triggers and not missing_tools(steps(), names):
            return steps()
    return []


WORDS: list[tuple[set[str], Callable[[], list[Step]]]] = [
    ({"error", "fail"}, lambda: [Fail(say(_("This is going well so far, but …")))]),
    ({"slow", "slowly"}, lambda: [Say(say(_("I take my time, one word after the other.")).pieces, 0.4)]),
    ({"think", "thinking"}, lambda: [think(), say(_("I have thought about it: yes."))]),
    ({"progress", "work"}, lambda: [Call("show_progress")]),
    ({"widget", "show"}, lambda: [Call("show_widget")]),
    ({"draw", "paint"}, lambda: painting()),
]


def painting() -> list[Step]:
    return [Draw(drafts()), say(_("There it is. I can draw this only; a real model draws what you like."))]


def think() -> Think:
    return Think([_("What was I asked?"), _("Is there anything that I could know about it?")])


def chat(items: list[Any], names: set[str]) -> list[Step]:
    """An introduction at first, and an echo later."""
    answered = any(item.get("role") == "assistant" for item in items)
    if not answered:
        return [introduction(names)]
    return [say(_("You said: {question} — “help” lists what I can do."), question=question_in(items))]


def introduction(names: set[str]) -> Say:
    """Who is speaking, and what can be said; an agent with tools of its own needs no word on its making."""
    hello = _(
        "Hello! I am the demo assistant of django_chatkit. I need no key and no network, and I know "
        "nothing; but everything on this page works."
    )
    replace_me = _(
        "To put your own assistant here, subclass `AgentServer` and name it in your settings:\n\n"
        '```python\nCHATKIT_SERVERS = {{"default": "shop.chat.SupportServer"}}\n```'
    )
    words = _("Say *think*, *widget*, *progress*, *slow* or *error*, or type a command:\n\n{commands}")
    listed = [known for known in COMMANDS if is_possible(known, names)]
    lines = "\n".join(f"- `{known.example}` — {_(known.description)}" for known in listed)
    parts = [hello, words] if names - OWN_TOOLS else [hello, replace_me, words]
    return say("\n\n".join(parts), commands=lines)
