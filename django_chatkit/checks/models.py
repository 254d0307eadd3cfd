"""Checks of the model behind an agent: is there a key for it?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning


def check_key(server_class: Any, path: str) -> Iterator[CheckMessage]:
    """Asks the agents' own module, where that is loaded."""
    module: Any = sys.modules.get("django_chatkit.agents.keys")
    if module is not None and module.lacks_key(server_class):
        message = f"{path} uses OpenAI's models, but OPENAI_API_KEY is not set: no message can be answered."
        hint = "Set it in the environment, or give the agent a model of its own."
        yield Warning(message, hint=hint, id="chatkit.W015")
