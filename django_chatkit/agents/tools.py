"""``@tool``: a function that an agent may call, with the rights of the person it works for.

The model writes a tool's arguments, and whoever writes a message can make it write them. So who is
asking comes from the context, rights are looked up at each call, and what cannot be undone waits
for a yes that is recorded on the server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import agents
from agents.function_schema import FuncSchema, function_schema
from agents.tool_context import ToolContext as SDKToolContext
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from pydantic import BaseModel

from django_chatkit.context import ChatKitContext
from django_chatkit.logs import log_failure
from django_chatkit.signals import tool_called

from .confirmation import Confirm, ask
from .context import ASKED, BUSY, DjangoAgentContext, function_tool, in_request_thread

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("django_chatkit.tools")

Permission = str | Sequence[str] | Callable[[ChatKitContext], bool]
Result = tuple[str, Any]
"""The outcome of a call, for the log, and what the model reads."""

REFUSED = "Refused: this person has no permission for this. Nothing was done. Tell them so."
DENIED = "Refused: this person has no permission for this. Tell them so."
SIGNED_OUT = "Refused: this needs a person who is signed in. Nothing was done. Tell them so."
INVALID = "The arguments do not fit this tool. Nothing was done. Correct them and call it again."


@overload
def tool(func: Callable[..., Any], /) -> agents.FunctionTool: ...
@overload
def tool(
    *,
    permission: Permission | None = None,
    login_required: bool = False,
    confirm: Confirm | None = None,
    confirm_within: float = 3600.0,
    log_arguments: bool = False,
    **options: Any,
) -> Callable[[Callable[..., Any]], agents.FunctionTool]: ...
def tool(
    func: Callable[..., Any] | None = None,
    *,
    permission: Permission | None = None,
    login_required: bool = False,
    confirm: Confirm | None = None,
    confirm_within: float = 3600.0,
    log_arguments: bool = False,
    **options: Any,
) -> Any:
    """Make a tool of a function, plain or async, that may use the ORM.

    ``permission`` is a permission, a list of them, or a function that takes the ``ChatKitContext``.
    ``confirm`` is a question such as ``"Cancel order {order_id}?"``, or a function of the arguments
    and the context that returns one: the person has ``confirm_within`` seconds to say yes.
    ``options`` are those of the Agents SDK's ``function_tool``.
    """
    if func is None:
        return partial(
            tool,
            permission=permission,
            login_required=login_required,
            confirm=confirm,
            confirm_within=confirm_within,
            log_arguments=log_arguments,
            **options,
        )
    base: agents.FunctionTool = function_tool(func, **{"failure_error_function": None, **options})
    schema = function_schema(func, name_override=base.name, strict_json_schema=base.strict_json_schema)
    guard = Guard(base, schema, permission, login_required, confirm, confirm_within, log_arguments)
    return replace(base, on_invoke_tool=guard)


class Guard:
    """What stands between the model and a function: rights, a person's yes, the log, and failures."""

    def __init__(
        self,
        base: agents.FunctionTool,
        schema: FuncSchema,
        permission: Permission | None,
        login_required: bool,
        confirm: Confirm | None,
        confirm_within: float,
        log_arguments: bool,
    ) -> None:
        self.name = base.name
        self.invoke = base.on_invoke_tool
        self.schema = schema
        self.permission = permission
        self.login_required = login_required
        self.confirm = confirm
        self.confirm_within = confirm_within
        self.log_arguments = log_arguments

    @property
    def permissions(self) -> list[str]:
        """The permissions that are named."""
        if self.permission is None or callable(self.permission):
            return []
        return [self.permission] if isinstance(self.permission, str) else list(self.permission)

    async def __call__(self, ctx: SDKToolContext[Any], arguments: str) -> Any:
        """The model's call."""
        _, result = await self.observe(ctx, arguments, self.run if self.confirm is None else self.ask)
        return result

    async def observe(self, ctx: SDKToolContext[Any], arguments: str, step: Callable[..., Any]) -> Result:
        """Do it if it is allowed, and report what came of it."""
        start = time.perf_counter()
        context = getattr(ctx.context, "request_context", None) or ChatKitContext()
        thread = getattr(ctx.context, "thread", None)
        report = partial(self.report, start, thread.id if thread else "-", context, arguments)
        try:
            outcome, result = await self.attempt(ctx, context, arguments, step)
        except asyncio.CancelledError:
            report("stopped", signal=False)
            raise
        await in_request_thread(report, outcome)
        return outcome, result

    async def attempt(
        self, ctx: SDKToolContext[Any], context: ChatKitContext, arguments: str, step: Callable[..., Any]
    ) -> Result:
        """Whatever goes wrong, the model reads a sentence that quotes nothing."""
        try:
            if refusal := await in_request_thread(self.refuse, context):
                return "refused", refusal
            result: Result = await step(ctx, arguments)
        except agents.ModelBehaviorError:
            return "invalid", INVALID
        except PermissionDenied:  # by the function itself, which knows whose object it is
            return "refused", DENIED
        except Exception as error:
            thread = getattr(ctx.context, "thread", None)
            log_failure(f"The tool {self.name} failed", thread.id if thread else "-", error)
            return "failed", f"The tool {self.name} failed. There is no result."
        return result

    async def run(self, ctx: SDKToolContext[Any], arguments: str) -> Result:
        return "done", await self.invoke(ctx, arguments)

    async def ask(self, ctx: SDKToolContext[DjangoAgentContext], arguments: str) -> Result:
        """Let the person decide. One question at a time: the page shows no more."""
        values = self.parse(arguments)
        if self.confirm is None or ctx.context.asking:
            return "refused", BUSY
        ctx.context.asking = True
        try:
            await ask(ctx.context, self.name, arguments, self.confirm, values, self.confirm_within)
        except BaseException:
            ctx.context.asking = False
            raise
        ctx.context.end_turn()
        return "asked", ASKED

    def parse(self, arguments: str) -> dict[str, Any]:
        """The arguments by name, defaults included. Raises ModelBehaviorError: nobody is asked in vain."""
        parsed = self.validate(arguments)
        return {name: getattr(parsed, name) for name in type(parsed).model_fields}

    def parse_json(self, arguments: str) -> dict[str, Any]:
        """The same as JSON's own types."""
        return self.validate(arguments).model_dump(mode="json")

    def validate(self, arguments: str) -> BaseModel:
        try:
            return self.schema.params_pydantic_model(**json.loads(arguments or "{}"))
        except (TypeError, ValueError) as error:  # pydantic's and the JSON parser's errors are ValueErrors
            raise agents.ModelBehaviorError("invalid arguments") from error

    def refuse(self, context: ChatKitContext) -> str:
        """Why this person may not, as the model reads it; empty if they may. Queries the database."""
        if self.permission is None and not self.login_required:
            return ""
        user: Any = get_current_user(context.user)
        needs_user = self.login_required or not callable(self.permission)
        if user is None and needs_user:
            return SIGNED_OUT
        if callable(self.permission):
            return "" if self.permission(replace(context, user=user)) else REFUSED
        return "" if user.has_perms(self.permissions) else REFUSED

    def report(
        self,
        start: float,
        thread_id: str,
        context: ChatKitContext,
        arguments: str,
        outcome: str,
        *,
        signal: bool = True,
    ) -> None:
        duration = (time.perf_counter() - start) * 1000
        user_id = context.user.pk if context.user is not None else "-"
        shown = f" {arguments}" if self.log_arguments else ""
        logger.info(
            "%s%s: %s, %.0f ms (thread %s, user %s)", self.name, shown, outcome, duration, thread_id, user_id
        )
        if signal:
            tool_called.send_robust(
                DjangoAgentContext,
                name=self.name,
                outcome=outcome,
                duration=duration,
                arguments=arguments,
                thread_id=thread_id,
                context=context,
            )


def get_current_user(user: AbstractBaseUser | None) -> AbstractBaseUser | None:
    """The person as the database has them now: an answer takes minutes, and rights are cached on a user."""
    if user is None:
        return None
    found: AbstractBaseUser | None = get_user_model()._default_manager.filter(pk=user.pk).first()
    return found if found is not None and found.is_active else None


def get_guard(tool: Any) -> Guard | None:
    guard = getattr(tool, "on_invoke_tool", None)
    return guard if isinstance(guard, Guard) else None
