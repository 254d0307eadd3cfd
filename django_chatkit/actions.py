"""``@on_action``: what happens when a person presses a button of a widget, or sends its form.

A handler is a method of the server class, and one for both of ChatKit's requests: it streams its
answer, or returns the changed widget at once, as the widget asks for it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, TypeVar, get_type_hints

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from pydantic import BaseModel, TypeAdapter, ValidationError

from .context import ChatKitContext
from .events import as_read_back, show
from .exceptions import Refused
from .pieces import Piece, closing, pieces_of, stream_text
from .sdk import types

from chatkit.actions import Action
from chatkit.errors import CustomStreamError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

    from .store import DjangoStore

F = TypeVar("F", bound=Callable[..., Any])

MARK = "_chatkit_action"
PIECES = (
    str,
    types.Annotation,
    types.ThreadItemAddedEvent,
    types.ThreadItemUpdatedEvent,
    types.ThreadItemDoneEvent,
    types.ThreadItemRemovedEvent,
    types.ThreadItemReplacedEvent,
    types.ProgressUpdateEvent,
    types.ClientEffectEvent,
    types.NoticeEvent,
)
STORED = (types.ThreadItemDoneEvent, types.ThreadItemRemovedEvent, types.ThreadItemReplacedEvent)


def on_action(action_type: str) -> Callable[[F], F]:
    """Make a method of a server class the handler of an action.

    It gets an :class:`ActionRequest` and, if it has a second parameter, the payload as that is
    annotated: a pydantic model, a dataclass, a TypedDict or a plain type.
    """

    def mark(function: F) -> F:
        setattr(function, MARK, action_type)
        return function

    return mark


@dataclass
class ActionRequest:
    """Who pressed what, and where."""

    server: Any = field(repr=False)
    type: str
    thread: types.ThreadMetadata
    sender: types.WidgetItem | None
    """The widget, as it is stored; None for an action of the page's own code."""
    context: ChatKitContext

    @property
    def user(self) -> AbstractBaseUser | None:
        """Who is signed in; None for a visitor."""
        return self.context.user

    @property
    def request(self) -> HttpRequest | None:
        return self.context.request

    def answer(self) -> AsyncIterator[types.ThreadStreamEvent]:
        """Let the assistant go on: ``return`` or ``yield`` this. Not for a widget that wants no stream."""
        if not self.context.streaming:
            raise ImproperlyConfigured(f"The action {self.type} does not stream: nobody would see an answer.")
        events: AsyncIterator[types.ThreadStreamEvent] = self.server.respond(self.thread, None, self.context)
        return events


class Handler:
    """A method that was marked with ``@on_action``."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.type: str = getattr(function, MARK)
        self.function = function

    @property
    def owner(self) -> str:
        """The class that it was written in."""
        return self.function.__qualname__.rpartition(".")[0]

    @property
    def parameter(self) -> inspect.Parameter | None:
        """The one that takes the payload: it stands behind self and the request."""
        parameters = list(inspect.signature(self.function).parameters.values())
        return parameters[2] if len(parameters) > 2 else None

    def get_adapter(self) -> TypeAdapter[Any]:
        """Raises whatever an annotation that cannot be used raises."""
        name = self.parameter.name if self.parameter is not None else ""
        return TypeAdapter(get_type_hints(self.function, include_extras=True).get(name, Any))

    def problem(self) -> str:
        """What is wrong with its declaration; empty if nothing is."""
        _self, *parameters = inspect.signature(self.function).parameters.values()
        needed = [parameter for parameter in parameters if parameter.default is parameter.empty]
        if not parameters or len(needed) > 2:
            return f"{self.name}() must take the action and, if it has one, its payload"
        try:
            self.get_adapter()
        except Exception as error:  # a name that is not there at run time, a type that pydantic does not know
            return f"the payload of {self.name}() has an annotation that cannot be used: {error}"
        return ""

    def read(self, payload: Any) -> tuple[Any, ...]:
        """The arguments that the handler gets besides the request. Raises Refused."""
        parameter = self.parameter
        if parameter is None or (payload is None and parameter.default is not parameter.empty):
            return ()
        try:
            return (adapter_of(self).validate_python(payload),)
        except ValidationError as error:
            raise Refused(400, "invalid_request", _("Please check what you entered.")) from error

    async def pieces(self, request: ActionRequest, payload: Any) -> AsyncIterator[Piece]:
        method = getattr(request.server, self.name)
        async with closing(pieces_of(method, request, *self.read(payload))) as results:
            async for result in results:
                if hasattr(result, "__aiter__"):
                    async with closing(result) as events:
                        async for event in events:
                            yield event
                elif result is not None:
                    yield to_piece(result, request)

    def events(self, request: ActionRequest, payload: Any) -> AsyncIterator[types.ThreadStreamEvent]:
        pieces = self.pieces(request, payload)
        return stream_text(request.server, request.thread, pieces, request.context)


@lru_cache(maxsize=256)
def adapter_of(handler: Handler) -> TypeAdapter[Any]:
    return handler.get_adapter()


def to_piece(result: Any, request: ActionRequest) -> Piece:
    """Text and events as they are; a widget takes the sender's place. Raises TypeError for anything else."""
    if isinstance(result, PIECES):
        return result
    if not isinstance(result, BaseModel | dict):
        raise TypeError(f"The handler of {request.type} gave {type(result).__name__}, not text or a widget.")
    if request.sender is None:
        return show(request.thread, result)
    before = request.sender.model_dump(exclude={"widget", "copy_text"})  # which told of the old one
    return types.ThreadItemReplacedEvent(item=types.WidgetItem(**before, widget=as_read_back(result)))


