"""The simplest server: a function from text to text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any, cast

from django.utils.inspect import func_supports_parameter
from pydantic import BaseModel

from django_chatkit.context import ChatKitContext
from django_chatkit.history import load_history, to_messages
from django_chatkit.pieces import Piece, closing, pieces_of, stream_text
from django_chatkit.sdk import types

from .base import DjangoChatKitServer


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
