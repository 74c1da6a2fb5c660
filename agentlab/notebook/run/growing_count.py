"""An estimate of tokens that keeps up with a text while it grows."""

from __future__ import annotations

from typing import Final

from agentlab.caching.tokens import pieces

__all__ = ["GrowingCount"]

_LONGEST_OPEN: Final = 64


class GrowingCount:
    """Counts as `estimate_tokens` counts the whole text, at the cost of each new piece alone.

    Only the last token may still change with what follows, so it alone is counted again. A run of whitespace beyond
    `_LONGEST_OPEN` characters is taken for complete.
    """

    def __init__(self) -> None:
        self._settled = 0
        self._open = ""

    @property
    def tokens(self) -> int:
        """About how many tokens it is so far."""
        return self._settled + bool(self._open)

    def feed(self, text: str) -> None:
        """Take more of the text."""
        if not text:
            return
        cut = pieces(self._open + text)
        self._open = cut.pop()
        self._settled += len(cut)
        if len(self._open) > _LONGEST_OPEN:
            self._settled, self._open = self._settled + 1, ""
