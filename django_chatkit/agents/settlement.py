"""What comes of a person's yes or no: the recorded call is made once, before the model goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any

from agents import Agent, TResponseInputItem
from agents.tool_context import ToolContext as SDKToolContext

from django_chatkit import events
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import NotPending
from django_chatkit.models import Confirmation
from django_chatkit.sdk import types
from django_chatkit.streaming import uninterrupted

from .confirmation import read_answer
from .context import DjangoAgentContext, in_request_thread
from .tools import Guard, get_guard

FINISH_SECONDS = 30.0
"""How long a confirmed tool may go on when the reader has left: half done is the worst outcome."""

GONE = "This tool is not available any more. Nothing was done."
NOTES = {
    "done": "The person agreed, and the tool {name} has run.",
    "failed": "The person agreed, and the tool {name} was run, but it failed.",
}


class Settlement:
    """One request's answer to a question of ``confirm``, if it is one."""

    def __init__(
        self, context: DjangoAgentContext, get_agents: Callable[[ChatKitContext], list[Agent[Any]]]
    ) -> None:
        self.context = context
        self.get_agents = get_agents
        self.input: list[TResponseInputItem] = []
        """The call and its result, for the model to read in this turn."""

    async def events(self) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """Settle it, run the tool after a yes, pass on what it sends meanwhile. Raises NotPending."""
        if self.context.request_context.answered:
            task = asyncio.ensure_future(self.settle())
            async with aclosing(self.events_during(task)) as sent:
                async for event in sent:
                    yield event
            self.input = task.result()

    async def settle(self) -> list[TResponseInputItem]:
        confirmation, output = await in_request_thread(self.decide)
        if confirmation is None:
            return []
        if confirmation.status == Confirmation.Status.CONFIRMED:
            output = await self.run(confirmation)
        return as_call(confirmation, output)

    def decide(self) -> tuple[Confirmation | None, str]:
        """Of several answers that arrive at once, one gets here in time."""
        context = self.context.request_context
        mine = Confirmation.objects.owned_by(context).select_related("item")
        found = mine.filter(item__thread_id=self.context.thread.id, item__item_id=context.answered).first()
        if found is None:
            return None, ""
        status, output = read_answer(found)
        if not found.settle(status):
            raise NotPending
        return found, output

    async def run(self, confirmation: Confirmation) -> str:
        """The recorded call, and a note for later turns that it was made: a stop must not hide that."""
        agents = await in_request_thread(self.get_agents, self.context.request_context)
        agent, guard = find_guard(agents, confirmation.tool)
        if guard is None:
            return GONE
        ctx: Any = SDKToolContext(
            self.context,
            tool_name=confirmation.tool,
            tool_call_id=call_id(confirmation),
            tool_arguments=confirmation.arguments,
            agent=agent,
        )
        outcome, output = await guard.observe(ctx, confirmation.arguments, guard.run)
        if outcome in NOTES:
            await self.note(NOTES[outcome].format(name=confirmation.tool))
        return str(output)

    async def note(self, text: str) -> None:
        thread = self.context.thread
        item = events.remember(thread, text).item
        await self.context.store.add_thread_item(thread.id, item, self.context.request_context)

    async def events_during(self, task: asyncio.Future[Any]) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """What the tool sends while it runs. It is not left half done when the reader leaves."""
        queue = self.context._events
        task.add_done_callback(lambda done: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            await uninterrupted(finish(task))


async def finish(task: asyncio.Future[Any]) -> None:
    await asyncio.wait({task}, timeout=FINISH_SECONDS)
    task.cancel()


def as_call(confirmation: Confirmation, output: str) -> list[TResponseInputItem]:
    """As every provider's API has it: a call, and its output."""
    return [
        {
            "type": "function_call",
            "call_id": call_id(confirmation),
            "name": confirmation.tool,
            "arguments": confirmation.arguments,
        },
        {"type": "function_call_output", "call_id": call_id(confirmation), "output": output},
    ]


def call_id(confirmation: Confirmation) -> str:
    return f"call_confirmation_{confirmation.pk}"


def reachable(agent: Agent[Any], seen: set[int]) -> Iterator[Agent[Any]]:
    """The agent, those that it may hand over to, and those that are tools of it."""
    if id(agent) in seen:
        return
    seen.add(id(agent))
    yield agent
    for target in filter(None, [*map(get_target, agent.handoffs), *map(get_agent, agent.tools)]):
        yield from reachable(target, seen)


def get_target(handoff: Any) -> Any:
    return handoff if isinstance(handoff, Agent) else (handoff._agent_ref or (lambda: None))()


def get_agent(tool: Any) -> Any:
    """The agent behind a tool that ``as_tool()`` made."""
    return getattr(tool, "_agent_instance", None)


def find_guard(agents: list[Agent[Any]], name: str) -> tuple[Agent[Any] | None, Guard | None]:
    """The tool of this name that asks, with its owner: one of the agents or of those they make use of."""
    seen: set[int] = set()
    for owner in (owner for agent in agents for owner in reachable(agent, seen)):
        for tool in owner.tools:
            guard = get_guard(tool)
            if guard is not None and guard.confirm is not None and guard.name == name:
                return owner, guard
    return None, None
