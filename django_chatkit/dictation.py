"""Dictation: speech from the composer becomes text in it. Nothing of it is stored."""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from asgiref.sync import sync_to_async
from django.utils.translation import gettext as _

from .attachments import clean_mime_type
from .context import ChatKitContext
from .exceptions import Refused
from .items import without_nul
from .logs import log_failure
from .sdk import types
from .sniffing import sniff

FORMATS = {"audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "mp4"}
"""What browsers record, with the endings by which services for speech tell them apart."""

ENVELOPE = 4096
"""Bytes that a request may have around its recording."""


@dataclass(frozen=True)
class Recording:
    """What a person said."""

    data: bytes
    mime_type: str
    """``audio/webm``, ``audio/ogg`` or ``audio/mp4``: what the bytes are."""

    @classmethod
    def of(cls, data: bytes) -> Recording:
        """A recording of what the bytes are. Raises Refused where they are something else."""
        found = next((kind for kind in sniff(BytesIO(data)) if kind in FORMATS), None)
        if found is None:
            raise not_understood()
        return cls(data, found)

    @property
    def name(self) -> str:
        return f"speech.{FORMATS[self.mime_type]}"

    def open(self) -> BytesIO:
        """The bytes as a file, with a name."""
        file = BytesIO(self.data)
        file.name = self.name
        return file


Transcribe = Callable[[Recording, ChatKitContext], str | Awaitable[str]]


@dataclass(frozen=True)
class Dictation:
    """How speech becomes text, and how much of it is taken. The composer's button follows from it."""

    transcribe: Transcribe
    """A function, plain (run in a thread) or async: a recording and the context in, text out."""

    max_size: int = 1_800_000
    """Bytes of a recording. How long it is nobody knows without decoding it: browsers make between
    one and four minutes of this. In a request it takes a third more."""

    timeout: float = 60.0
    """Seconds that the transcription may take. A plain function cannot be stopped: it is waited for."""

    @property
    def max_length(self) -> int:
        """Characters of a recording in base64."""
        return -(-self.max_size // 3) * 4

    @property
    def max_body_size(self) -> int:
        return self.max_length + ENVELOPE

    def is_ready(self) -> bool:
        """A transcriber that lacks its key says so itself, with a method of this name."""
        ask = getattr(self.transcribe, "is_ready", None)
        return ask is None or bool(ask())

    def problems(self) -> Iterator[str]:
        """What is wrong with these values."""
        if not callable(self.transcribe):
            yield f"transcribe must be a function, not {self.transcribe!r}"
        if not isinstance(self.max_size, int) or isinstance(self.max_size, bool) or self.max_size <= 0:
            yield f"max_size must be a whole number greater than 0, not {self.max_size!r}"
        if not isinstance(self.timeout, int | float) or isinstance(self.timeout, bool) or self.timeout <= 0:
            yield f"timeout must be a number greater than 0, not {self.timeout!r}"


def read_recording(config: Dictation, audio_base64: str, mime_type: str) -> Recording:
    """The recording in a request. Raises Refused for one that is empty, too large or something else."""
    if len(audio_base64) > config.max_length:  # before it is decoded
        raise recording_too_large()
    try:
        data = base64.b64decode(audio_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "invalid_request", _("This is not a recording.")) from None
    if not data:
        raise Refused(400, "invalid_request", _("The recording is empty."))
    if len(data) > config.max_size:
        raise recording_too_large()
    if clean_mime_type(mime_type) not in FORMATS:
        raise not_understood()
    return Recording.of(data)


def not_understood() -> Refused:
    return Refused(415, "unsupported_recording", _("Recordings of this kind are not understood here."))


def recording_too_large() -> Refused:
    return Refused(413, "recording_too_large", _("This recording is too long. Say less at once."))


async def transcribe(
    config: Dictation, recording: Recording, context: ChatKitContext
) -> types.TranscriptionResult:
    """Raises Refused where there is no text to be had, whatever the reason."""
    try:
        async with asyncio.timeout(config.timeout):
            text = await hear(config.transcribe, recording, context)
    except Exception as error:
        log_failure("Speech could not be transcribed", "-", error)
        message = _("Your words could not be understood. Please try again, or type them.")
        raise Refused(503, "transcription_failed", message) from error
    return types.TranscriptionResult(text=text)


async def hear(function: Transcribe, recording: Recording, context: ChatKitContext) -> str:
    call: Any = function
    is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    text = call(recording, context) if is_async else await sync_to_async(call)(recording, context)
    text = await text if inspect.isawaitable(text) else text
    if not isinstance(text, str):
        raise TypeError(f"transcribe() gave {type(text).__name__}, not text.")
    return str(without_nul(text.strip()))
