"""Replaces and inserts text so that everything else stays as it is to the byte, line ends included."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from agentlab.errors import ToolError

__all__ = ["Edited", "inserted", "replaced"]

_MOST_NAMED = 5


@dataclass(frozen=True)
class Edited:
    """A text after an edit.

    Attributes:
        text: All of it.
        changes: Places that were changed.
        first_line: Number, from 1, of the line where the first change begins.
    """

    text: str
    changes: int
    first_line: int


def replaced(path: str, text: str, old: str, new: str, *, replace_all: bool = False) -> Edited:
    r"""Replace a text that occurs exactly once, or every time it occurs.

    Line ends are compared as if all were "\n"; what is put in gets those of the text it replaces.

    Args:
        path: The file's name, for messages.
        text: Its text as it is.
        old: What is replaced.
        new: What stands there instead.
        replace_all: Whether `old` may occur more than once.

    Raises:
        ToolError: It occurs never, or too often, or nothing would change.
    """
    plain, old, new = _plain(text), _plain(old), _plain(new)
    if not old:
        raise ToolError(
            "old_string is empty; use insert_line and insert_content to add text, `write` for all"
        )
    if old == new:
        raise ToolError("old_string and new_string are the same: nothing to change")
    starts = _occurrences(plain, old)
    if not starts:
        raise ToolError(f"old_string does not occur in `{path}`{_hint(plain, old)}; nothing was written")
    if len(starts) > 1 and not replace_all:
        raise ToolError(
            f"old_string occurs {len(starts)} times in `{path}` (lines {_lines_of(plain, starts)}); give more of the text "
            "around it, or set replace_all; nothing was written"
        )
    breaks = _positions_of_crlf(text)
    pieces: list[str] = []
    done = 0
    for start in starts:
        raw_start = start + bisect_left(breaks, start)
        raw_end = start + len(old) + bisect_left(breaks, start + len(old))
        pieces += [text[done:raw_start], _with_ends(new, text[raw_start:raw_end], text)]
        done = raw_end
    return Edited("".join((*pieces, text[done:])), len(starts), plain.count("\n", 0, starts[0]) + 1)


def inserted(path: str, text: str, line: int, content: str) -> Edited:
    """Insert whole lines.

    Args:
        path: The file's name, for messages.
        text: Its text as it is.
        line: Number of the line after which they go; 0 for the start.
        content: The lines; the last one's end may be left out.

    Raises:
        ToolError: The file has fewer lines, or there is nothing to insert.
    """
    if not content:
        raise ToolError("insert_content is empty: nothing to insert")
    at = _end_of_line(text, line)
    if at is None:
        total = text.count("\n") + (bool(text) and not text.endswith("\n"))
        raise ToolError(f"`{path}` has {total} lines, so nothing can be inserted after line {line}")
    added = _plain(content)
    before, after = text[:at], text[at:]
    if before and not before.endswith("\n"):
        added = "\n" + added
    elif not added.endswith("\n"):
        added += "\n"
    ended = _with_ends(added, "", text)
    if before.endswith("\r") and ended.startswith("\n"):
        ended = (
            "\r" + ended
        )  # a return that ends the text is a character of its line, and must not become half an end
    return Edited(before + ended + after, 1, line + 1)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _occurrences(text: str, part: str) -> list[int]:
    starts = []
    at = text.find(part)
    while at >= 0:
        starts.append(at)
        at = text.find(part, at + len(part))
    return starts


def _positions_of_crlf(text: str) -> list[int]:
    r"""Where the line ends that were CRLF are once all are "\n"."""
    positions: list[int] = []
    at = text.find("\r\n")
    while at >= 0:
        positions.append(at - len(positions))
        at = text.find("\r\n", at + 2)
    return positions


def _with_ends(new: str, instead_of: str, text: str) -> str:
    """The new text with the line ends of what it stands for, or else those that most lines of the file have."""
    scope = instead_of if "\n" in instead_of else text
    crlf = scope.count("\r\n")
    return new.replace("\n", "\r\n") if crlf > scope.count("\n") - crlf else new


def _end_of_line(text: str, line: int) -> int | None:
    """Where the text goes on after a line; None if there are fewer."""
    at = 0
    for _ in range(line):
        if at >= len(text):
            return None
        at = text.find("\n", at) + 1 or len(text)
    return at


def _lines_of(text: str, starts: list[int]) -> str:
    named = ", ".join(str(text.count("\n", 0, start) + 1) for start in starts[:_MOST_NAMED])
    return f"{named}, ..." if len(starts) > _MOST_NAMED else named


def _hint(text: str, old: str) -> str:
    """Where the words of the text's first line stand with other spaces, which is what most misses are."""
    words = next((line.split() for line in old.split("\n") if line.strip()), [])
    if not words:
        return ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.split() == words:
            return f": its first line stands at line {number} with other spaces, or what follows it differs"
    return ""
