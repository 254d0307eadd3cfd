"""Commands of the composer's ``/`` menu, declared in Python and carried out in the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

Text = str | Promise
EFFECTS = ("prompt", "mention", "tool", "model", "action", "commands")


@dataclass(frozen=True)
class Command:
    """One line of the menu. It does one thing: ``prompt``, ``mention``, ``action``, or it opens ``commands``;
    or it chooses a ``tool``, a ``model``, or both, which may go with a ``prompt``.
    """

    id: str
    label: Text
    description: Text = ""
    icon: str = ""
    """One of ChatKit's icons."""
    group: Text = ""
    """The heading above it."""
    prompt: Text | list[dict[str, Any]] = ""
    """What is written into the composer: text, or parts made with ``entities.content()``."""
    send: bool = False
    """Is the prompt sent at once?"""
    mention: dict[str, Any] | None = None
    """What is inserted as a mention: ``OrderEntity.mention(order, context)``."""
    tool: str = ""
    """The tool of ``options["composer"]["tools"]`` that is chosen."""
    model: str = ""
    """The model of ``options["composer"]["models"]`` that is chosen."""
    action: str = ""
    """The type of an action that the page sends; one of the server's ``page_actions``."""
    payload: dict[str, Any] = field(default_factory=dict)
    """What the action carries. The person can change it, so check it as you would a form."""
    commands: Sequence[Command] = ()
    """The menu that follows."""

    def to_json(self) -> dict[str, Any]:
        """What ChatKit.js shows, and under ``does`` what our script makes of it."""
        shown = {name: str(getattr(self, name)) for name in ("id", "label", "description", "icon", "group")}
        return {**{name: text for name, text in shown.items() if text}, "does": self.effect()}

    def effect(self) -> dict[str, Any]:
        if self.commands:
            return {"commands": [command.to_json() for command in self.commands]}
        if self.mention:
            return {"entity": to_entity(self.mention)}
        if self.action:
            return {"action": {"type": self.action, "payload": self.payload}}
        prompt = self.prompt if isinstance(self.prompt, list) else str(self.prompt)
        effect = {"prompt": prompt, "send": self.send, "tool": self.tool, "model": self.model}
        return {name: value for name, value in effect.items() if value}


def to_entity(part: dict[str, Any]) -> dict[str, Any]:
    """A mention as the menu inserts it: an entity calls its text a title."""
    return {"title": part["text"], **{name: part[name] for name in part if name not in ("type", "text")}}


def walk(commands: Sequence[Command]) -> Iterator[Command]:
    for command in commands:
        yield command
        yield from walk(command.commands)


def problems(
    commands: Sequence[Command], tools: Collection[str], models: Collection[str], actions: Collection[str]
) -> Iterator[str]:
    """What is wrong with commands, next to the ids that the composer offers and the actions of the page."""
    seen: set[str] = set()
    for command in walk(commands):
        if command.id in seen:
            yield f"the id {command.id!r} is used twice"
        seen.add(command.id)
        if not command.id or not command.label:
            yield f"the command {command.id!r} needs an id and a label"
        yield from effect_problems(command)
        chosen = {"tool": tools, "model": models, "action": actions}
        for name, known in chosen.items():
            value = getattr(command, name)
            if value and value not in known:
                yield f"the command {command.id!r} has the {name} {value!r}, which does not exist here"


def effect_problems(command: Command) -> Iterator[str]:
    alone = [name for name in ("mention", "action", "commands") if getattr(command, name)]
    others = [name for name in ("prompt", "tool", "model") if getattr(command, name)]
    if not alone and not others:
        yield f"the command {command.id!r} does nothing: give it one of {', '.join(EFFECTS)}"
    elif len(alone) > 1 or (alone and others):
        yield f"the command {command.id!r} does too much: {', '.join(alone + others)}"
    if command.send and not command.prompt:
        yield f"the command {command.id!r} sends at once, but has no prompt"
