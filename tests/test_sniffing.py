"""What a file is: by its bytes, and together with its name."""

import io
import time
import zipfile

import pytest

from django_chatkit.sniffing import choose, sniff

from . import files

ACCEPT = {
    "image/*": [".png", ".jpg", ".jpeg", ".gif", ".webp"],
    "application/pdf": [".pdf"],
    "text/plain": [".txt"],
    "text/csv": [".csv"],
    "application/json": [".json"],
}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def archive(*names, stored_first=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        if stored_first:
            written.writestr(zipfile.ZipInfo("mimetype"), stored_first)
        for name in names:
            written.writestr(name, "content")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (files.PNG, "image/png"),
        (files.JPEG, "image/jpeg"),
        (files.GIF, "image/gif"),
        (files.WEBP, "image/webp"),
        (files.PDF, "application/pdf"),
        (b"BM\x1a\0\0\0\0\0\0\0\x1a", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "application/msword"),
        (b"\x1f\x8b\x08\0", "application/gzip"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x03\0", "audio/mpeg"),
        (b"OggS\0", "audio/ogg"),
        (b"{\\rtf1 hello}", "application/rtf"),
        (archive("a.txt"), "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), DOCX),
        (
            archive("[Content_Types].xml", "xl/workbook.xml"),
            DOCX.replace("wordprocessingml.document", "spreadsheetml.sheet"),
        ),
        (
            archive("content.xml", stored_first="application/vnd.oasis.opendocument.text"),
            "application/vnd.oasis.opendocument.text",
        ),
        (b"Hello, world", "text/plain"),
        ("Grüße, 世界\n".encode(), "text/plain"),
        (b"\xef\xbb\xbfwith a mark", "text/plain"),
        (b"a text about the <body> tag", "text/plain"),
        (b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "text/plain"),
        (files.HTML, "text/html"),
        (b"\xef\xbb\xbf\n <!-- a --> <HTML>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (files.SVG, "image/svg+xml"),
        (b"<!-- a --><svg/>", "image/svg+xml"),
        (b'<?xml version="1.0"?><a/>', "application/xml"),
        (b"text\0with a null", "application/octet-stream"),
        (b"text\x01with a control", "application/octet-stream"),
        (b"\xff\xfea\0", "application/octet-stream"),
        (b"cut off \xe2\x82", "application/octet-stream"),
        (b"MZ\x90\0", "application/octet-stream"),
    ],
)
def test_sniff(content, expected):
    assert sniff(io.BytesIO(content))[0] == expected


def test_text_is_read_to_its_end():
    assert sniff(io.BytesIO(b"a" * 200_000 + b"\0"))[0] == "application/octet-stream"
    assert sniff(io.BytesIO("ü".encode() * 200_000))[0] == "text/plain"


@pytest.mark.parametrize(
    "content", [b"<!--" * 20_000, b"<!-- -->" * 9000, b"<?xml ?>" * 9000, b" " * 100_000]
)
def test_no_pattern_takes_long(content):
    started = time.monotonic()
    sniff(io.BytesIO(content))
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (files.PNG, "cat.png", "image/png"),
        (files.PNG, "CAT.PNG", "image/png"),
        (files.PNG, "cat.jpg", "image/png"),
        (files.PNG, "cat.txt", None),
        (files.PNG, "cat.html", None),
        (files.PNG, "cat", None),
        (b"a;b", "a.csv", "text/csv"),
        (b"a;b", "a.txt", "text/plain"),
        (b"{}", "a.json", "application/json"),
        (b"{}", "a.js", None),
        (files.HTML, "a.txt", None),
        (files.SVG, "a.png", None),
        (files.PDF, "a.pdf", "application/pdf"),
        (b"MZ", "a.png", None),
    ],
)
def test_bytes_and_name_must_both_fit(content, name, expected):
    assert choose(sniff(io.BytesIO(content)), name, ACCEPT) == expected


@pytest.mark.parametrize("wildcard", ["*/*", "image/*", "text/*", "application/*"])
@pytest.mark.parametrize("content", [files.HTML, files.SVG, b"<?xml version='1.0'?><a/>"])
def test_wildcards_do_not_mean_what_browsers_run(content, wildcard):
    assert choose(sniff(io.BytesIO(content)), "a.x", {wildcard: []}) is None


def test_what_is_named_is_accepted():
    assert choose(sniff(io.BytesIO(files.SVG)), "a.svg", {"image/svg+xml": [".svg"]}) == "image/svg+xml"
    assert choose(sniff(io.BytesIO(b"MZ\x90\0")), "a.exe", {"*/*": []}) == "application/octet-stream"
