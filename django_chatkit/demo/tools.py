"""What the demo agent can do besides talking. Each tool shows one of ChatKit's features in a few lines."""

from __future__ import annotations

import asyncio
from typing import Literal

from agents import Tool
from django.utils.translation import gettext as _, gettext_lazy

from django_chatkit.agents import ToolContext, client_tool, tool
from django_chatkit.questions import Choice, Text
from django_chatkit.sdk import types

from .actions import counter, form, pressable


@tool
async def show_widget(ctx: ToolContext) -> str:
    """Show a widget with a button."""
    await ctx.context.show(pressable(), copy_text=_("A demo widget"))
    return _("the widget is there.")


@tool
async def show_form(ctx: ToolContext) -> str:
    """Show a widget with a form."""
    await ctx.context.show(form(), copy_text=_("A demo form"))
    return _("the form is there.")


@tool
async def show_counter(ctx: ToolContext) -> str:
    """Show a widget that counts."""
    await ctx.context.show(counter(0), copy_text=_("A demo counter"))
    return _("the counter is there.")


@tool
async def show_progress(ctx: ToolContext) -> str:
    """Tell what is being done while it is done."""
    for text in (_("Looking around …"), _("Still looking …"), _("Almost there …")):
        await ctx.context.progress(text, icon="search")
        await asyncio.sleep(0.3)
    return _("the work is done.")


@client_tool
def demo_tool(question: str) -> None:
    """Let the page in the browser answer."""


@tool
async def ask_person(ctx: ToolContext) -> str:
    """Ask the person something with a form."""
    return await ctx.context.ask(Text(_("What is your favourite colour?"), id="q"))


@tool
async def choose(ctx: ToolContext) -> str:
    """Let the person choose."""
    drinks = Choice(_("What do you drink?"), [_("Coffee"), _("Tea"), _("Water")], id="drink", required=True)
    extras = Choice(_("With what?"), [_("Milk"), _("Sugar")], id="extras", multiple=True, free=True)
    return await ctx.context.ask(drinks, extras)


@tool
async def show_notice(ctx: ToolContext) -> str:
    """Show a notice, and let the page do something."""
    await ctx.context.notify(_("This is gone after a reload."), level="info", title=_("A notice"))
    await ctx.context.effect("demo_effect", {"shown": "notice"})
    return _("there is a notice, and the page got an effect.")


@tool
async def name_sources(ctx: ToolContext) -> str:
    """Answer with sources."""
    await ctx.context.cite(
        types.URLSource(url="https://docs.djangoproject.com/", title="Django"),
        types.FileSource(filename="README.md", title="README"),
    )
    return _("these are two sources.")


@tool(confirm=gettext_lazy("Clear shelf {number} of the demo?"))
async def clear_shelf(ctx: ToolContext, number: int) -> str:
    """Do something that waits for the person's yes."""
    await ctx.context.progress(_("Clearing the shelf …"), icon="batch")
    await asyncio.sleep(0.3)
    return _("shelf {number} is empty now.").format(number=number)


@tool
async def hide_note(ctx: ToolContext) -> str:
    """Keep a note that the page never sees."""
    await ctx.context.remember("demo hidden note")
    ctx.context.thread.metadata = {**ctx.context.thread.metadata, "demo": "demo hidden metadata"}
    return _("there is a note now that this page does not show.")


@tool
async def set_status(ctx: ToolContext, status: Literal["locked", "closed"]) -> str:
    """Lock or close the conversation."""
    if status == "locked":
        await ctx.context.lock(_("Locked by the demo."))
    else:
        await ctx.context.close(_("Closed by the demo."))
    return _("this conversation takes no more messages.")


@tool
async def set_metadata(ctx: ToolContext) -> str:
    """Change the thread's metadata."""
    ctx.context.thread.metadata = {**ctx.context.thread.metadata, "slowmeta": "done"}
    return "The metadata is set."


demo_tools: list[Tool] = [
    show_widget,
    show_progress,
    show_notice,
    name_sources,
    clear_shelf,
    show_form,
    show_counter,
    demo_tool,
    ask_person,
    choose,
    hide_note,
    set_status,
    set_metadata,
]
# The answer ends with these: the model is not asked again.
LAST_TOOLS = ["set_metadata"]
