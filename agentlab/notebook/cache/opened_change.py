"""The text around a change, cut to what a reader needs: some context, what is gone, what is new."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.character_diff import Segment, character_diff

__all__ = ["ChangedPiece", "opened", "place_in_text", "shown_characters"]

CONTEXT: Final = 160
MOST_CHANGED: Final = 1_200
MOST_PIECES: Final = 60
_SPACES: Final = {" ": "·", "\n": "↵\n", "\t": "⇥\t"}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})


@dataclass(frozen=True, slots=True)
class ChangedPiece:
    """A stretch of two texts.

    Attributes:
        kind: In both, in the earlier alone, or in the later alone; `cut` says what is left out.
        text: What a reader is shown; characters that cannot be seen are written out.
    """

    kind: str
    text: str


def opened(cause: Cause) -> tuple[ChangedPiece, ...]:
    """The change of a cause, character by character, with its surroundings; bounded however long the texts are.

    Args:
        cause: The change.
    """
    segments = character_diff(cause.before, cause.after)
    pieces: list[ChangedPiece] = []
    for index, segment in enumerate(segments[:MOST_PIECES]):
        pieces += _piece(segment, is_first=index == 0, is_last=index == len(segments) - 1)
    left = len(segments) - MOST_PIECES
    if left > 0:
        pieces.append(ChangedPiece("cut", f" … {left:,} stretches more"))
    return tuple(pieces)


def place_in_text(cause: Cause) -> str:
    """Line and column of the first difference in a text of several lines, counted from 1; empty elsewhere."""
    if cause.character is None or "\n" not in cause.before[: cause.character]:
        return ""
    same = cause.before[: cause.character]
    line = same.count("\n") + 1
    return f"line {line:,}, column {len(same) - same.rfind(chr(10)):,}"


def shown_characters(text: str, *, with_spaces: bool = False) -> str:
    r"""A text with what cannot be seen written out: controls, zero-width and direction characters as `\u200b`.

    Args:
        text: Any text.
        with_spaces: Also mark spaces, tabs and line ends: for a change that is nothing else.
    """
    return "".join(
        _SPACES.get(letter, letter)
        if with_spaces and letter in _SPACES
        else letter
        if letter in "\n\t" or unicodedata.category(letter) not in _HIDDEN
        else f"\\u{ord(letter):04x}"
        for letter in text
    )


def _piece(segment: Segment, *, is_first: bool, is_last: bool) -> list[ChangedPiece]:
    text = segment.text
    if segment.kind == "same":
        return _context(text, is_first=is_first, is_last=is_last)
    bare = not text.strip()
    shown = ChangedPiece(segment.kind, shown_characters(text[:MOST_CHANGED], with_spaces=bare))
    if len(text) <= MOST_CHANGED:
        return [shown]
    return [shown, ChangedPiece("cut", f" … {len(text) - MOST_CHANGED:,} characters more ")]


def _context(text: str, *, is_first: bool, is_last: bool) -> list[ChangedPiece]:
    """Of a long equal stretch, what is next to a change."""
    head = "" if is_first and not is_last else text[:CONTEXT]
    tail = "" if is_last else text[-CONTEXT:]
    if len(head) + len(tail) >= len(text):
        return [ChangedPiece("same", shown_characters(text))]
    left = len(text) - len(head) - len(tail)
    gap = ChangedPiece("cut", f"… {left:,} equal characters …")
    pieces = [ChangedPiece("same", shown_characters(head)), gap, ChangedPiece("same", shown_characters(tail))]
    return [piece for piece in pieces if piece.text]
