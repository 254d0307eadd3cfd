"""What a project declares of its assistant: attributes, and a hook for each that depends on who asks."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_permission_codename
from django.http.request import split_domain_port
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from django_chatkit.attachments import Attachments
from django_chatkit.commands import Command
from django_chatkit.context import ChatKitContext
from django_chatkit.dictation import Dictation
from django_chatkit.entities import Entities, Mention, ModelEntity, find_mentions, mentioned_ids
from django_chatkit.feedback import FeedbackQuestion
from django_chatkit.sdk import types

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest


HOOKS = ("has_", "can_", "get_")


class Declaration:
    """The attributes and hooks of a server class, in the order in which a chat comes to need them."""

    allow_anonymous: bool = False
    """May signed-out visitors chat? Their threads become theirs for good when they sign in."""

    options: dict[str, Any] = {}
    """ChatKit.js options for this server's widgets, with ChatKit.js's own keys and shapes."""

    timeout: float = 300.0
    """Seconds that an answer may take in all before it ends with an error message."""

    max_message_length: int = 50_000
    """Characters that a message may have, the quoted text included."""

    attachments: Attachments | None = None
    """Which files people may send; None for none."""

    dictation: Dictation | None = None
    """How speech becomes text in the composer; None for no such button."""

    feedback_question: FeedbackQuestion | None = None
    """What to ask in the chat after a thumbs-down; None for nothing."""

    allowed_image_domains: list[str] = []
    """Hosts besides this site's own that pictures in new threads may come from: a model that was
    talked into it would put what it knows into a picture's address."""

    entities: Sequence[type[ModelEntity]] = ()
    """What people can mention with ``@``."""

    search_rate: str | None = "120/m"
    """How often may one person look for something to mention? None for no limit."""

    message_rate: str | None = None
    """How often may one person do what a model may run for: send a message, ask for another answer,
    dictate, answer a question, press a button that streams? ``"30/m"`` …"""

    commands: Sequence[Command] = ()
    """What the composer's ``/`` menu offers."""

    page_actions: Collection[str] = ()
    """Types of actions that page code may send without a widget, with ``sendCustomAction()``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Raises TypeError for an ``async def`` where a plain one is called: whatever it would return, a
        coroutine counts as yes, and nobody would have been refused."""
        super().__init_subclass__(**kwargs)
        for name in dir(cls):  # those of a mixin too, which is no server class itself
            member = getattr(cls, name, None) if name.startswith(HOOKS) else None
            if inspect.iscoroutinefunction(member) and is_plain(cls, name):
                raise TypeError(f"{cls.__name__}.{name}() must be a plain def: it is called from sync code.")

    def has_permission(self, context: ChatKitContext) -> bool:
        """May this person chat here? Asked for each request and by the tag; may query the database."""
        return True

    def get_tenant(self, request: HttpRequest) -> str:
        """Threads of one tenant are invisible in another: the site's or customer's id, for example."""
        return ""

    def get_options(self, context: ChatKitContext) -> dict[str, Any]:
        """The options for this person."""
        return self.options

    def get_attachments(self, context: ChatKitContext) -> Attachments | None:
        """The files that this person may send."""
        return self.attachments

    def get_dictation(self, context: ChatKitContext) -> Dictation | None:
        """The dictation for this person."""
        return self.dictation

    def get_feedback_question(
        self, context: ChatKitContext, kind: types.FeedbackKind
    ) -> FeedbackQuestion | None:
        """What to ask this person after thumbs of this kind."""
        return self.feedback_question if kind == "negative" else None

    def get_entities(self, context: ChatKitContext) -> Entities:
        """What this person can mention."""
        return self.entities

    def get_commands(self, context: ChatKitContext) -> Sequence[Command]:
        """The commands for this person."""
        return self.commands

    def get_search_rate(self, context: ChatKitContext) -> str | None:
        """How often this person may search."""
        return self.search_rate

    def get_message_rate(self, context: ChatKitContext) -> str | None:
        """How often this person may send something."""
        return self.message_rate

    def get_throttle_key(self, context: ChatKitContext) -> str:
        """Whose requests are counted together: a user's, a visitor's, and by address those of
        visitors who have no identity yet, or drop it."""
        if context.user is not None:
            return f"user:{context.user.pk}"
        address = context.request.META.get("REMOTE_ADDR", "") if context.request is not None else ""
        return f"visitor:{context.visitor}" if context.visitor else f"address:{address}"

    def get_allowed_image_domains(self, context: ChatKitContext) -> list[str] | None:
        """Where pictures in this person's new threads may come from; None for ChatKit's own rule."""
        own = [split_domain_port(context.request.get_host())[0]] if context.request is not None else []
        return [*own, *self.allowed_image_domains]

    def can_see_page_object(self, obj: Model, context: ChatKitContext) -> bool:
        """May this person's assistant know the object of the page? Default: with the view permission."""
        user: Any = context.user
        name = f"{obj._meta.app_label}.{get_permission_codename('view', obj._meta)}"
        return user is not None and (user.has_perm(name) or user.has_perm(name, obj))

    def get_page_context(self, obj: Model, context: ChatKitContext) -> dict[str, Any]:
        """What the assistant gets to know of the object of the page."""
        return {"object": str(obj), "model": obj._meta.label, "pk": str(obj.pk)}

    async def get_title(
        self, thread: types.ThreadMetadata, message: types.UserMessageItem, context: ChatKitContext
    ) -> str | None:
        """A title for a new thread: its first words, or a file's name. None leaves it untitled."""
        names = [attachment.name for attachment in message.attachments]
        text = " ".join("".join(part.text for part in message.content).split()) or ", ".join(names)
        return Truncator(text).chars(60) or None

    def get_error_message(self, error: Exception, context: ChatKitContext) -> tuple[str, bool]:
        """What a person reads when an answer fails, and whether a retry makes sense.

        Never put the text of an exception into it: that may hold keys, queries or people's words.
        """
        if isinstance(error, TimeoutError):
            return _("The answer took too long."), True
        message = _("Something went wrong while answering. Please try again.")
        if settings.DEBUG:
            message = f"{message} ({type(error).__name__}: the server's log says more.)"
        return message, True

    def get_page_facts(self, context: ChatKitContext) -> dict[str, Any] | None:
        """What is known of the page that the person looks at; None for a page that tells nothing.

        Queries the database: the object is fetched, and may be seen or not, at the time of use.
        """
        if context.page is None:
            return None
        obj = context.page.get_object()
        seen = obj is not None and self.can_see_page_object(obj, context)
        about = self.get_page_context(obj, context) if obj is not None and seen else {}
        return {**about, **context.page.facts} or None

    def get_mentions(self, message: types.UserMessageItem | None, context: ChatKitContext) -> list[Mention]:
        """What a message mentions, as it is now. What is gone, or not for this person, is left out.

        Queries the database, once for each kind of entity.
        """
        ids = mentioned_ids(message)
        found = find_mentions(self.get_entities(context), ids, context) if ids else {}
        return [found[entity_id] for entity_id in ids if entity_id in found]


def is_plain(server_class: type, name: str) -> bool:
    """Is this method a plain one in the classes that it comes from?"""
    inherited = (vars(base)[name] for base in server_class.__mro__[1:] if name in vars(base))
    origin = list(inherited)[-1:]
    return bool(origin) and inspect.isfunction(origin[0]) and not inspect.iscoroutinefunction(origin[0])
