"""Token ids to text, one by one: a character of several tokens is given once it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["Detokenizer"]

_BROKEN: Final = "\ufffd"
_MOST_OPEN: Final = 8


class Detokenizer:
    """The text of tokens that come one at a time.

    What a token adds depends on those before it (spaces, joined characters), so a few are decoded again with each.

    Args:
        decode: Token ids to text.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = 0
        self._read = 0

    def add(self, token: int) -> str:
        """What a token adds; `""` while its character is incomplete."""
        self._ids.append(token)
        return self._new(final=len(self._ids) - self._read > _MOST_OPEN)

    def finish(self) -> str:
        """What is left of an incomplete character."""
        return self._new(final=True)

    def _new(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._start : self._read])
        text = self._decode(self._ids[self._start :])
        if len(text) <= len(before) or (text.endswith(_BROKEN) and not final):
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text[len(before) :]
