"""For your tests: a client that speaks to the endpoint as the component in the page does.

It goes through the whole of Django: session, CSRF check, middleware, view::

    async def test_it_answers():
        chat = ChatKitClient(user=user)
        reply = await chat.send("hello")
        assert reply.text == "You said: hello"

A scripted model for agents is in ``django_chatkit.testing.model``, which imports the Agents SDK;
``django_chatkit.testing.fixtures`` is a plugin for pytest.
"""

from .client import RECORDING, ChatKitClient, read, user_input
from .override import override_model, override_servers
from .reply import Refusal, Reply, frames, parse_frame
from .sync import SyncChatKitClient

__all__ = [
    "RECORDING",
    "ChatKitClient",
    "Refusal",
    "Reply",
    "SyncChatKitClient",
    "frames",
    "override_model",
    "override_servers",
    "parse_frame",
    "read",
    "user_input",
]
