"""What `grep` found, written for a model: the first matches with the lines around them, and a count of all."""

from __future__ import annotations

from typing import Final

from agentlab.tools.workspace.tools.limits import MOST_CHARACTERS
from agentlab.tools.workspace.tools.patterns import Found
from agentlab.tools.workspace.tools.text_lines import lines_between
from agentlab.tools.workspace.tools.window import shortened

__all__ = ["MOST_MATCHES", "Matches"]

MOST_MATCHES: Final = 100
_LONGEST: Final = 300
_LEAD: Final = 100
_MOST_REMARKS: Final = 10


class Matches:
    """Takes what was found, file by file.

    Args:
        before: Lines shown before each match.
        after: Lines shown after each match.

    Attributes:
        searched: Files that were searched.
        not_searched: What was not, each a clause.
    """

    def __init__(self, before: int, after: int) -> None:
        self._before = before
        self._after = after
        self._lines: list[str] = []
        self._characters = 0
        self._shown = 0
        self._count = 0
        self._files = 0
        self.searched = 0
        self.not_searched: list[str] = []

    def add(self, path: str, data: bytes, found: Found) -> None:
        """Take what was found in a file."""
        self._count += found.count
        self._files += 1
        hits = found.hits[: max(0, MOST_MATCHES - self._shown)]
        if not hits or self._characters > MOST_CHARACTERS:
            return
        self._put(f"== {path}")
        starts = dict(hits)
        for number, (first, last) in enumerate(_groups(hits, self._before, self._after)):
            if self._characters > MOST_CHARACTERS:
                break
            if number and (self._before or self._after):
                self._put("--")
            for line, raw in enumerate(lines_between(data, first, last), first):
                self._put(_written(line, raw.decode(errors="ignore"), starts.get(line)))
                self._shown += line in starts

    @property
    def text(self) -> str:
        """The answer."""
        lines = [self._summary()]
        remarks = self.not_searched[:_MOST_REMARKS]
        if len(self.not_searched) > _MOST_REMARKS:
            remarks.append(f"{len(self.not_searched) - _MOST_REMARKS} more")
        if remarks:
            lines.append(f"not searched: {'; '.join(remarks)}")
        return "\n".join([*lines, *self._lines])

    def _summary(self) -> str:
        if not self.searched and not self.not_searched:
            return "no file matches path_pattern"
        if not self._count:
            return f"no matches in {self.searched} files"
        said = f"{self._count} matching lines in {self._files} of {self.searched} files"
        left = self._count - self._shown
        if not left:
            return said
        return f"{said}; the first {self._shown} shown, {left} more: narrow pattern or path_pattern"

    def _put(self, line: str) -> None:
        self._lines.append(line)
        self._characters += len(line) + 1


def _groups(hits: list[tuple[int, int]], before: int, after: int) -> list[tuple[int, int]]:
    """The spans of lines to show: each match with its context, those that touch made one."""
    spans: list[tuple[int, int]] = []
    for line, _ in hits:
        first, last = max(0, line - before), line + after + 1
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def _written(number: int, line: str, start: int | None) -> str:
    """A line with its number; of a long one the part around its match."""
    mark = "-" if start is None else ":"
    skipped = max(0, min((start or 0) - _LEAD, len(line) - _LONGEST))
    lead = f"[{skipped} characters+]" if skipped else ""
    return f"{number + 1}{mark}{lead}{shortened(line, skipped, _LONGEST)[0]}"
