"""Does an agent use OpenAI's models without a key for them? Better known before somebody asks it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from agents import Agent
from agents.models import _openai_shared
from agents.models.multi_provider import MultiProvider

from .settlement import reachable

if TYPE_CHECKING:
    from .server import AgentServer

OPENAI = ("", "openai")


def lacks_key(server_class: type[AgentServer]) -> bool:
    """As far as the class tells: an agent that a method makes is asked when it is used."""
    agents = [getattr(server_class, name, None) for name in ("agent", "title_agent")]
    config = getattr(server_class, "run_config", None)
    if has_key() or not is_default(config):
        return False
    return any(
        uses_openai(owner)
        for agent in agents
        if isinstance(agent, Agent)
        for owner in reachable(agent, set())
    )


def has_key() -> bool:
    client, key = _openai_shared.get_default_openai_client(), _openai_shared.get_default_openai_key()
    return bool(client or key or os.environ.get("OPENAI_API_KEY"))


def is_default(config: Any) -> bool:
    """Is it left to the Agents SDK which provider is asked?"""
    return config is None or (type(config.model_provider) is MultiProvider and config.model is None)


def uses_openai(agent: Agent[Any]) -> bool:
    """A name without a prefix is one of OpenAI's models, and so is none."""
    if not isinstance(agent.model, str | None):
        return False
    return (agent.model or "").rpartition("/")[0] in OPENAI
