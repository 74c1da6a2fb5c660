"""A model's text on its way to a terminal, piece by piece, without anything that could act on the terminal.

An escape sequence may be cut anywhere between two pieces; its beginning is held back until its end is known.
"""

from __future__ import annotations

import re
from typing import Final

from agentlab.plain_text import terminal_safe

__all__ = ["SafeStream"]

# What a later piece can still make longer, at the end of a text (ECMA-48): a string sequence without its terminator, a
# control sequence without its final byte, an escape without what follows it; and a carriage return, which may be half a
# line end.
_STRING: Final = re.compile(r"(\x1b[\]P^_X]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(\x1b?)\Z")
_UNFINISHED: Final = re.compile(r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[ -/]*|\r)\Z")


class SafeStream:
    """Makes pieces of text safe to print; all it gives, joined, is `terminal_safe` of all it took."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece.

        Args:
            piece: More of the text.

        Returns:
            What can be printed of it and of what was held back before.
        """
        text = self._held + piece
        string = _STRING.search(text)
        if string is not None:
            # What such a sequence says is never printed, so only its beginning is kept, however long it gets.
            self._held = string[1] + string[2]
            return terminal_safe(text[: string.start()])
        unfinished = _UNFINISHED.search(text)
        if unfinished is None:
            self._held = ""
            return terminal_safe(text)
        self._held = unfinished[0]
        return terminal_safe(text[: unfinished.start()])

    def close(self) -> str:
        """The text has ended: what is left to print."""
        held, self._held = self._held, ""
        return terminal_safe(held)
