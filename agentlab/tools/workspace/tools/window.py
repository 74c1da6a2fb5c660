"""The lines of a file that one answer shows."""

from __future__ import annotations

from dataclasses import dataclass

from agentlab.tools.workspace.tools.limits import LONGEST_LINE
from agentlab.tools.workspace.tools.text_file import TextFile, short_hash
from agentlab.tools.workspace.tools.text_lines import lines_between

__all__ = ["Window", "shortened", "window_of"]


@dataclass(frozen=True)
class Window:
    """Lines of a file, and what is not among them.

    Attributes:
        first: Lines before them.
        lines: The lines; of a long one a part, and after it how much is left.
        total: Lines of the file.
        cut: Numbers (from 1) of the lines of which the end is not shown.
    """

    first: int
    lines: list[str]
    total: int
    cut: list[int]

    @property
    def end(self) -> int:
        """Lines before the first line after the window."""
        return self.first + len(self.lines)

    def header(self, path: str, file: TextFile, column: int = 0) -> str:
        """One line that says what is shown, what is not, and how to get that."""
        if not self.total:
            span = "empty"
        elif not self.lines:
            span = f"no lines at offset={self.first}: the file has {self.total}"
        else:
            span = f"lines {self.first + 1}-{self.end} of {self.total}"
        said = [span, *([f"hash {short_hash(file.digest)}"] if file.digest else []), *file.remarks]
        if column:
            said.append(f"each line from character {column}")
        if self.cut:
            numbers = ", ".join(map(str, self.cut[:5])) + (", ..." if len(self.cut) > 5 else "")
            said.append(f"lines cut: {numbers} (column={column + LONGEST_LINE} goes on)")
        if self.end < self.total:
            said.append(f"{self.total - self.end} more lines: offset={self.end}")
        return f"{path}: {', '.join(said)}"


def window_of(file: TextFile, offset: int, limit: int, column: int, most_characters: int) -> Window:
    """Cut a window out of a file.

    Args:
        file: The file.
        offset: Lines to leave out at the start; a negative number counts from the end.
        limit: Lines at most.
        column: Characters to leave out at the start of each line.
        most_characters: Characters at most, line ends included; at least one line is given.
    """
    total = file.total_lines
    first = max(0, total + offset) if offset < 0 else offset
    lines: list[str] = []
    cut: list[int] = []
    used = 0
    for number, line in enumerate(lines_between(file.data, first, first + limit), first + 1):
        shown, left = shortened(line.decode(errors="ignore"), column)
        used += len(shown) + 1
        if lines and used > most_characters:
            break
        lines.append(shown)
        if left:
            cut.append(number)
    return Window(first, lines, total, cut)


def shortened(line: str, column: int = 0, most: int = LONGEST_LINE) -> tuple[str, int]:
    """A part of a line with a remark on how much follows it, and that number."""
    left = max(0, len(line) - column - most)
    part = line[column : column + most]
    return (f"{part}[+{left} characters]", left) if left else (part, 0)
