"""Reads what a provider says of its batches, by its type."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from agentlab.errors import ProtocolError

__all__ = ["decoded", "safe_id"]

_Shape = TypeVar("_Shape")
_ID: Final = re.compile(r"[A-Za-z0-9_.-]+")


def decoded(body: bytes, shape: type[_Shape]) -> _Shape:
    """Read a body.

    Raises:
        ProtocolError: It has another shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProtocolError(
            f"the batch interface sent something else than it says: {error}",
            body=body[:1000].decode("utf-8", "replace"),
        ) from None


def safe_id(said: str) -> str:
    """An id that may stand in a path.

    Raises:
        ProtocolError: It holds anything but letters, digits, `_`, `-` and `.`.
    """
    if not _ID.fullmatch(said) or set(said) == {"."}:
        raise ProtocolError(f"the batch interface sent an id that is none: {said!r:.80}")
    return said
