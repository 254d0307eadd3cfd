"""Speech to text with OpenAI's audio API, or one that speaks it."""

from __future__ import annotations

import os

from openai import AsyncOpenAI

from django_chatkit.context import ChatKitContext
from django_chatkit.dictation import Recording


class OpenAITranscriber:
    """For ``Dictation(OpenAITranscriber())``. ``base_url`` leads to another service with the same API.

    Without an ``api_key`` and without ``OPENAI_API_KEY`` there is no dictation.
    """

    def __init__(
        self,
        model: str = "gpt-4o-mini-transcribe",
        *,
        api_key: str = "",
        base_url: str = "",
        language: str = "",
        prompt: str = "",
    ) -> None:
        self.model = model
        self.api_key = api_key
        self.base_url = base_url
        self.hints = {name: text for name, text in (("language", language), ("prompt", prompt)) if text}

    def is_ready(self) -> bool:
        return bool(self.api_key or os.environ.get("OPENAI_API_KEY"))

    async def __call__(self, recording: Recording, context: ChatKitContext) -> str:
        # A client for each call: one that is kept belongs to one event loop, and WSGI has many.
        async with AsyncOpenAI(api_key=self.api_key or None, base_url=self.base_url or None) as client:
            file = (recording.name, recording.data, recording.mime_type)
            result = await client.audio.transcriptions.create(model=self.model, file=file, **self.hints)  # type: ignore[call-overload]
        return str(result.text)
