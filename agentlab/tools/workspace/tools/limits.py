"""How much a file tool reads, looks at and shows: every answer fits a model's context, and no call runs for long."""

from __future__ import annotations

from typing import Final

from agentlab.http import Clock

__all__ = [
    "LONGEST_LINE",
    "MOST_BYTES",
    "MOST_CHARACTERS",
    "MOST_EDITED",
    "MOST_ENTRIES",
    "SECONDS",
    "Deadline",
]

MOST_BYTES: Final = 8 * 2**20
"""Bytes of a file that are looked at; memory stays bounded whatever the file is."""

MOST_EDITED: Final = 2 * 2**20
"""Bytes of a file that can be edited in part: several copies of it are in memory then."""

MOST_CHARACTERS: Final = 40_000
"""Characters of contents in one answer, about 10,000 tokens."""

LONGEST_LINE: Final = 2_000
"""Characters of one line that are shown at once."""

MOST_ENTRIES: Final = 2_000
"""Entries of a listing, whatever limit is asked for."""

SECONDS: Final = 1.2
"""How long a tool searches; what it then has not seen, it tells."""


class Deadline:
    """A moment after which a search gives up.

    Args:
        clock: Tells the time.
        seconds: From now.
    """

    def __init__(self, clock: Clock, seconds: float = SECONDS) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def has_passed(self) -> bool:
        """Whether it is time to give up."""
        return self._clock.monotonic() >= self._end
