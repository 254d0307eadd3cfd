"""Files that people send: what a server takes, and the border between the SDK's attachments and our rows."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from pydantic import AnyUrl

from .context import ChatKitContext
from .models import Attachment
from .sdk import types
from .signing import REFERENCE, absolute_url, address_of, from_reference, to_reference
from .sniffing import PICTURES

from chatkit.store import AttachmentStore, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1024 * 1024
MAX_NAME_LENGTH = 255
STRATEGIES = ("direct", "two_phase")
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-pdf": "application/pdf"}
REMOVABLE = (Attachment.State.PENDING, Attachment.State.UPLOADED)


@dataclass(frozen=True)
class Attachments:
    """Which files a server takes. The options of the component follow from it, and so do the refusals."""

    max_size: int = 10 * MEGABYTE
    """Bytes that one file may have."""

    max_count: int = 5
    """Files that one message may have."""

    accept: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {
            "image/*": [".png", ".jpg", ".jpeg", ".gif", ".webp"],
            "application/pdf": [".pdf"],
            "text/plain": [".txt"],
        }
    )
    """MIME types with the endings that their names may have. A file must be of the type *and* have one."""

    strategy: str = "direct"
    """``"direct"``, a form; or ``"two_phase"``: announced, then sent as it is, here or to a storage."""

    max_unsent: int = 50
    """Files of one person that may lie here without a message."""

    def problems(self) -> Iterator[str]:
        """What is wrong with these values."""
        for name in ("max_size", "max_count", "max_unsent"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                yield f"{name} must be a whole number greater than 0, not {value!r}"
        if self.strategy not in STRATEGIES:
            yield f'strategy must be "direct" or "two_phase", not {self.strategy!r}'
        if not isinstance(self.accept, Mapping) or not self.accept:
            yield "accept must be a dict of MIME types and endings, with at least one entry"
        else:
            yield from accept_problems(self.accept)

    def options(self, upload_url: str) -> dict[str, Any]:
        """The options of ChatKit.js that say the same."""
        composer = {
            "enabled": True,
            "maxSize": self.max_size,
            "maxCount": self.max_count,
            "accept": {mime_type: list(endings) for mime_type, endings in self.accept.items()},
        }
        upload = {"type": self.strategy}
        upload |= {"uploadUrl": upload_url} if self.strategy == "direct" else {}
        return {"composer": {"attachments": composer}, "api": {"uploadStrategy": upload}}


def accept_problems(accept: Mapping[Any, Any]) -> Iterator[str]:
    for mime_type, endings in accept.items():
        if not isinstance(mime_type, str) or mime_type.count("/") != 1:
            yield f'accept: {mime_type!r} is no MIME type such as "image/png" or "image/*"'
        if not isinstance(endings, (list, tuple)) or not all(
            isinstance(ending, str) and ending.startswith(".") for ending in endings
        ):
            yield f'accept[{mime_type!r}] must be a list of endings such as ".png"'


def clean_name(name: str) -> str:
    """The last part of a path, without invisible characters; a long one is cut, but keeps its ending."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(character for character in name if character.isprintable()).strip(" .")
    ending = PurePosixPath(name).suffix[:20]
    return name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - len(ending)] + ending


def clean_mime_type(mime_type: str) -> str:
    """A declared type without its parameters, under its usual name."""
    bare = mime_type.partition(";")[0].strip().lower()
    return ALIASES.get(bare, bare)


def new_attachment(context: ChatKitContext, **fields: Any) -> Attachment:
    """A row, not yet stored, that belongs to the person behind the context."""
    row = Attachment(attachment_id=f"atc_{secrets.token_hex(16)}", **fields)
    row.give_to(context)
    return row


# Between rows and the SDK's objects


def to_attachment(row: Attachment, context: ChatKitContext) -> types.Attachment:
    """The SDK's attachment. A picture's address is signed now."""
    fields = {"id": row.attachment_id, "name": row.name, "mime_type": row.mime_type}
    fields |= {"thread_id": row.thread_id} if row.thread_id else {}
    if row.mime_type not in PICTURES:
        return types.FileAttachment(**fields)
    return types.ImageAttachment(**fields, preview_url=AnyUrl(address_of(row.attachment_id, context)))


