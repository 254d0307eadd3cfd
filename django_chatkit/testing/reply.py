"""What came back to a test: JSON, a refusal, or the events of a stream, as the SDK's types."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from django_chatkit.sdk import types

EVENT: TypeAdapter[types.ThreadStreamEvent] = TypeAdapter(types.ThreadStreamEvent)
ATTACHMENT: TypeAdapter[types.Attachment] = TypeAdapter(types.Attachment)
THREADS: TypeAdapter[types.Page[types.Thread]] = TypeAdapter(types.Page[types.Thread])
ITEMS: TypeAdapter[types.Page[types.ThreadItem]] = TypeAdapter(types.Page[types.ThreadItem])
WITH_ITEM = (types.ThreadItemDoneEvent, types.ThreadItemReplacedEvent)
WITH_THREAD = (types.ThreadCreatedEvent, types.ThreadUpdatedEvent)
MARK = b"data"

T = TypeVar("T")


class Refusal(NamedTuple):
    """Why a request was not carried out; ``code`` is one of those in the reference."""

    status: int
    code: str
    message: str


class Reply:
    """What came back: a status and JSON, or the events of a stream.

    Whoever asks it for something that is not there gets an AssertionError that says what is.
    """

    def __init__(self, response: Any, body: bytes) -> None:
        self.response = response
        self.status: int = response.status_code
        self.body = body

    def __repr__(self) -> str:
        return f"<Reply {self.summary}>"

    @property
    def summary(self) -> str:
        """A line for messages: the status, and what there is."""
        if self.is_stream:
            return f"{self.status}, events: {', '.join(event.type for event in self.events) or 'none'}"
        return f"{self.status}, {self.body[:200].decode(errors='replace')}"

    @property
    def is_stream(self) -> bool:
        return str(self.response.headers.get("Content-Type", "")).startswith("text/event-stream")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    # Did it work?

    def assert_ok(self) -> Reply:
        """Fail for a refusal, and for an answer with an error in it. Gives the reply, for more."""
        if self.status != 200:
            raise AssertionError(f"The request was refused: {self.summary}")
        if self.is_stream and self.errors:
            raise AssertionError(f"The answer failed: {[error.message for error in self.errors]}")
        return self

    def assert_refused(self, status: int, code: str | None = None) -> Refusal:
        """Fail unless it was refused, with this status and this code."""
        refusal = self.refusal
        if refusal.status != status or code not in (None, refusal.code):
            raise AssertionError(f"Not refused as {status} {code or ''}, but: {self.summary}")
        return refusal

    @property
    def refusal(self) -> Refusal:
        if self.status < 400:
            raise AssertionError(f"The request was not refused: {self.summary}")
        try:
            return Refusal(self.status, self.json["code"], self.json["message"])
        except (ValueError, KeyError, TypeError):
            raise AssertionError(f"This refusal is not ChatKit's: {self.summary}") from None

    # A stream

    @property
    def events(self) -> list[types.ThreadStreamEvent]:
        """The stream's events, typed. Fails for anything that the component would not render."""
        if not self.is_stream:
            raise AssertionError(f"There is no stream: {self.summary}")
        return [event for frame in frames(self.body) if (event := parse_frame(frame)) is not None]

    @property
    def errors(self) -> list[types.ErrorEvent]:
        return self.filter(types.ErrorEvent)

    @property
    def text(self) -> str:
        """The assistant's words, or those of a recording."""
        if not self.is_stream:
            return self.parse(types.TranscriptionResult).text
        messages = self.filter(types.AssistantMessageItem)
        return "".join(part.text for message in messages for part in message.content)

    @property
    def thread_id(self) -> str:
        """The thread that this reply is about."""
        ids = [thread.id for thread in self.threads] + [item.thread_id for item in self.items]
        if not ids:
            raise AssertionError(f"There is no thread in this reply: {self.summary}")
        return ids[0]

    # What is in it, whichever kind of reply it is

    def filter(self, kind: type[T]) -> list[T]:
        """The events, or finished items, of this class of ``chatkit.types``, in their order."""
        parts: list[Any] = [*(self.events if self.is_stream else ()), *self.items]
        return [part for part in parts if isinstance(part, kind)]

    def get(self, kind: type[T]) -> T:
        """The only one of this class: ``reply.get(types.WidgetItem)``. Fails if there is none, or several."""
        found = self.filter(kind)
        if len(found) != 1:
            items = ", ".join(item.type for item in self.items) or "none"
            raise AssertionError(f"{len(found)} of {kind.__name__}, items: {items}; {self.summary}")
        return found[0]

    @property
    def items(self) -> list[types.ThreadItem]:
        """The items that were announced as done, or those of a list or a thread, in their order."""
        if self.is_stream:
            return [event.item for event in self.events if isinstance(event, types.ThreadItemDoneEvent)]
        data = self.checked()
        page = data["items"] if isinstance(data.get("items"), dict) else data
        return validate(ITEMS, page, self).data

    @property
    def item(self) -> types.ThreadItem | None:
        """What a synchronous action gave; of a stream, the item that was finished or replaced last."""
        if not self.is_stream:
            return self.parse(types.SyncCustomActionResponse).updated_item
        items = [event.item for event in self.events if isinstance(event, WITH_ITEM)]
        return items[-1] if items else None

    @property
    def thread(self) -> types.Thread:
        """The thread as it is now: in a stream, as the last event about it says."""
        if not self.is_stream:
            return self.parse(types.Thread)
        if not self.threads:
            raise AssertionError(f"Nothing is said of the thread itself: {self.summary}")
        return self.threads[-1]

    @property
    def threads(self) -> list[types.Thread]:
        """The threads of a list; of a stream, the thread each time that something is said of it."""
        if self.is_stream:
            return [event.thread for event in self.events if isinstance(event, WITH_THREAD)]
        data = self.checked()
        return [self.parse(types.Thread)] if "id" in data else validate(THREADS, data, self).data

    @property
    def attachment(self) -> types.Attachment:
        """The file that was announced or uploaded."""
        return validate(ATTACHMENT, self.checked(), self)

    def parse(self, kind: type[T]) -> T:
        """The JSON as one of the SDK's types."""
        return validate(TypeAdapter(kind), self.checked(), self)

    def checked(self) -> Any:
        """The JSON of a request that was carried out."""
        self.assert_ok()
        if self.is_stream:
            raise AssertionError(f"This is a stream: {self.summary}")
        return self.json


def validate(adapter: TypeAdapter[T], data: Any, reply: Reply) -> T:
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise AssertionError(f"There is no {error.title} in this reply: {reply.summary}") from None


def frames(body: bytes) -> list[bytes]:
    """The frames of an event stream. What stands behind the last blank line is lost, as in a browser."""
    return body.split(b"\n\n")[:-1]


def parse_frame(frame: bytes) -> types.ThreadStreamEvent | None:
    if frame.startswith(b":"):
        return None
    field, _, value = frame.partition(b": ")
    if field != MARK or b"\n" in frame:
        raise AssertionError(f"Not an event of ChatKit: {frame[:80]!r}")
    try:
        return EVENT.validate_json(value)
    except ValidationError as error:
        raise AssertionError(f"Not an event of ChatKit: {value[:80]!r}: {error}") from None
