"""What kind of picture or sound bytes are, by how they begin. What somebody says they are is not asked."""

from __future__ import annotations

from typing import Final

__all__ = ["sniffed_media_type"]

_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
)
# A container, and what its bytes 8 to 12 say is in it.
_CONTAINERS: Final = {
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RIFF", b"WEBP"): "image/webp",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
}


def sniffed_media_type(raw: bytes) -> str | None:
    """The media type of a picture or a sound; None where it is of no kind known here.

    Args:
        raw: Its bytes; the first twelve are enough.
    """
    for beginning, kind in _BEGINNINGS:
        if raw.startswith(beginning):
            return kind
    if raw[4:8] == b"ftyp":  # ISO 14496-12; pictures (HEIC, AVIF) say so in their brand
        return None if raw[8:12] in {b"heic", b"heix", b"mif1", b"avif"} else "audio/mp4"
    if len(raw) >= 2 and raw[0] == 0xFF:
        if raw[1] & 0xF6 == 0xF0:  # ADTS: the layer bits are zero
            return "audio/aac"
        if raw[1] & 0xE0 == 0xE0 and raw[1] & 0x06 == 0x02:  # MPEG audio, layer III
            return "audio/mpeg"
    return _CONTAINERS.get((raw[:4], raw[8:12]))
