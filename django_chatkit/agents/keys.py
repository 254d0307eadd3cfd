"""Does an agent use OpenAI's models without a key for them? Better known before somebody asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agents import Agent, ModelProvider, RunConfig
from openai import OpenAIError

from .settlement import reachable

if TYPE_CHECKING:
    from .server import AgentServer


def lacks_key(server_class: type[AgentServer]) -> bool:
    """As far as the class tells: an agent that a method makes is asked when it is used."""
    config = getattr(server_class, "run_config", None) or RunConfig()
    if config.model is not None and not isinstance(config.model, str):
        return False
    names = {config.model or name for name in model_names(server_class)}
    return any(is_without_key(config.model_provider, name) for name in names if is_openais(name))


def model_names(server_class: type[AgentServer]) -> Iterator[str | None]:
    """The models that the class's agents name; None is the Agents SDK's default."""
    for agent in (getattr(server_class, name, None) for name in ("agent", "title_agent")):
        for owner in reachable(agent, set()) if isinstance(agent, Agent) else ():
            if isinstance(owner.model, str | None):
                yield owner.model


def is_openais(name: str | None) -> bool:
    """Those of others have a prefix, such as ``litellm/``, and providers that may take long to load."""
    return (name or "").rpartition("/")[0] in ("", "openai")


def is_without_key(provider: ModelProvider, name: Any) -> bool:
    """OpenAI's client refuses to be made without one."""
    try:
        provider.get_model(name)
    except OpenAIError:
        return True
    except Exception:  # whatever a provider of one's own does: that is not about a key of OpenAI's
        return False
    return False
