"""ChatKit's server with Django behind it: store, permissions, titles, feedback and clean failures.

A server class is to a chat what a ``ModelAdmin`` is to a model: class attributes, and a hook for
each that must depend on who is asking. Subclass :class:`TextServer` to answer with plain text,
``django_chatkit.agents.AgentServer`` to answer with an agent, or :class:`DjangoChatKitServer` to
yield ChatKit's events yourself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_permission_codename
from django.http.request import split_domain_port
from django.utils.inspect import func_supports_parameter
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from .actions import Actions
from .attachments import Attachments, DjangoAttachmentStore
from .commands import Command
from .context import ChatKitContext
from .dictation import Dictation, Recording, transcribe
from .entities import Entities, Mention, ModelEntity, find_mentions, mentioned_ids
from .exceptions import NotPending, Refused
from .feedback import FeedbackQuestion, give_feedback, without_answer
from .history import load_history, to_messages
from .items import without_nul
from .logs import log_failure
from .models import is_aside
from .pending import has_content, settled, update_widget
from .permissions import check_own_size, check_request, get_dictation
from .pieces import Piece, closing, pieces_of, stream_text, updated
from .requests import ANSWERS, attachments_of, read_request, usable_result
from .responses import for_the_wire
from .runs import Run
from .sdk import types
from .store import DjangoStore
from .streaming import uninterrupted

from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest


class DjangoChatKitServer(Actions, ChatKitServer[ChatKitContext]):
    """Answers ChatKit's requests for one alias of ``CHATKIT_SERVERS``. Subclasses write ``respond()``."""

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

    store: DjangoStore

    def __init__(
        self,
        alias: str = "default",
        store: DjangoStore | None = None,
        attachment_store: DjangoAttachmentStore | None = None,
    ) -> None:
        super().__init__(store or DjangoStore(), attachment_store or DjangoAttachmentStore())
        self.alias = alias

    # Hooks

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

    def _log_failure(self, what: str, thread_id: str, error: Exception) -> None:
        log_failure(what, thread_id, error)

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: types.FeedbackKind, context: ChatKitContext
    ) -> None:
        await sync_to_async(give_feedback)(self, thread_id, item_ids, feedback, context)

    async def transcribe(
        self, audio_input: types.AudioInput, context: ChatKitContext
    ) -> types.TranscriptionResult:
        config = await sync_to_async(get_dictation)(self, context)
        if config is None:
            raise NotImplementedError(f"{type(self).__name__} has no dictation.")
        return await transcribe(config, Recording.of(audio_input.data), context)

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

    # Requests

    async def process(
        self, request: str | bytes | bytearray, context: ChatKitContext
    ) -> StreamingResult | NonStreamingResult:
        """Carry out a request.

        Raises pydantic's ValidationError for what is not a ChatKit request, Refused for what this
        person may not do, NotFoundError, and NotPending.
        """
        parsed = read_request(request)
        check_own_size(parsed, len(request))
        await sync_to_async(check_request)(self, parsed, context)
        if types.is_streaming_req(parsed):
            context.streaming = True
            return StreamingResult(self._process_streaming(parsed, context))
        return NonStreamingResult(await self._process_non_streaming(parsed, context))

    async def _process_streaming_impl(
        self, request: types.StreamingReq, context: ChatKitContext
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """Once something was sent, a failure is an ``error`` event: exactly one, and a clean end."""
        started = failed = False
        attachment_ids = attachments_of(request)
        if attachment_ids:
            await self.store.claim_attachments(attachment_ids, context)
        try:
            if isinstance(request, types.ThreadsCreateReq):
                context.image_domains = await sync_to_async(self.get_allowed_image_domains)(context)
            elif isinstance(request, types.ThreadsAddStructuredInputReq):
                context.answered = request.params.item_id
            elif isinstance(request, types.ThreadsAddClientToolOutputReq):
                request.params.result = usable_result(request.params.result, self.max_message_length)
            elif isinstance(request, types.ThreadsRetryAfterItemReq):
                params = request.params
                await self.store.delete_items_after(params.thread_id, params.item_id, context)
            async for event in super()._process_streaming_impl(request, context):
                started, failed = True, isinstance(event, types.ErrorEvent)
                if isinstance(event, types.ThreadCreatedEvent):
                    event.thread.allowed_image_domains = context.image_domains
                yield event
        except Exception as error:
            await self._give_back(attachment_ids, context)
            if not started and isinstance(error, ValueError) and isinstance(request, ANSWERS):
                raise NotPending from error  # somebody else was faster since the check
            if not started:
                raise
            if not failed:
                log_failure("A stream failed", getattr(request.params, "thread_id", "new"), error)
                message, allow_retry = self.get_error_message(error, context)
                yield types.ErrorEvent(message=message, allow_retry=allow_retry)

    async def _give_back(self, attachment_ids: list[str], context: ChatKitContext) -> None:
        """Files of a message that was not stored can be sent again; failing in this must not hide why."""
        try:
            if attachment_ids:
                await self.store.release_attachments(attachment_ids, context)
        except Exception as error:
            log_failure("Files could not be given back", "-", error)

    def _process_events(
        self,
        thread: types.ThreadMetadata,
        context: ChatKitContext,
        stream: Callable[[], AsyncIterator[types.ThreadStreamEvent]],
    ) -> AsyncIterator[types.ThreadStreamEvent]:
        if thread.id in context.threads:  # a new one is the SDK's, which does not know what was stored
            thread.allowed_image_domains = context.threads[thread.id].allowed_image_domains
        run = Run(self, thread, context)
        if is_aside(context.answered):  # why an answer was bad: the model is not asked
            return super()._process_events(
                thread, context, lambda: without_answer(self, thread, context, stream)
            )
        return super()._process_events(thread, context, lambda: run.events(stream))

    def _update_pending_items(
        self, pending_items: dict[str, types.ThreadItem], event: types.ThreadItemUpdatedEvent
    ) -> None:
        """Widgets too: what was shown of one is kept when the answer is stopped."""
        item = pending_items.get(event.item_id)
        if isinstance(item, types.WidgetItem):
            update_widget(item, event.update)
        else:
            super()._update_pending_items(pending_items, event)

    async def handle_stream_cancelled(
        self,
        thread: types.ThreadMetadata,
        pending_items: list[types.ThreadItem],
        context: ChatKitContext,
    ) -> None:
        """Stopped, or the connection was lost: what the person saw is kept, and marked, whatever comes."""
        await uninterrupted(self._keep_partial_answer(thread, pending_items, context))

    async def _keep_partial_answer(
        self,
        thread: types.ThreadMetadata,
        pending_items: list[types.ThreadItem],
        context: ChatKitContext,
    ) -> None:
        try:
            for item in pending_items:
                # Messages are the SDK's business.
                if has_content(item) and not isinstance(item, types.AssistantMessageItem):
                    await self.store.add_thread_item(thread.id, settled(item), context)
            await self._cleanup_pending_client_tool_call(thread, context)
            await super().handle_stream_cancelled(thread, pending_items, context)
        except Exception as error:
            log_failure("A stopped answer could not be saved", thread.id, error)

    def _serialize(self, obj: BaseModel) -> bytes:
        """The SDK's JSON; times get their offset, hidden items and half characters stay behind."""
        obj = for_the_wire(obj)
        try:
            return super()._serialize(obj)
        except PydanticSerializationError:  # a lone surrogate in a model's text
            return super()._serialize(type(obj).model_validate(without_nul(obj.model_dump())))


class TextServer(DjangoChatKitServer):
    """The simplest server: one method that takes the message's text and gives text back."""

    history_limit: int = 50
    """How many of a thread's newest items does ``reply()`` get, if it takes a ``history``?"""

    def reply(self, message: str, context: ChatKitContext) -> Piece | Awaitable[Piece] | AsyncIterator[Piece]:
        """The answer: an async generator of pieces, an async function, or a plain one (run in a thread).

        A piece is text, or an event such as ``events.progress("Looking …")``. With a third parameter
        named ``history``, it gets the messages before this one as well.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a reply(message, context) method.")

    async def respond(
        self,
        thread: types.ThreadMetadata,
        input_user_message: types.UserMessageItem | None,
        context: ChatKitContext,
    ) -> AsyncIterator[types.ThreadStreamEvent]:
        if input_user_message is not None:
            context.message = input_user_message
            text = "".join(part.text for part in input_user_message.content)
            reply: Any = self.reply
            if func_supports_parameter(reply, "history"):
                items = await load_history(self.store, thread.id, self.history_limit, context)
                reply = partial(reply, history=to_messages(items, input_user_message.id))
            async for event in stream_text(self, thread, self.pieces(reply, text, context), context):
                yield event

    async def pieces(self, reply: Any, message: str, context: ChatKitContext) -> AsyncIterator[Piece]:
        async with closing(pieces_of(reply, message, context)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str | BaseModel):
                    raise TypeError(f"{type(self).__name__}.reply() gave {type(piece).__name__}, not text.")
                yield cast("Piece", piece)


__all__ = ["DjangoChatKitServer", "Refused", "TextServer", "stream_text", "updated"]
