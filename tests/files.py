"""Files for the tests: what they are called, what they are, and where their bytes lie."""

import zlib
from struct import pack

from django_chatkit.management.commands.chatkit_prune import FOLDER, walk
from django_chatkit.models import attachment_storage


def chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def png(width: int = 1, height: int = 1, extra: bytes = b"") -> bytes:
    header = pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 2)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts + extra


PNG = png()
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\0" * 20
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L" + b"\0" * 12
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def stored() -> list[str]:
    """The names of all bytes in the storage."""
    return sorted(walk(FOLDER))


def empty_storage() -> None:
    for name in stored():
        attachment_storage.delete(name)
