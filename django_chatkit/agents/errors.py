"""What a person reads when an agent fails."""

from __future__ import annotations

import os
from typing import Any

import agents
import openai
from agents.run_config import ToolErrorFormatterArgs
from django.utils.translation import gettext_lazy as _

from django_chatkit.logs import log_failure

from .context import DjangoAgentContext

MESSAGES: list[tuple[tuple[type[Exception], ...], Any, bool]] = [
    (
        (
            agents.InputGuardrailTripwireTriggered,
            agents.OutputGuardrailTripwireTriggered,
            agents.ToolInputGuardrailTripwireTriggered,
            agents.ToolOutputGuardrailTripwireTriggered,
            agents.exceptions.ModelRefusalError,
        ),
        _("I can't help with that."),
        False,
    ),
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
    ((openai.APIStatusError, openai.OpenAIError), _("The assistant is not available at the moment."), False),
]


def get_hint(error: Exception) -> str:
    """What a developer should do about it, for pages under DEBUG. Never a key, never an error's text."""
    match error:
        case openai.AuthenticationError():
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
    """What is wrong with the key, in a line: where in the code it came to light is of no use to anybody."""
    match error:
        case openai.AuthenticationError():
            return "The provider refused the API key. Check OPENAI_API_KEY."
        case openai.OpenAIError() if "api_key" in str(error) and not isinstance(error, openai.APIError):
            return "There is no API key. Set OPENAI_API_KEY, or give the agent another model."
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
