"""ChatKit's server with Django behind it: what the SDK's own one does differently here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from asgiref.sync import sync_to_async
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from django_chatkit.actions import Actions
from django_chatkit.attachments import DjangoAttachmentStore
from django_chatkit.connections import release_connections
from django_chatkit.context import ChatKitContext
from django_chatkit.dictation import Recording, transcribe
from django_chatkit.exceptions import NotPending, Refused
from django_chatkit.feedback import give_feedback, without_answer
from django_chatkit.items import without_nul
from django_chatkit.logs import WithoutTexts, log_failure
from django_chatkit.models import is_aside
from django_chatkit.pending import has_content, settled, update_widget
from django_chatkit.permissions import check_own_size, check_request, get_dictation
from django_chatkit.pieces import closing
from django_chatkit.requests import ANSWERS, attachments_of, read_request, usable_result
from django_chatkit.responses import for_the_wire
from django_chatkit.runs import Run, describe
from django_chatkit.sdk import types
from django_chatkit.store import DjangoStore
from django_chatkit.streaming import uninterrupted

from .declaration import Declaration

from chatkit.logger import logger as sdk_logger
from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult
from chatkit.store import NotFoundError

sdk_logger.addFilter(WithoutTexts(Refused, NotPending, NotFoundError))


class DjangoChatKitServer(Declaration, Actions, ChatKitServer[ChatKitContext]):
    """Answers ChatKit's requests for one alias of ``CHATKIT_SERVERS``. Subclasses write ``respond()``."""

    store: DjangoStore

    def __init__(
        self,
        alias: str = "default",
        store: DjangoStore | None = None,
        attachment_store: DjangoAttachmentStore | None = None,
    ) -> None:
        super().__init__(store or DjangoStore(), attachment_store or DjangoAttachmentStore())
        self.alias = alias

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

    async def process(
        self, request: str | bytes | bytearray, context: ChatKitContext
    ) -> StreamingResult | NonStreamingResult:
        """Carry out a request.

        Raises pydantic's ValidationError for what is not a ChatKit request, Refused for what this
        person may not do, NotFoundError, and NotPending.
        """
        parsed = read_request(request)
        check_own_size(parsed, len(request))
        await sync_to_async(self._admit)(parsed, context)
        if types.is_streaming_req(parsed):
            return StreamingResult(self._process_streaming(parsed, context))
        return NonStreamingResult(await self._process_non_streaming(parsed, context))

    def _admit(self, request: types.ChatKitReq, context: ChatKitContext) -> None:
        """What the database must say before an answer begins, in one hop. Raises Refused."""
        check_request(self, request, context)
        if isinstance(request, types.ThreadsCreateReq):
            context.image_domains = self.get_allowed_image_domains(context)
        if types.is_streaming_req(request):
            context.streaming = True
            # Before the stream begins, which may want one of its own: with a pool, all requests
            # would hold one and wait for another.
            release_connections()

    async def _process_streaming_impl(
        self, request: types.StreamingReq, context: ChatKitContext
    ) -> AsyncGenerator[types.ThreadStreamEvent, None]:
        """Once something was sent, a failure is an ``error`` event: exactly one, and a clean end."""
        started = failed = False
        attachment_ids = attachments_of(request)
        if attachment_ids:
            await self.store.claim_attachments(attachment_ids, context)
        try:
            await self._prepare(request, context)
            async for event in when_accepted(
                super()._process_streaming_impl(request, context), request, context
            ):
                started, failed = True, isinstance(event, types.ErrorEvent)
                if isinstance(event, types.ThreadCreatedEvent):
                    event.thread.allowed_image_domains = context.image_domains
                yield event
        except (asyncio.CancelledError, GeneratorExit):  # stopped, maybe before the message was stored
            await uninterrupted(self._give_back(attachment_ids, context))
            raise
        except Exception as error:
            await self._give_back(attachment_ids, context)
            if not started and isinstance(request, types.ThreadsCreateReq):
                await self._forget_threads(context)
            if not started and isinstance(error, ValueError) and isinstance(request, ANSWERS):
                raise NotPending from error  # somebody else was faster since the check
            if not started:
                raise
            if not failed:
                log_failure("A stream failed", getattr(request.params, "thread_id", "new"), error)
                message, allow_retry = await describe(self, error, context)
                yield types.ErrorEvent(message=message, allow_retry=allow_retry)

    async def _prepare(self, request: types.StreamingReq, context: ChatKitContext) -> None:
        """What the SDK would not do, before it carries out the request."""
        match request:
            case types.ThreadsAddStructuredInputReq():
                context.answered = request.params.item_id
            case types.ThreadsAddClientToolOutputReq():
                request.params.result = usable_result(request.params.result, self.max_message_length)
            case types.ThreadsRetryAfterItemReq(params=params):
                await self.store.delete_items_after(params.thread_id, params.item_id, context)

    async def _forget_threads(self, context: ChatKitContext) -> None:
        """No thread without its first message."""
        for thread_id in list(context.threads):
            try:
                await self.store.delete_thread(thread_id, context)
            except Exception as error:
                log_failure("A thread without a message could not be deleted", thread_id, error)

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


async def when_accepted(
    events: AsyncGenerator[types.ThreadStreamEvent, None],
    request: types.StreamingReq,
    context: ChatKitContext,
) -> AsyncGenerator[types.ThreadStreamEvent, None]:
    """Holds the first event back until the first message of a thread, or the answer to a question, is stored.

    What fails until then, and the second of two answers, is refused with a status. Raises NotPending.
    """
    held: list[types.ThreadStreamEvent] = []
    async with closing(events):
        if isinstance(request, types.ThreadsCreateReq | types.ThreadsAddStructuredInputReq):
            held.append(await anext(events))
        async for event in events:
            if held and context.too_late:
                raise NotPending
            while held:
                yield held.pop()
            yield event
