"""Media in messages: where the bytes are, and the MIME types each kind of part accepts."""

from __future__ import annotations

import base64
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["Base64Source", "FileSource", "Source", "TextSource", "UrlSource", "media_type_of"]


class UrlSource(ShortRepr, Struct, frozen=True, tag="url", tag_field="type"):
    """Media that the provider fetches itself."""

    url: str


class Base64Source(ShortRepr, Struct, frozen=True, tag="base64", tag_field="type"):
    """Media sent inline, as standard base64."""

    data: str

    @classmethod
    def from_bytes(cls, data: bytes) -> Base64Source:
        """Encode raw bytes."""
        return cls(base64.b64encode(data).decode("ascii"))

    def to_bytes(self) -> bytes:
        """Decode to the raw bytes."""
        return base64.b64decode(self.data)


class FileSource(ShortRepr, Struct, frozen=True, tag="file", tag_field="type"):
    """Media uploaded to the provider before, named by its id there."""

    file_id: str


class TextSource(ShortRepr, Struct, frozen=True, tag="text", tag_field="type"):
    """A document that is plain text."""

    text: str


Source = UrlSource | Base64Source | FileSource | TextSource

# Rig's media types, by suffix. One table, read in both directions.
_BY_SUFFIX: Final[dict[str, str]] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".rtf": "text/rtf",
    ".html": "text/html",
    ".htm": "text/html",
    ".css": "text/css",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".xml": "text/xml",
    ".js": "application/x-javascript",
    ".py": "application/x-python",
    ".wav": "audio/wav",
    ".mp3": "audio/mp3",
    ".aiff": "audio/aiff",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/m4a",
    ".pcm16": "audio/pcm16",
    ".pcm24": "audio/pcm24",
    ".avi": "video/avi",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mov": "video/mov",
    ".webm": "video/webm",
}


def media_type_of(path: str | PurePath, family: str = "") -> str:
    """The MIME type a file name stands for.

    Args:
        path: A file name or path; only its suffix is read.
        family: What the file must be: `image`, `audio`, `video`; anything where empty.

    Raises:
        UsageError: The suffix is not one that any provider takes, or of another family.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in _BY_SUFFIX:
        known = ", ".join(sorted(_BY_SUFFIX))
        raise UsageError(
            f"no media type is known for `{PurePath(path).name}`; give `media_type=`, or use one of {known}"
        )
    found = _BY_SUFFIX[suffix]
    if family and not found.startswith(f"{family}/"):
        raise UsageError(f"`{PurePath(path).name}` is {found}, and {family} is wanted")
    return found
