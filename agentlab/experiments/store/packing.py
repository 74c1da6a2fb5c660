"""Long texts, compressed: how traces lie in a store."""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from agentlab.errors import StoreError

__all__ = ["Packed", "packed", "unpacked"]

_LEVEL: Final = 1  # a run waits for it: ten times as fast as the default, and a fifth larger


class Packed(NamedTuple):
    """A text as its bytes lie in the store.

    Attributes:
        codec: How it was compressed.
        size: How many bytes it has as UTF-8.
        data: The compressed bytes.
    """

    codec: str
    size: int
    data: bytes


def packed(text: str) -> Packed:
    """Compress a text; half a surrogate pair in it becomes `?`."""
    raw = text.encode("utf-8", "replace")
    return Packed("zlib", len(raw), zlib.compress(raw, _LEVEL))


def unpacked(blob: Packed, what: str) -> str:
    """The text that was packed.

    Args:
        blob: As `packed` made it.
        what: What it is called in an error.

    Raises:
        StoreError: The bytes are damaged, or of a compression this version does not know.
    """
    if blob.codec != "zlib":
        raise StoreError(f"{what} is packed with {blob.codec!r}; upgrade agentlab")
    try:
        return zlib.decompress(blob.data).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"{what} is damaged: {error}") from error