def find_handlers(server_class: type) -> Iterator[Handler]:
    """All of a class, those of its bases first: a subclass replaces them. What is overridden by a method
    without the mark is none any more."""
    for base in reversed(server_class.__mro__):
        for name, function in vars(base).items():
            if hasattr(function, MARK) and getattr(server_class, name) is function:
                yield Handler(name, function)


class Actions:
    """The part of a server that carries out actions."""

    store: DjangoStore

    handlers: ClassVar[dict[str, Handler]] = {}
    """The methods that were marked with ``@on_action``, by their action."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = {handler.type: handler for handler in find_handlers(cls)}

    @classmethod
    def handler_problems(cls) -> Iterator[str]:
        """What is wrong with the handlers, for the system check."""
        for handler in find_handlers(cls):
            chosen = cls.handlers[handler.type]
            if handler.name != chosen.name and handler.owner == chosen.owner:
                yield f"{handler.name}() and {chosen.name}() both handle {handler.type!r}"
            elif problem := handler.problem():
                yield problem

    def action(
        self,
        thread: types.ThreadMetadata,
        action: Action[str, Any],
        sender: types.WidgetItem | None,
        context: ChatKitContext,
    ) -> AsyncIterator[types.ThreadStreamEvent]:
        """By the handler of ``@on_action``. Override it to take every action in one place."""
        request = ActionRequest(self, action.type, thread, sender, context)
        return say_refusals(self._carry_out(request, action.payload))

    async def sync_action(
        self,
        thread: types.ThreadMetadata,
        action: Action[str, Any],
        sender: types.WidgetItem | None,
        context: ChatKitContext,
    ) -> types.SyncCustomActionResponse:
        """By the same handlers. What they show is stored; the answer has room for the sender's new form
        only, so for the rest the page reads the thread again."""
        request = ActionRequest(self, action.type, thread, sender, context)
        before = thread.model_copy(deep=True)
        shown = None
        try:
            async for event in self._carry_out(request, action.payload):
                await self._store(event, thread, context)
                if is_about(event, sender):
                    shown = event.item
                elif isinstance(event, STORED):
                    context.fetch_updates = True
        except CustomStreamError as error:
            raise Refused(400, "invalid_request", error.message) from error
        if thread != before:
            await self.store.save_thread(thread, context)
            context.fetch_updates = True
        return types.SyncCustomActionResponse(updated_item=shown)

    def _carry_out(self, request: ActionRequest, payload: Any) -> AsyncIterator[types.ThreadStreamEvent]:
        handler = self.handlers.get(request.type)
        if handler is None:
            raise NotImplementedError(f"{type(self).__name__} has no handler for {request.type!r}.")
        return handler.events(request, payload)

    async def _store(
        self, event: types.ThreadStreamEvent, thread: types.ThreadMetadata, context: ChatKitContext
    ) -> None:
        match event:
            case types.ThreadItemDoneEvent():
                await self.store.add_thread_item(thread.id, event.item, context)
            case types.ThreadItemReplacedEvent():
                await self.store.save_item(thread.id, event.item, context)
            case types.ThreadItemRemovedEvent():
                await self.store.delete_thread_item(thread.id, event.item_id, context)


def is_about(
    event: types.ThreadStreamEvent, sender: types.WidgetItem | None
) -> TypeGuard[types.ThreadItemReplacedEvent]:
    """Does the widget get a new form?"""
    if sender is None or not isinstance(event, types.ThreadItemReplacedEvent):
        return False
    return event.item.id == sender.id


async def say_refusals(
    events: AsyncIterator[types.ThreadStreamEvent],
) -> AsyncIterator[types.ThreadStreamEvent]:
    """What a view would raise to refuse is said in the stream, which has no status for it."""
    try:
        async with closing(events):
            async for event in events:
                yield event
    except Refused as error:
        raise CustomStreamError(str(error.message), allow_retry=False) from error
    except PermissionDenied as error:
        raise CustomStreamError(_("You may not do this."), allow_retry=False) from error
    except Http404 as error:
        raise CustomStreamError(_("This could not be found."), allow_retry=False) from error
