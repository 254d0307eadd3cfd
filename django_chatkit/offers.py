"""What a stored widget lets its reader send: its actions, and the fields of its forms.

The component adds what was filled in to an action's payload. All else must come back as the widget
offered it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]

SLOTS = ("children", "confirm", "cancel")


@dataclass(frozen=True)
class Offer:
    """An action in a widget, and the names of the fields that its payload gets."""

    type: str
    payload: Any
    fields: frozenset[str]

    def allows(self, type: str, payload: Any) -> bool:
        return type == self.type and same(self.without_fields(payload), self.without_fields(self.payload))

    def without_fields(self, payload: Any) -> Any:
        """What is left of a payload when nobody has filled in anything."""
        if not isinstance(payload, dict):
            return {} if payload is None else payload
        if not self.fields:
            return payload
        paths = {(name,) for name in self.fields} | {tuple(name.split(".")) for name in self.fields}
        return {path: value for path, value in flat(payload) if not belongs(path, paths)}


def find_offers(node: Any, fields: frozenset[str] = frozenset()) -> Iterator[Offer]:
    """All actions in a widget's tree: ``onClickAction``, ``confirm.action`` …

    Only where components lie: what a payload or a chart's data look like is nobody's offer.
    """
    if isinstance(node, list):
        for child in node:
            yield from find_offers(child, fields)
    elif isinstance(node, dict):
        if node.get("type") == "Form" or node.get("asForm"):
            fields = frozenset(find_fields(node))
        for key, child in node.items():
            if key.lower().endswith("action") and isinstance(child, dict):
                own = find_own_field(node) if key == "onChangeAction" else None
                names = fields | {own} if own else fields
                yield Offer(str(child.get("type")), child.get("payload"), names)
        for slot in SLOTS:
            yield from find_offers(node.get(slot), fields)


def find_fields(node: Any) -> Iterator[str]:
    """The names of all fields in a form."""
    if isinstance(node, list):
        for child in node:
            yield from find_fields(child)
    elif isinstance(node, dict):
        name = find_own_field(node)
        if name:
            yield name
        for child in (node.get("children"), node.get("editable")):
            yield from find_fields(child)


def find_own_field(node: dict[str, Any]) -> str | None:
    name = node.get("name")
    # An icon has a name as well, and is no field.
    return name if isinstance(name, str) and node.get("type") != "Icon" else None


def flat(value: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf of nested dicts, with the way to it."""
    for key, part in value.items():
        if isinstance(part, dict) and part:
            yield from flat(part, (*path, key))
        else:
            yield (*path, key), part


def belongs(path: Path, paths: set[Path]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in paths)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: 1 is 1.0, and is not true."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
