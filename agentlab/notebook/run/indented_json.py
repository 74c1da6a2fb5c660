"""JSON as a reader likes it: a line for each value, and what is short on one line."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["indented"]

WIDTH: Final = 80
INDENTED_UP_TO: Final = 200_000
_OPENING: Final = ("{", "[")
_CLOSING: Final = ("}", "]")


def indented(text: str) -> str:
    """The same JSON, laid out; any other text, and a very long one, as it stands.

    Args:
        text: Text that may be JSON. Numbers and strings stay as they are written.
    """
    if len(text) > INDENTED_UP_TO or not text.strip():
        return text.strip() and text
    try:
        spread = msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text
    return "\n".join(_gathered(spread.strip().split("\n")))


def _gathered(lines: list[str]) -> list[str]:
    """Lists and objects that fit on a line put on one; in laid-out JSON a line's ends say what it is."""
    done: list[str] = []
    openings: list[int] = []
    for line in lines:
        word = line.strip()
        if word.startswith(_CLOSING) and openings:
            start = openings.pop()
            inner = [each.strip() for each in done[start + 1 :]]
            joined = f"{done[start]}{' '.join(inner)}{word}"
            if len(joined) <= WIDTH and not any(each.endswith(_OPENING) for each in inner):
                del done[start:]
                done.append(joined)
                continue
        done.append(line)
        if word.endswith(_OPENING):
            openings.append(len(done) - 1)
    return done
