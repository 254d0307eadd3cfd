"""Servers for the tests, configured in ``tests.settings``."""

import asyncio

from asgiref.sync import sync_to_async

from django_chatkit import events
from django_chatkit.attachments import Attachments
from django_chatkit.commands import Command
from django_chatkit.dictation import Dictation
from django_chatkit.entities import ModelEntity
from django_chatkit.feedback import FeedbackQuestion
from django_chatkit.models import Thread
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


class HearingServer(PublicServer):
    """Understands how long a recording is, and who speaks."""

    dictation = Dictation(
        lambda recording, context: f" {context.user or 'a visitor'} said {len(recording.data)} bytes ",
        max_size=3000,
    )


class CuriousServer(PublicServer):
    """Wants to know what was wrong."""

    feedback_question = FeedbackQuestion("What was wrong?", ["All of it", "The tone"], thanks="Noted.")


class RememberingServer(PublicServer):
    """Tells what was said before, and what is on the page."""

    def can_see_page_object(self, obj, context):
        return obj == context.user

    def reply(self, message, context, history=()):
        facts = self.get_page_facts(context)
        return f"{[(one['role'], one['content']) for one in history]}, {facts and facts['object']}"


class ScriptedServer(DjangoChatKitServer):
    """Runs the generator that a test puts into ``script``."""

    script = None

    async def respond(self, thread, input_user_message, context):
        async for event in type(self).script(self, thread, input_user_message, context):
            yield event


class ThreadEntity(ModelEntity):
    """A person's own conversations."""

    model = Thread
    search_fields = ["title"]
    facts = ["title", "status"]
    group = "Conversations"
    icon = "document"

    def get_queryset(self, context):
        return Thread.objects.owned_by(context).order_by("pk")

    def get_title(self, obj):
        return obj.title or "Untitled"

    def get_data(self, obj, context):
        return {"pk": obj.pk}

    def get_preview(self, obj, context):
        return {"type": "Card", "children": [{"type": "Text", "value": f"Preview of {obj.title}"}]}

    def get_url(self, obj, context):
        return f"/pages/page/?about={obj.pk}"


class MenuServer(EchoServer):
    """Has menus for mentions and commands, a choice of models and tools, and tells what was mentioned."""

    allow_anonymous = True
    entities = [ThreadEntity]
    page_actions = ["ping"]
    options = {
        "composer": {
            "models": [
                {"id": "fast", "label": "Fast", "default": True},
                {"id": "good", "label": "Good"},
                {"id": "old", "label": "Old", "disabled": True},
            ],
            "tools": [{"id": "look", "label": "Look up", "icon": "search", "persistent": True}],
        }
    }
    commands = [
        Command("hello", "Say hello", prompt="Hello there", send=True, group="Words"),
        Command("draft", "Begin a question", description="You finish it", prompt="Where is", icon="write"),
        Command("lookup", "Use the tool", tool="look", model="good"),
        Command("ping", "Ping", action="ping", payload={"n": 1}),
        Command("more", "More", commands=[Command("deep", "Deeper", prompt="Deep", send=True)]),
    ]

    async def reply(self, message, context):
        mentions = await sync_to_async(self.get_mentions)(context.message, context)
        yield f"You said: {message}"
        for mention in mentions:
            yield f" [{mention.id}: {mention.facts['title']}, {mention.facts['status']}]"

    async def action(self, thread, action, sender, context):
        yield events.notify(f"Pong {action.payload['n']}")
