"""What a file is, told by its bytes: its name and what the browser declares are only claims.

Nothing is decoded or unpacked, so no bomb goes off. Where bytes fit several types, all are named.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

HEAD_SIZE = 4096
TAIL_SIZE = 65_536
CHUNK_SIZE = 65_536

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What browsers draw and never run. Nothing else is shown in place."""

ACTIVE = (
    *("text/html", "application/xhtml+xml", "image/svg+xml", "application/xml", "text/xml"),
    *("text/javascript", "application/javascript", "application/ecmascript", "text/ecmascript"),
)
"""What browsers may run. ``image/*``, ``text/*`` and ``*/*`` do not mean these."""

TEXT = ("text/plain",)
UNKNOWN = ("application/octet-stream",)

SIGNATURES: list[tuple[bytes, tuple[str, ...]]] = [
    (rb"\x89PNG\r\n\x1a\n", ("image/png",)),
    (rb"\xff\xd8\xff", ("image/jpeg",)),
    (rb"GIF8[79]a", ("image/gif",)),
    (rb"RIFF....WEBP", ("image/webp",)),
    (rb"BM.{4}\0\0\0\0", ("image/bmp",)),
    (rb"II\*\0|MM\0\*", ("image/tiff",)),
    (rb"....ftyp(avif|avis)", ("image/avif",)),
    (rb"....ftyp(heic|heix|mif1|msf1)", ("image/heic", "image/heif")),
    (rb"....ftyp(M4A|M4B)", ("audio/mp4", "audio/x-m4a")),
    (rb"....ftypqt", ("video/quicktime",)),
    (rb"....ftyp", ("video/mp4", "audio/mp4")),
    (rb"%PDF-\d", ("application/pdf",)),
    (rb"PK\x03\x04", ("application/zip", "application/x-zip-compressed")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ("application/msword", "application/vnd.ms-excel")),
    (rb"\x1f\x8b", ("application/gzip",)),
    (rb"RIFF....WAVE", ("audio/wav", "audio/x-wav")),
    (rb"ID3|\xff[\xfb\xf3\xf2]", ("audio/mpeg",)),
    (rb"OggS", ("audio/ogg", "video/ogg")),
    (rb"fLaC", ("audio/flac",)),
    (rb"\x1aE\xdf\xa3", ("video/webm", "audio/webm", "video/x-matroska")),
    (rb"\{\\rtf", ("application/rtf", "text/rtf")),
]
OFFICE = {
    b"word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
OPEN_DOCUMENT = re.compile(
    rb"PK\x03\x04.{26}mimetype(application/vnd\.oasis\.opendocument\.[a-z]+)", re.DOTALL
)
MARKUP: list[tuple[bytes, tuple[str, ...]]] = [
    (rb"(?>(\s|<!--.*?-->)*)<(!doctype\s+html|html|head|body|script|iframe|style|title)\b", ("text/html",)),
    (rb"(?>(\s|<!--.*?-->|<\?xml.*?\?>|<!doctype\s+svg.*?>)*)<svg\b", ("image/svg+xml",)),
    (rb"\s*<(\?xml|!doctype)\b", ("application/xml", "text/xml")),
]
CONTROLS = re.compile(r"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(file: IO[bytes]) -> tuple[str, ...]:
    """The MIME types that the bytes of a file fit, the likeliest first."""
    file.seek(0)
    head = file.read(HEAD_SIZE)
    found = first_match(SIGNATURES, head)
    if found is not None and found[0] == "application/zip":
        return sniff_archive(file, head)
    if found is not None:
        return found
    if not is_text(file):
        return UNKNOWN
    return first_match(MARKUP, head.removeprefix(codecs.BOM_UTF8)) or TEXT


def first_match(table: list[tuple[bytes, tuple[str, ...]]], head: bytes) -> tuple[str, ...] | None:
    return next((types for sign, types in table if re.match(sign, head, re.DOTALL | re.IGNORECASE)), None)


def sniff_archive(file: IO[bytes], head: bytes) -> tuple[str, ...]:
    """Documents of office programs are archives; which one, the names of their parts tell."""
    if match := OPEN_DOCUMENT.match(head):
        return (match[1].decode(),)
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL_SIZE))
    names = head + file.read(TAIL_SIZE)
    return next(((mime_type,) for part, mime_type in OFFICE.items() if part in names), ("application/zip",))


def is_text(file: IO[bytes]) -> bool:
    """Is this UTF-8, without the control characters that no text has?"""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        return not any(CONTROLS.search(decode(chunk)) for chunk in chunks(file)) and decode(b"", True) == ""
    except UnicodeDecodeError:
        return False


def chunks(file: Any) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_SIZE):
        yield chunk


def choose(found: Sequence[str], name: str, accept: Mapping[str, Sequence[str]]) -> str | None:
    """The accepted type of a file that was sniffed and has this name; None where none fits both."""
    for wanted, endings in sorted(accept.items(), key=is_wildcard):
        mime_type = fit(found, wanted)
        if mime_type and (not endings or name.lower().endswith(tuple(ending.lower() for ending in endings))):
            return mime_type
    return None


def is_wildcard(entry: tuple[str, Any]) -> bool:
    return "*" in entry[0]


def fit(found: Sequence[str], wanted: str) -> str | None:
    """What a sniffed file is called under a wanted type, which may be ``image/*`` or ``*/*``."""
    wanted = wanted.lower()
    if wanted in found:
        return wanted
    family, _, kind = wanted.partition("/")
    if kind == "*":
        return next((type_ for type_ in found if is_in(type_, family) and type_ not in ACTIVE), None)
    # Bytes do not tell CSV from prose: here the declared type counts, which is harmless among texts.
    is_kind_of_text = family == "text" or wanted in TEXTUAL or wanted.endswith("+json")
    return wanted if "text/plain" in found and is_kind_of_text else None


TEXTUAL = (
    "application/json",
    "application/x-ndjson",
    "application/yaml",
    "application/toml",
    "application/sql",
)


def is_in(mime_type: str, family: str) -> bool:
    return family == "*" or mime_type.startswith(f"{family}/")
