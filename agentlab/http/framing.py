"""Framing: from bytes to frames."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Frame"]


class Frame(Struct, frozen=True, gc=False):
    """One unit of a streamed body.

    Attributes:
        data: The payload, UTF-8 JSON on every wire here.
        event: The SSE event type, or the `:event-type` of AWS event streams; `""` where there is none.
    """

    data: bytes
    event: str = ""
