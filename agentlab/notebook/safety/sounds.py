"""Sounds that may be played: their own bytes, of kinds that browsers play, known by how they begin.

As with pictures, what is said of a sound is not believed, and an address is never followed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from agentlab.messages.sniffing import sniffed_media_type

__all__ = ["LARGEST_SOUND", "Sound", "examined_sound"]

LARGEST_SOUND: Final = 8_000_000
_PLAYED: Final = frozenset(
    ["audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm"]
)


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound whose bytes were looked at.

    Attributes:
        kind: What it is.
        raw: Its bytes.
    """

    kind: str
    raw: bytes

    @property
    def address(self) -> str:
        """The sound itself as a `data:` address."""
        return f"data:{self.kind};base64,{base64.b64encode(self.raw).decode('ascii')}"

    @property
    def caption(self) -> str:
        """What it is, in words."""
        return f"sound, {self.kind.removeprefix('audio/')}, {len(self.raw):,} bytes"


def examined_sound(raw: bytes) -> Sound | None:
    """The sound in these bytes; None where they are of no kind that is played, or too many to keep in a page."""
    kind = sniffed_media_type(raw)
    if kind not in _PLAYED or len(raw) > LARGEST_SOUND:
        return None
    return Sound(kind, raw)
