"""Pictures that a model makes: their bytes go to the storage, and the thread has an address of them."""

from __future__ import annotations

import base64
import copy
import io
from typing import Self

from django.core.files import File

from django_chatkit.attachments import new_attachment
from django_chatkit.context import ChatKitContext
from django_chatkit.models import Attachment
from django_chatkit.signing import address_of
from django_chatkit.sniffing import PICTURES, sniff
from django_chatkit.uploads import bytes_go_if_this_fails

from .context import DjangoAgentContext, in_request_thread

from chatkit.agents import ResponseStreamConverter


class DjangoResponseStreamConverter(ResponseStreamConverter):
    """Keeps generated pictures as attachments of the thread. Of those on the way it keeps the last."""

    agent_context: DjangoAgentContext | None = None
    previous: str = ""

    def bound_to(self, agent_context: DjangoAgentContext) -> Self:
        """A copy for one answer, which knows whose picture it is."""
        bound = copy.copy(self)
        bound.agent_context = agent_context
        return bound

    async def base64_image_to_url(
        self, image_id: str, base64_image: str, partial_image_index: int | None = None
    ) -> str:
        if self.agent_context is None:
            return await super().base64_image_to_url(image_id, base64_image, partial_image_index)
        context, thread_id = self.agent_context.request_context, self.agent_context.thread.id
        content = base64.b64decode(base64_image, validate=True)
        row = await in_request_thread(keep, content, thread_id, self.previous, context)
        self.previous = "" if partial_image_index is None else row.attachment_id
        return address_of(row.attachment_id, context)


def keep(content: bytes, thread_id: str, previous: str, context: ChatKitContext) -> Attachment:
    """Store a picture in place of the previous one. Raises ValueError for what is no picture."""
    mime_type = sniff(io.BytesIO(content))[0]
    if mime_type not in PICTURES:
        raise ValueError("The model's picture is none.")
    name = f"image.{mime_type.partition('/')[2]}"
    row = new_attachment(context, name=name, mime_type=mime_type, size=len(content), thread_id=thread_id)
    row.state = Attachment.State.SENT
    row.file.save(row.attachment_id, File(io.BytesIO(content)), save=False)
    with bytes_go_if_this_fails(row):
        row.save(force_insert=True)
    Attachment.objects.owned_by(context).filter(attachment_id=previous).discard(Attachment.State.SENT)
    return row
