"""What the widgets of the demo do when somebody uses them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _, pgettext
from pydantic import BaseModel, Field

from django_chatkit.actions import ActionRequest, on_action

from chatkit.widgets import DynamicWidgetRoot


class Order(BaseModel):
    """What the demo's form is filled in with."""

    name: str = Field(min_length=1, max_length=80)
    size: str = "S"
    gift: bool = False


class DemoActions:
    """The handlers, for a server class."""

    @on_action("demo.press")
    def press(self, action: ActionRequest) -> str:
        return _("You pressed the button.")

    @on_action("demo.count")
    def count(self, action: ActionRequest, payload: dict[str, int]) -> DynamicWidgetRoot:
        return counter(payload["count"] + 1)

    @on_action("demo.order")
    def order(self, action: ActionRequest, order: Order) -> DynamicWidgetRoot:
        plain, gift = _("Thank you, {name}: size {size}."), _("Thank you, {name}: size {size}, as a gift.")
        thanks = gift if order.gift else plain
        return card(_("Ordered"), text(thanks.format(name=order.name, size=order.size)))


def pressable() -> DynamicWidgetRoot:
    button = {"type": "demo.press", "payload": {"button": "demo"}}
    return card(
        _("A widget"),
        text(_("Nothing was pressed yet.")),
        {"type": "Button", "label": _("Press me"), "onClickAction": button},
    )


def counter(count: int) -> DynamicWidgetRoot:
    """Its button asks for no stream: the page gets the next widget, and nothing else."""
    action = {"type": "demo.count", "payload": {"count": count}, "streaming": False}
    return card(
        _("A counter"),
        text(_("Pressed {count} times.").format(count=count)),
        {"type": "Button", "label": _("One more"), "onClickAction": action},
    )


def form() -> DynamicWidgetRoot:
    sizes = [{"value": size, "label": size} for size in ("S", "M", "L")]
    fields: list[dict[str, Any]] = [
        {"type": "Input", "name": "name", "placeholder": _("Your name"), "required": True},
        {"type": "Select", "name": "size", "options": sizes, "defaultValue": "M"},
        {"type": "Checkbox", "name": "gift", "label": _("It is a gift")},
        {"type": "Button", "label": pgettext("button", "Order"), "submit": True, "style": "primary"},
    ]
    action = {"type": "demo.order", "streaming": False}
    return card(_("A form"), {"type": "Form", "onSubmitAction": action, "gap": 2, "children": fields})


def card(title: str, *children: dict[str, Any]) -> DynamicWidgetRoot:
    content = [{"type": "Title", "value": title}, *children]
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": content})


def text(value: str) -> dict[str, Any]:
    return {"type": "Text", "value": value}
