"""The beginning of a long text, as a reader is shown it at first; `static/bounded_text.js` cuts alike."""

from __future__ import annotations

from typing import Final

__all__ = ["RESULT_LIMIT", "beginning", "shortened"]

LINES: Final = 20
CHARACTERS: Final = 2_000
SLACK: Final = 1.25
RESULT_LIMIT: Final = 20_000


def beginning(text: str) -> str:
    """What is shown of a text at first; all of it where little would be left out."""
    if text.count("\n") < LINES * SLACK and len(text) <= CHARACTERS * SLACK:
        return text
    return "\n".join(text.split("\n", LINES)[:LINES])[:CHARACTERS]


def shortened(text: str, limit: int = RESULT_LIMIT) -> str:
    """The beginning of a long text, and how much is left out."""
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} more characters"
