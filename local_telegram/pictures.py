"""Reads kind and size of a picture from its first bytes. Decodes no pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG markers whose segment holds the size


@dataclass(frozen=True)
class Picture:
    """A picture that a browser may show: MIME type and size in pixels."""

    mime: str
    width: int
    height: int


def read_picture(data: bytes) -> Picture | None:
    """Returns the picture in `data`; None when it is not a PNG, JPEG, GIF or WebP with a size."""
    try:
        found = _png(data) or _gif(data) or _jpeg(data) or _webp(data)
    except (struct.error, IndexError):
        return None
    return found if found and found.width and found.height else None


def _png(data: bytes) -> Picture | None:
    if not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return Picture("image/png", width, height)


def _gif(data: bytes) -> Picture | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return Picture("image/gif", width, height)


def _jpeg(data: bytes) -> Picture | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while data[at] == 0xFF:
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Picture("image/jpeg", width, height)
        at += 2 + length
    return None


def _webp(data: bytes) -> Picture | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Picture("image/webp", width, height)
