"""Repaints the growing end of an answer without flicker: only lines that changed are written again."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LinePainter"]

_BEGIN_UPDATE = (
    "\x1b[?2026h"  # synchronised output: terminals that know it show the update as one; others ignore it
)
_END_UPDATE = "\x1b[?2026l"


class LinePainter:
    """Knows which lines stand at the end of the screen, and writes what makes them other lines.

    The cursor rests in the first column below them. Lines that have scrolled out at the top cannot be changed any more
    and stay as they were painted last.

    Args:
        height: Rows of the screen.
    """

    def __init__(self, height: int) -> None:
        self.height = height
        self._shown: list[str] = []

    def paint(self, lines: Sequence[str]) -> str:
        """What to write so that these lines stand there.

        Args:
            lines: Each without a line end and narrower than the screen; they may hold colours.

        Returns:
            Text for the terminal; empty where nothing changed.
        """
        lines = list(lines)
        shown = self._shown
        same = next(
            (at for at, (old, new) in enumerate(zip(shown, lines, strict=False)) if old != new),
            min(len(shown), len(lines)),
        )
        if same == len(shown) == len(lines):
            return ""
        reach = max(0, len(shown) - (self.height - 1))
        begin = min(max(same, reach), len(shown))
        up = len(shown) - begin
        self._shown = lines
        written = [f"\x1b[{up}A\r" if up else "", *(f"{line}\x1b[K\n" for line in lines[begin:])]
        if len(lines) < len(shown):
            written.append("\x1b[J")
        return f"{_BEGIN_UPDATE}{''.join(written)}{_END_UPDATE}"

    def settle(self) -> None:
        """The lines stay; what is painted next stands below them."""
        self._shown = []
