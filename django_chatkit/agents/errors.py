"""What a person reads when an agent fails."""

from __future__ import annotations

import os
import re
from typing import Any

import agents
import openai
from agents.run_config import ToolErrorFormatterArgs
from django.utils.translation import gettext_lazy as _

from django_chatkit.logs import log_failure

from .context import DjangoAgentContext


class NoAnswer(agents.AgentsException):
    """The model said nothing, and no tool has shown anything."""


class NeedsApproval(agents.UserError):
    """A tool waits for an approval of the Agents SDK's kind, for which a page has no button."""


REFUSED = _("I can't help with that.")
UNAVAILABLE = _("The assistant is not available at the moment.")
TOO_LONG = _("This conversation has become too long. Please start a new one.")

TOO_LONG_WORDS = re.compile(r"context[ _](length|window|size)", re.IGNORECASE)

CODES: dict[str, Any] = {
    "context_length_exceeded": TOO_LONG,
    "content_filter": REFUSED,
    "content_policy_violation": REFUSED,
    "insufficient_quota": UNAVAILABLE,
}
"""What a provider's own code says better than the kind of its error. A retry would end the same way."""

MESSAGES: list[tuple[tuple[type[Exception], ...], Any, bool]] = [
    (
        (
            agents.InputGuardrailTripwireTriggered,
            agents.OutputGuardrailTripwireTriggered,
            agents.ToolInputGuardrailTripwireTriggered,
            agents.ToolOutputGuardrailTripwireTriggered,
            agents.exceptions.ModelRefusalError,
        ),
        REFUSED,
        False,
    ),
    ((NoAnswer,), _("No answer came. Please try again."), True),
    ((NeedsApproval,), UNAVAILABLE, False),
    ((agents.MaxTurnsExceeded,), _("This took too many steps. Try asking for less at once."), True),
    (
        (openai.APITimeoutError, agents.exceptions.ModelTimeoutError, agents.exceptions.ToolTimeoutError),
        _("The answer took too long."),
        True,
    ),
    ((openai.RateLimitError,), _("The assistant is busy. Please try again in a minute."), True),
    (
        (openai.APIConnectionError, openai.InternalServerError),
        _("The assistant cannot be reached at the moment. Please try again."),
        True,
    ),
    ((openai.APIStatusError, openai.OpenAIError), UNAVAILABLE, False),
]


def find_message(error: Exception) -> tuple[Any, bool] | None:
    """What a person reads, and whether a retry makes sense; None for an error of another's."""
    if message := CODES.get(get_code(error)):
        return message, False
    found = (entry for entry in MESSAGES if isinstance(error, entry[0]))
    return next(((message, allow_retry) for _, message, allow_retry in found), None)


def get_code(error: Exception) -> str:
    """The provider's code. Many have none for a conversation that their model cannot hold, only words."""
    code = str(getattr(error, "code", None) or "")
    is_long = isinstance(error, openai.BadRequestError) and TOO_LONG_WORDS.search(str(error))
    return "context_length_exceeded" if is_long else code


def get_hint(error: Exception) -> str:
    """What a developer should do about it, for pages under DEBUG. Never a key, never an error's text."""
    match error:
        case openai.AuthenticationError() | openai.RateLimitError() | NeedsApproval() if get_cause(error):
            return f"DEBUG: {get_cause(error)}"
        case openai.NotFoundError():
            return "DEBUG: the provider does not know this model or address; check the agent's model."
        case openai.APIConnectionError():
            return "DEBUG: no connection to the provider; check the network and OPENAI_BASE_URL."
        case openai.APIError():
            return f"DEBUG: {type(error).__name__}; the server's log says more."
        case openai.OpenAIError() if not os.environ.get("OPENAI_API_KEY"):
            return "DEBUG: OPENAI_API_KEY is not set: set it, or give the agent another model."
    return ""


def get_cause(error: Exception) -> str:
    """What to put right, in a line: where in the code it came to light is of no use to anybody."""
    match error:
        case openai.AuthenticationError():
            return "The provider refused the API key. Check OPENAI_API_KEY."
        case openai.OpenAIError() if "api_key" in str(error) and not isinstance(error, openai.APIError):
            return "There is no API key. Set OPENAI_API_KEY, or give the agent another model."
        case openai.RateLimitError() if error.code == "insufficient_quota":
            return "The provider's account has no credit left (insufficient_quota)."
        case NeedsApproval():
            return "A tool has needs_approval, which no page can give. Use @tool(confirm=…) for it."
    return ""


def format_tool_error(args: ToolErrorFormatterArgs[DjangoAgentContext]) -> str | None:
    """What the model reads when a tool fails. The SDK's own words would quote the exception, and the
    model might quote them to the person."""
    if (
        args.kind != "tool_exception"
        or args.error is None
        or isinstance(args.error, agents.ModelBehaviorError)
    ):
        return None
    thread = getattr(args.run_context.context, "thread", None)
    log_failure(f"The tool {args.tool_name} failed", thread.id if thread else "-", args.error)
    return f"The tool {args.tool_name} failed. There is no result."
