"""ChatKit's server with Django behind it: store, permissions, titles, feedback and clean failures.

A server class is to a chat what a ``ModelAdmin`` is to a model: class attributes, and a hook for
each that must depend on who is asking. Subclass :class:`TextServer` to answer with plain text,
``django_chatkit.agents.AgentServer`` to answer with an agent, or :class:`DjangoChatKitServer` to
yield ChatKit's events yourself.
"""

from django_chatkit.exceptions import Refused
from django_chatkit.pieces import stream_text, updated

from .base import DjangoChatKitServer
from .text import TextServer

__all__ = ["DjangoChatKitServer", "Refused", "TextServer", "stream_text", "updated"]
