"""Items that are still being streamed: what is known of them so far, and how they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .sdk import types


def has_content(item: types.ThreadItem) -> bool:
    """Has a person seen anything of it?"""
    match item:
        case types.AssistantMessageItem():
            return any(part.text.strip() for part in item.content)
        case types.WorkflowItem():
            return bool(item.workflow.tasks)
        case types.WidgetItem() | types.TaskItem():
            return True
        case _:
            return False


def settled(item: types.ThreadItem) -> types.ThreadItem:
    """As it is kept when nothing more will come: no text in it waits for more, no task goes on."""
    item = item.model_copy(deep=True)
    match item:
        case types.WidgetItem():
            for component in components(item.widget):
                if getattr(component, "streaming", None):
                    component.streaming = False
        case types.WorkflowItem():
            for task in item.workflow.tasks:
                settle_task(task)
        case types.TaskItem():
            settle_task(item.task)
    return item


def settle_task(task: types.Task) -> None:
    if task.status_indicator == "loading":
        task.status_indicator = "none"


def update_widget(item: types.WidgetItem, update: types.ThreadItemUpdate) -> None:
    """Apply a change to a widget, as the component in the page does."""
    match update:
        case types.WidgetRootUpdated():
            item.widget = update.widget
        case types.WidgetComponentUpdated():
            for parent in components(item.widget):
                replace_child(parent, update.component_id, update.component)
        case types.WidgetStreamingTextValueDelta():
            for component in components(item.widget):
                if component.id == update.component_id:
                    component.value = f"{getattr(component, 'value', '')}{update.delta}"
                    component.streaming = not update.done


def components(node: Any) -> Iterator[Any]:
    """Every component of a widget."""
    yield node
    for child in children(node):
        yield from components(child)


def children(node: Any) -> list[Any]:
    found = getattr(node, "children", None)
    if found is None:
        return []
    return list(found) if isinstance(found, list) else [found]


def replace_child(parent: Any, component_id: str, component: Any) -> None:
    before = children(parent)
    after = [component if child.id == component_id else child for child in before]
    if after != before:
        parent.children = after if isinstance(parent.children, list) else after[0]
