"""Two texts cut into what is the same, what is gone and what is new."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

from msgspec import Struct

from agentlab.caching.blocks.common_text import common_start

__all__ = ["Segment", "character_diff"]

_WORD: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
_MOST_WORDS: Final = 2_000
"""Above this a comparison word by word costs more than it shows; the texts are then shown as one change."""
_MOST_PAIRS: Final = 40_000
"""The same for words that return again and again: the comparison looks at every pair of equal ones, often."""


class Segment(Struct, frozen=True):
    """A stretch of two texts: in both, in the earlier alone, or in the later alone."""

    kind: Literal["same", "gone", "new"]
    text: str


def character_diff(before: str, after: str) -> tuple[Segment, ...]:
    """Compare two texts; the segments that are not new add up to the earlier, those that are not gone to the later.

    The start and the end in common are exact to the character; what lies between is compared word by word.

    Args:
        before: The earlier text.
        after: The later text.
    """
    start = common_start(before, after)
    end = min(
        common_start(before[start:][::-1], after[start:][::-1]), len(before) - start, len(after) - start
    )
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    segments = [
        Segment("same", before[:start]),
        *_between(old, new),
        Segment("same", before[len(before) - end :]),
    ]
    return tuple(segment for segment in segments if segment.text)


def _between(old: str, new: str) -> Iterator[Segment]:
    was, now = _WORD.findall(old), _WORD.findall(new)
    if not was or not now or len(was) + len(now) > _MOST_WORDS or _equal_pairs(was, now) > _MOST_PAIRS:
        yield Segment("gone", old)
        yield Segment("new", new)
        return
    for step, low, high, first, last in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if step == "equal":
            yield Segment("same", "".join(was[low:high]))
            continue
        yield Segment("gone", "".join(was[low:high]))
        yield Segment("new", "".join(now[first:last]))


def _equal_pairs(was: Sequence[str], now: Sequence[str]) -> int:
    counts = Counter(was)
    return sum(counts[word] for word in now)
