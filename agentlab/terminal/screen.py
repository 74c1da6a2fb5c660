"""The terminal as an answer needs it: what is done scrolls up, what still grows is repainted at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TextIO

from agentlab.terminal.line_painter import LinePainter

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Screen"]

_NARROWEST: Final = 20
_WIDEST: Final = 120  # longer lines are hard to read


class Screen:
    """Prints, and repaints the end of what was printed.

    Args:
        output: The terminal.
        size: Gives its columns and rows; asked again for every new piece, so that a resized window is followed.
    """

    def __init__(self, output: TextIO, *, size: Callable[[], tuple[int, int]] | None = None) -> None:
        self._output = output
        self._size = size or _size_of_terminal
        self._painter: LinePainter | None = None
        self._width = _NARROWEST

    def show(self, *renderables: RenderableType) -> None:
        """Let this stand at the end, in place of what `show` put there before.

        Args:
            *renderables: Objects of rich; plain strings are printed as they are.
        """
        painter = self._open()
        self._write(painter.paint([line for each in renderables for line in self._lines(each)]))

    def settle(self) -> None:
        """What `show` put at the end stays; more goes below it."""
        self._painter = None

    def print(self, *renderables: RenderableType) -> None:
        """Put something at the end for good, in place of what `show` put there before."""
        self.show(*renderables)
        self.settle()

    def _open(self) -> LinePainter:
        if self._painter is None:
            columns, rows = self._size()
            # One column stays free: a full line would leave the cursor where terminals disagree about it.
            self._width = max(_NARROWEST, min(columns - 1, _WIDEST))
            self._painter = LinePainter(max(rows, 2))
        return self._painter

    def _lines(self, renderable: RenderableType) -> list[str]:
        """A renderable as lines with colours, without empty lines around it."""
        console = self._console()
        with console.capture() as captured:
            console.print(renderable, markup=False, highlight=False, emoji=False)
        lines = [line.rstrip(" ") for line in captured.get().split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        first = next((at for at, line in enumerate(lines) if line), 0)
        return lines[first:] or [""]

    def _console(self) -> Console:
        from rich.console import Console  # noqa: PLC0415 - optional

        return Console(file=self._output, width=self._width, force_terminal=True, legacy_windows=False)

    def _write(self, text: str) -> None:
        if text:
            self._output.write(text)
            self._output.flush()


def _size_of_terminal() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines
