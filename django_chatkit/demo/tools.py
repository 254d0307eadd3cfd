"""What the demo agent can do besides talking. Each tool shows one of ChatKit's features in a few lines."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Literal

from agents import Tool, function_tool
from django.utils.translation import gettext as _, gettext_lazy

from django_chatkit.agents import ClientToolCall, DjangoAgentContext, ToolContext, tool
from django_chatkit.sdk import types

from chatkit.widgets import DynamicWidgetRoot


@function_tool(failure_error_function=None)
async def show_widget(ctx: ToolContext) -> str:
    """Show a widget with a button."""
    await ctx.context.stream_widget(card(_("Nothing was pressed yet.")), copy_text=_("A demo widget"))
    return _("the widget is there.")


def card(text: str) -> DynamicWidgetRoot:
    button = {"type": "demo.press", "payload": {"button": "demo"}}
    children: list[dict[str, Any]] = [
        {"type": "Title", "value": _("A widget")},
        {"type": "Text", "value": text},
        {"type": "Button", "label": _("Press me"), "onClickAction": button},
    ]
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": children})


@function_tool(failure_error_function=None)
async def show_progress(ctx: ToolContext) -> str:
    """Tell what is being done while it is done."""
    for text in (_("Looking around …"), _("Still looking …"), _("Almost there …")):
        await ctx.context.progress(text, icon="search")
        await asyncio.sleep(0.3)
    return _("the work is done.")


@function_tool(failure_error_function=None)
async def ask_page(ctx: ToolContext) -> str:
    """Let the page in the browser answer."""
    question = {"question": _("What time is it where you are?")}
    ctx.context.client_tool_call = ClientToolCall(name="demo_tool", arguments=question)
    return "The page answers in its next request."


@function_tool(failure_error_function=None)
async def ask_person(ctx: ToolContext) -> str:
    """Ask the person something with a form."""
    question = types.StructuredInputFreeform(id="q", question=_("What is your favourite colour?"))
    item = types.StructuredInputItem(**new_item(ctx, "message"), inputs=[question])
    await ctx.context.stream(types.ThreadItemDoneEvent(item=item))
    return "The person answers in the next request."


@tool
async def show_notice(ctx: ToolContext) -> str:
    """Show a notice, and let the page do something."""
    await ctx.context.notify(_("This is gone after a reload."), level="info", title=_("A notice"))
    await ctx.context.effect("demo_effect", {"shown": "notice"})
    return _("there is a notice, and the page got an effect.")


@tool(confirm=gettext_lazy("Clear shelf {number} of the demo?"))
async def clear_shelf(ctx: ToolContext, number: int) -> str:
    """Do something that waits for the person's yes."""
    await ctx.context.progress(_("Clearing the shelf …"), icon="batch")
    await asyncio.sleep(0.3)
    return _("shelf {number} is empty now.").format(number=number)


@function_tool(failure_error_function=None)
async def hide_note(ctx: ToolContext) -> str:
    """Keep a note that the page never sees."""
    await ctx.context.remember("demo hidden note")
    ctx.context.thread.metadata = {**ctx.context.thread.metadata, "demo": "demo hidden metadata"}
    return _("there is a note now that this page does not show.")


@function_tool(failure_error_function=None)
async def set_status(ctx: ToolContext, status: Literal["locked", "closed"]) -> str:
    """Lock or close the conversation."""
    if status == "locked":
        await ctx.context.lock(_("Locked by the demo."))
    else:
        await ctx.context.close(_("Closed by the demo."))
    return _("this conversation takes no more messages.")


@function_tool(failure_error_function=None)
async def set_metadata(ctx: ToolContext) -> str:
    """Change the thread's metadata."""
    ctx.context.thread.metadata = {**ctx.context.thread.metadata, "slowmeta": "done"}
    return "The metadata is set."


def new_item(ctx: ToolContext, kind: Any) -> dict[str, Any]:
    context: DjangoAgentContext = ctx.context
    return {
        "id": context.generate_id(kind),
        "thread_id": context.thread.id,
        "created_at": datetime.now(),  # noqa: DTZ005  (naive local time is the SDK's own)
    }


demo_tools: list[Tool] = [
    show_widget,
    show_progress,
    show_notice,
    clear_shelf,
    ask_page,
    ask_person,
    hide_note,
    set_status,
    set_metadata,
]
# The answer ends with these: what follows comes with the next request, or is not wanted.
LAST_TOOLS = ["ask_page", "ask_person", "set_metadata"]
