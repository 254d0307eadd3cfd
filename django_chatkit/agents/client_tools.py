"""``@client_tool``: a tool that runs in the page. Its result comes with the page's next request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, overload

import agents
from agents.tool_context import ToolContext as SDKToolContext

from .context import DjangoAgentContext
from .tools import Guard, Permission, tool


@overload
def client_tool(func: Callable[..., Any], /) -> agents.FunctionTool: ...
@overload
def client_tool(
    *,
    permission: Permission | None = None,
    login_required: bool = False,
    log_arguments: bool = False,
    **options: Any,
) -> Callable[[Callable[..., Any]], agents.FunctionTool]: ...
def client_tool(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Let the agent call a function of the page, which is registered there under the same name.

    The Python function is its declaration: name, arguments and docstring. Its body never runs::

        @client_tool
        def read_cart(currency: str) -> None:
            \"""Say what is in the cart on the page.\"""

    The page can answer anything, so its result is as trustworthy as what a person writes.
    ``options`` are those of ``tool``, without ``confirm``.
    """
    if func is None:
        return partial(client_tool, **options)
    if "confirm" in options:
        raise TypeError("A client tool cannot be confirmed: let the page ask.")
    made = tool(**options)(func)
    guard: Any = made.on_invoke_tool
    guard.invoke = PageCall(guard)
    return made


class PageCall:
    """What such a tool does on the server: it ends the turn with a call of the page."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    async def __call__(self, ctx: SDKToolContext[DjangoAgentContext], arguments: str) -> str:
        return ctx.context.call_page(self.guard.name, self.guard.parse_json(arguments))
