"""The picture that the demo model draws: a kettle, from a rough draft to the last stroke."""

from __future__ import annotations

import struct
import zlib
from functools import cache

SIZE = 256
GRAINS = (32, 8, 1)
"""How rough each draft is, in pixels."""
PAPER, KETTLE, LIGHT = b"\xf6\xf1\xe7", b"\x2f\x6f\x63", b"\x7f\xb8\xa6"


@cache
def drafts() -> list[bytes]:
    """PNG files, of which the last one is the picture."""
    return [draw(grain) for grain in GRAINS]


def draw(grain: int) -> bytes:
    places = [(place // grain * grain + grain / 2) / SIZE for place in range(SIZE)]
    lines = {y: b"\0" + b"".join(colour(x, y) for x in places) for y in set(places)}
    return to_png(b"".join(lines[y] for y in places))


def colour(x: float, y: float) -> bytes:
    """What is here, in a picture one wide and one high."""
    body = (x - 0.5) ** 2 + (y - 0.6) ** 2 < 0.07 and y < 0.8
    spout = 0.7 < x < 0.9 and abs(y - (1.1 - 0.75 * x)) < 0.05
    handle = 0.05 < (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.07 and y < 0.4
    lid = abs(x - 0.5) < 0.12 and abs(y - 0.34) < 0.03
    if body and (x - 0.4) ** 2 + (y - 0.52) ** 2 < 0.006:
        return LIGHT
    return KETTLE if body or spout or handle or lid else PAPER


def to_png(lines: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
