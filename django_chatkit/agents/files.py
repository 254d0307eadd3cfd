"""What a model reads of a file, taken from the storage and never from an address."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from django_chatkit.attachments import ids_in
from django_chatkit.context import ChatKitContext
from django_chatkit.models import Attachment
from django_chatkit.sdk import types
from django_chatkit.sniffing import PICTURES, TEXTUAL

if TYPE_CHECKING:
    from .converter import DjangoThreadItemConverter

PDF = "application/pdf"


def kind_of(mime_type: str) -> str:
    """``picture``, ``pdf``, ``text``, or ``""`` for what no model reads."""
    if mime_type in PICTURES:
        return "picture"
    is_text = mime_type.startswith("text/") or mime_type in TEXTUAL or mime_type.endswith("+json")
    return "pdf" if mime_type == PDF else "text" if is_text else ""


def load_files(
    attachment_ids: list[str], converter: DjangoThreadItemConverter, context: ChatKitContext
) -> dict[str, bytes]:
    """The bytes of those files that the model reads, the newest first, while there is room for them."""
    rows = Attachment.objects.owned_by(context).in_bulk(attachment_ids, field_name="attachment_id")
    found: dict[str, bytes] = {}
    room = converter.max_files_size
    for attachment_id in attachment_ids:
        row = rows.get(attachment_id)
        if row is None or kind_of(row.mime_type) not in converter.reads:
            continue
        if row.size <= min(room, converter.max_file_size):
            room -= row.size
            found[attachment_id] = read(row)
    return {attachment_id: content for attachment_id, content in found.items() if content}


def read(row: Attachment) -> bytes:
    """The bytes; none where the storage has them no more, or has others by now."""
    try:
        with row.open() as file:
            content = bytes(file.read(row.size + 1))
    except FileNotFoundError:
        return b""
    return content if len(content) == row.size else b""


def as_data_url(mime_type: str, content: bytes) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def as_content(name: str, mime_type: str, content: bytes, max_length: int) -> dict[str, Any]:
    """The part of a message that holds the file itself."""
    match kind_of(mime_type):
        case "picture":
            return {"type": "input_image", "detail": "auto", "image_url": as_data_url(mime_type, content)}
        case "pdf":
            return {"type": "input_file", "filename": name, "file_data": as_data_url(mime_type, content)}
    text = content.decode("utf-8-sig", "replace")
    cut = f"\n… ({len(text) - max_length} more characters)" if len(text) > max_length else ""
    return {"type": "input_text", "text": f"```\n{text[:max_length]}{cut}\n```"}


def newest_first(items: list[types.ThreadItem]) -> list[str]:
    """The attachments of a conversation."""
    return [attachment_id for item in reversed(items) for attachment_id in ids_in(item)]
