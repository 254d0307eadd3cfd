"""Servers for the tests, configured in ``tests.settings``."""

from django_chatkit.server import DjangoChatKitServer, TextServer


class EchoServer(TextServer):
    """Says what it hears, word by word."""

    async def reply(self, message, context):
        for word in f"You said: {message}".split(" "):
            yield word + " "


class SalesServer(EchoServer):
    """A second assistant."""

    options = {"startScreen": {"greeting": "Sales here."}}


class PublicServer(EchoServer):
    """Open to visitors."""

    allow_anonymous = True


class ScriptedServer(DjangoChatKitServer):
    """Runs the generator that a test puts into ``script``."""

    script = None

    async def respond(self, thread, input_user_message, context):
        async for event in type(self).script(self, thread, input_user_message, context):
            yield event
