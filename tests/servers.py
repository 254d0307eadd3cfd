"""Servers for the tests, configured in ``tests.settings``."""

import asyncio

from django_chatkit.attachments import Attachments
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


class SlowServer(TextServer):
    """Takes "N MS" and says N numbered pieces, so many milliseconds apart."""

    async def reply(self, message, context):
        count, milliseconds = map(int, message.split())
        for number in range(count):
            yield f"piece{number} "
            await asyncio.sleep(milliseconds / 1000)


class FileServer(EchoServer):
    """Takes files, from visitors too."""

    allow_anonymous = True
    attachments = Attachments(max_size=20_000, max_count=3)


class TwoPhaseServer(FileServer):
    """Takes files that are announced first."""

    attachments = Attachments(
        max_size=20_000,
        max_unsent=4,
        strategy="two_phase",
        accept={"image/*": [".png", ".jpg"], "text/csv": [".csv"], "text/plain": [".txt"]},
    )


class ScriptedServer(DjangoChatKitServer):
    """Runs the generator that a test puts into ``script``."""

    script = None

    async def respond(self, thread, input_user_message, context):
        async for event in type(self).script(self, thread, input_user_message, context):
            yield event
