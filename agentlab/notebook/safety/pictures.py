"""Images of a run that may be shown: their own bytes, of four kinds known by how they begin.

What a result says of an image is not believed: its kind and its size in pixels are read from the bytes. An address is
never followed, for a request can carry a secret out of the notebook, and SVG is a document and no image.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final, Literal

from agentlab.messages import Audio, Base64Source, Image
from agentlab.notebook.safety.sounds import Sound, examined_sound

__all__ = ["Album", "Picture", "PictureKind", "examined"]

PictureKind = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
LARGEST: Final = 2_000_000
LARGEST_ALBUM: Final = 8_000_000
MOST_PIXELS: Final = 20_000_000
_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image whose bytes were looked at.

    Attributes:
        kind: What it is.
        raw: Its bytes.
        width: In pixels.
        height: In pixels.
    """

    kind: PictureKind
    raw: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """The image itself as a `data:` address."""
        return f"data:{self.kind};base64,{base64.b64encode(self.raw).decode('ascii')}"

    @property
    def caption(self) -> str:
        """What it is, in words."""
        return f"image, {self.width:,} × {self.height:,} pixels"  # noqa: RUF001 - the sign for "by"


class Album:
    """The images and sounds of one run: as many as a page can hold, and a line about each that is not among them."""

    def __init__(self, room: int = LARGEST_ALBUM) -> None:
        self._room = room

    def take(self, image: Image) -> Picture | str:
        """The image; or why it is not shown, as a line to show in its place."""
        named, raw = self._bytes_of("image", image)
        if isinstance(raw, str):
            return f"[{named}: not shown, {raw}]"
        found = examined(raw)
        if found is None:
            return f"[{named}: not shown, its bytes are no PNG, JPEG, GIF or WebP of a size to show]"
        self._room -= len(raw)
        return found

    def take_sound(self, sound: Audio) -> Sound | str:
        """The sound; or why it is not played, as a line to show in its place."""
        named, raw = self._bytes_of("audio", sound)
        if isinstance(raw, str):
            return f"[{named}: not shown, {raw}]"
        found = examined_sound(raw)
        if found is None:
            return f"[{named}: not shown, its bytes are of no kind that browsers play]"
        self._room -= len(raw)
        return found

    def _bytes_of(self, what: str, part: Image | Audio) -> tuple[str, bytes | str]:
        """What it is called, and its bytes, or why there are none to show."""
        named = f"{what} {part.media_type or ''}".strip()
        if not isinstance(part.source, Base64Source):
            return named, "its bytes are elsewhere"
        try:
            raw = base64.b64decode(part.source.data, validate=True)
        except (binascii.Error, ValueError):
            return named, "its base64 is broken"
        if len(raw) > min(LARGEST, self._room):
            return named, f"{len(raw):,} bytes are too many"
        return named, raw


def examined(raw: bytes) -> Picture | None:
    """The image in these bytes; None where they are of another kind, are broken, or would fill the page's memory."""
    try:
        found = _kind_and_size(raw)
    except struct.error:
        return None
    if found is None:
        return None
    kind, width, height = found
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        return None
    return Picture(kind, raw, width, height)


def _kind_and_size(raw: bytes) -> tuple[PictureKind, int, int] | None:
    if raw.startswith(b"\x89PNG\r\n\x1a\n") and raw[12:16] == b"IHDR":
        return ("image/png", *_pair(">II", raw, 16))
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return ("image/gif", *_pair("<HH", raw, 6))
    if raw.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(raw)
        return None if size is None else ("image/jpeg", *size)
    if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        size = _webp_size(raw)
        return None if size is None else ("image/webp", *size)
    return None


def _pair(layout: str, raw: bytes, place: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, raw, place)
    return first, second


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    """Of the first frame; the segments before it are stepped over by their lengths."""
    place = 2
    while place + 4 <= len(raw) and raw[place] == 0xFF:
        marker, length = raw[place + 1], int.from_bytes(raw[place + 2 : place + 4], "big")
        if marker == 0xFF:
            place += 1
            continue
        if marker in _JPEG_SIZES:
            height, width = _pair(">HH", raw, place + 5)
            return width, height
        place += 2 + length
    return None


def _webp_size(raw: bytes) -> tuple[int, int] | None:
    form = raw[12:16]
    if form == b"VP8X":
        (flags,) = struct.unpack_from("<Q", raw[24:30] + b"\0\0")
        return (flags & 0xFFFFFF) + 1, (flags >> 24 & 0xFFFFFF) + 1
    if form == b"VP8L" and raw[20:21] == b"\x2f":
        (bits,) = struct.unpack_from("<I", raw, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 " and raw[23:26] == b"\x9d\x01\x2a":
        width, height = _pair("<HH", raw, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
