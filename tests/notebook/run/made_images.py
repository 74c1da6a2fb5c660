"""Small images of each kind, made here: the first bytes are what the kinds say, the rest is as short as can be."""

from __future__ import annotations

import struct
import zlib

__all__ = ["GIF", "IMAGES", "JPEG", "PNG", "WEBP", "png"]


def png(width: int, height: int) -> bytes:
    """A black image of this size."""
    rows = (b"\0" + b"\0" * width) * height

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


PNG = png(3, 2)
GIF = b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0\0\0;"
JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    + b"\xff\xff\xc0" + struct.pack(">HBHH", 11, 8, 2, 3) + b"\1\1\x11\0\xff\xd9"
)  # fmt: skip
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f" + struct.pack("<I", 2 | 1 << 14) + b"\0" * 8
WEBP_EXTENDED = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\2\0\0\1\0\0"
WEBP_LOSSY = b"RIFF\x1e\0\0\0WEBPVP8 \x12\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 3, 2) + b"\0" * 8
IMAGES = {
    "png": ("image/png", PNG),
    "gif": ("image/gif", GIF),
    "jpeg": ("image/jpeg", JPEG),
    "webp": ("image/webp", WEBP),
    "webp extended": ("image/webp", WEBP_EXTENDED),
    "webp lossy": ("image/webp", WEBP_LOSSY),
}
