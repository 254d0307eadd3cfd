"""How a file gets out: as a picture or as a download, and never as a page that could run."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from .sniffing import CHUNK_SIZE, PICTURES

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .models import Attachment

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    # Or GZipMiddleware would pack each piece on its own, of which browsers unpack the first.
    "Content-Encoding": "identity",
}


class FileChunks:
    """A file for an async server, piece by piece; Django would read all of a ``FileResponse`` first."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __aiter__(self) -> FileChunks:
        return self

    async def __anext__(self) -> bytes:
        chunk = await sync_to_async(self.file.read)(CHUNK_SIZE)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Called by Django at the end of the response."""
        self.file.close()


def file_response(request: HttpRequest, row: Attachment, in_place: bool = True) -> StreamingHttpResponse:
    """The bytes of an attachment. Raises FileNotFoundError where the storage has them no more."""
    is_picture = in_place and row.mime_type in PICTURES
    file = row.open()
    content_type = row.mime_type if row.mime_type in PICTURES else "application/octet-stream"
    response: StreamingHttpResponse
    if isinstance(request, ASGIRequest):
        response = StreamingHttpResponse(FileChunks(file), headers=HEADERS, content_type=content_type)
    else:
        response = FileResponse(file, headers=HEADERS, content_type=content_type)
    response["Content-Length"] = str(row.size)
    response["Content-Disposition"] = content_disposition_header(not is_picture, row.name) or "attachment"
    return response
