"""How a file gets in: read piece by piece within its limit, looked at, and handed to the storage."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from django.core.files import File
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _

from .attachments import Attachments, clean_name, new_attachment
from .context import ChatKitContext
from .exceptions import Refused
from .models import Attachment
from .sniffing import CHUNK_SIZE, choose, sniff

if TYPE_CHECKING:
    from django.http import HttpRequest

IN_MEMORY = 512 * 1024
ENVELOPE = 64 * 1024
"""Bytes that a form may have around its file."""


def too_large() -> Refused:
    return Refused(413, "file_too_large", _("This file is too large."))


def wrong_type() -> Refused:
    return Refused(415, "unsupported_file_type", _("Files of this type are not accepted here."))


def broken_off() -> Refused:
    return Refused(400, "invalid_request", _("The upload broke off."))


def already_uploaded() -> Refused:
    return Refused(409, "already_uploaded", _("This file was uploaded already."))


class Upload:
    """A file on its way in: it counts while it is written, and keeps on disk what is more than a little."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.name = ""
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (receive() closes it)

    def write(self, chunk: bytes) -> None:
        """Raises Refused at the first byte over the limit."""
        self.size += len(chunk)
        if self.size > self.limit:
            raise too_large()
        self.file.write(chunk)

    def choose_type(self, name: str, accept: Any) -> str:
        """The accepted type that the bytes and the name fit. Raises Refused."""
        if not self.size:
            raise Refused(400, "invalid_request", _("This file is empty."))
        mime_type = choose(sniff(self.file), name, accept)
        self.file.seek(0)
        if mime_type is None:
            raise wrong_type()
        return mime_type


class OneFile(FileUploadHandler):
    """Takes the part ``file`` of a form, and nothing else."""

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self.upload = upload
        self.complete = False

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != "file" or self.upload.name:
            raise Refused(400, "invalid_request", _("An upload has one file, named “file”."))
        self.upload.name = file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.upload.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        self.complete = True


@contextmanager
def receive(request: HttpRequest, limit: int) -> Iterator[Upload]:
    """The file in a form's body, or the body itself where it was PUT. Raises Refused."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) > limit + ENVELOPE:
        raise too_large()
    upload = Upload(limit)
    try:
        if request.method == "PUT":
            read_body(request, upload, length)
        else:
            read_form(request, upload)
        yield upload
    finally:
        upload.file.close()


def read_body(request: HttpRequest, upload: Upload, length: str) -> None:
    while chunk := request.read(CHUNK_SIZE):
        upload.write(chunk)
    if length.isdecimal() and int(length) != upload.size:
        raise broken_off()


def read_form(request: HttpRequest, upload: Upload) -> None:
    handler = OneFile(upload)
    request.upload_handlers = [handler]
    try:
        request.parse_file_upload(request.META, request)
    except MultiPartParserError:
        raise broken_off() from None
    if not handler.complete:
        raise broken_off() if upload.name else Refused(400, "invalid_request", _("There is no file in this."))


# From what was read to a row


def store_direct(request: HttpRequest, config: Attachments, context: ChatKitContext) -> Attachment:
    """A whole new attachment. Raises Refused."""
    with receive(request, config.max_size) as upload:
        name = clean_name(upload.name)
        mime_type = upload.choose_type(name, config.accept)
        row = new_attachment(context, name=name, size=upload.size, mime_type=mime_type)
        row.state = Attachment.State.UPLOADED
        put(row, upload)
        with bytes_go_if_this_fails(row):
            row.save(force_insert=True)
    return row


def store_announced(request: HttpRequest, row: Attachment, config: Attachments) -> Attachment:
    """The bytes of an attachment that was announced, once, and as announced. Raises Refused."""
    if row.state != Attachment.State.PENDING:
        raise already_uploaded()
    with receive(request, min(row.size, config.max_size)) as upload:
        if upload.size != row.size:
            raise Refused(400, "invalid_request", _("This is not the file that was announced."))
        row.mime_type = upload.choose_type(row.name, {row.mime_type: ()})
        put(row, upload)
        with bytes_go_if_this_fails(row):
            mark_uploaded(row)
    return row


def put(row: Attachment, upload: Upload) -> None:
    row.file.save(row.attachment_id, File(upload.file), save=False)


def mark_uploaded(row: Attachment) -> None:
    """One UPDATE, so that of two uploads only one counts."""
    waiting = Attachment.objects.filter(pk=row.pk, state=Attachment.State.PENDING)
    uploaded = Attachment.State.UPLOADED
    if not waiting.update(state=uploaded, file=row.file.name, mime_type=row.mime_type):
        raise already_uploaded()


@contextmanager
def bytes_go_if_this_fails(row: Attachment) -> Iterator[None]:
    try:
        yield
    except BaseException:
        row.delete_bytes()
        raise


def confirm(row: Attachment) -> None:
    """Look at bytes that the browser sent straight to the storage. Raises Refused, and then they go."""
    storage, name = row.file.storage, row.file.name
    if not name or not storage.exists(name):
        raise not_uploaded()
    with storage.open(name) as file:
        fits = storage.size(name) == row.size and choose(sniff(file), row.name, {row.mime_type: ()})
    if not fits:
        row.delete()
        raise wrong_type()
    Attachment.objects.filter(pk=row.pk, state=Attachment.State.PENDING).update(
        state=Attachment.State.UPLOADED
    )


def not_uploaded() -> Refused:
    return Refused(409, "not_uploaded", _("A file of this message is not uploaded yet."))