def for_storing(item: types.ThreadItem) -> types.ThreadItem:
    """The item with a reference where an address of ours is: those expire, and are nobody else's business."""
    match item:
        case types.UserMessageItem(attachments=[_, *_]):
            return item.model_copy(update={"attachments": [as_stored(one) for one in item.attachments]})
        case types.GeneratedImageItem(image=types.GeneratedImage() as image):
            stored = image.model_copy(update={"url": to_reference(image.url)})
            return item.model_copy(update={"image": stored})
    return item


def as_stored(attachment: types.Attachment) -> types.Attachment:
    changes: dict[str, Any] = {"upload_descriptor": None}
    if isinstance(attachment, types.ImageAttachment):
        changes["preview_url"] = AnyUrl(REFERENCE + attachment.id)
    return attachment.model_copy(update=changes)


def for_reading(item: types.ThreadItem, context: ChatKitContext) -> types.ThreadItem:
    """The item with fresh addresses."""
    if isinstance(item, types.UserMessageItem):
        for attachment in item.attachments:
            if isinstance(attachment, types.ImageAttachment):
                attachment.preview_url = AnyUrl(address_of(attachment.id, context))
    elif isinstance(item, types.GeneratedImageItem) and item.image:
        item.image.url = from_reference(item.image.url, context)
    return item


def ids_in(item: types.ThreadItem) -> list[str]:
    """The attachments that an item shows."""
    match item:
        case types.UserMessageItem():
            return [attachment.id for attachment in item.attachments]
        case types.GeneratedImageItem(image=types.GeneratedImage() as image):
            reference = to_reference(image.url)
            return [reference.removeprefix(REFERENCE)] if reference.startswith(REFERENCE) else []
    return []


# The store


class DjangoAttachmentStore(AttachmentStore[ChatKitContext]):
    """ChatKit's attachment store: rows here, and bytes in a storage of Django's."""

    def get_upload(self, row: Attachment, context: ChatKitContext) -> dict[str, Any] | None:
        """Where the browser sends a file that is announced, if not to this site.

        None, unless the storage has a method ``presign_upload(name, mime_type, size)`` that returns
        ``{"url": …, "method": "PUT", "headers": {…}}``.
        """
        presign = getattr(row.file.storage, "presign_upload", None)
        if presign is None:
            return None
        row.file.name = row.file.field.generate_filename(row, row.attachment_id)
        upload: dict[str, Any] = presign(row.file.name, row.mime_type, row.size)
        return upload

    async def create_attachment(
        self, input: types.AttachmentCreateParams, context: ChatKitContext
    ) -> types.Attachment:
        """The place for an announced file, and where to send it. What is announced was checked before."""
        return await sync_to_async(self._create)(input, context)

    async def delete_attachment(self, attachment_id: str, context: ChatKitContext) -> None:
        """Raises NotFoundError for one that is unknown, somebody else's, or sent."""
        await sync_to_async(self._delete)(attachment_id, context)

    def _create(self, input: types.AttachmentCreateParams, context: ChatKitContext) -> types.Attachment:
        row = new_attachment(
            context, name=clean_name(input.name), size=input.size, mime_type=clean_mime_type(input.mime_type)
        )
        upload = self.get_upload(row, context) or {
            "url": absolute_url("upload", context, server=context.server, attachment_id=row.attachment_id),
            "method": "PUT",  # as it is: Twisted, below daphne, reads a form into memory, several times over
        }
        row.save(force_insert=True)
        descriptor = types.AttachmentUploadDescriptor.model_validate(upload)
        return to_attachment(row, context).model_copy(update={"upload_descriptor": descriptor})

    def _delete(self, attachment_id: str, context: ChatKitContext) -> None:
        mine = Attachment.objects.owned_by(context).filter(attachment_id=attachment_id)
        if not mine.discard(*REMOVABLE):
            raise NotFoundError(f"Attachment {attachment_id} not found")
