"""A session as it was read from a file, before any store has it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from agentlab.sessions.rows import Row
from agentlab.short_repr import ShortRepr

__all__ = ["ReadSession"]


class ReadSession(ShortRepr, Struct, frozen=True, kw_only=True):
    """What a file told.

    Attributes:
        id: The id it had where it was exported; empty where the file does not say.
        rows: Its entries.
        texts: Texts kept beside them, by digest.
        notices: What the file could not tell, in sentences.
    """

    id: str
    rows: tuple[Row, ...]
    texts: Mapping[str, str] = {}
    notices: tuple[str, ...] = ()
