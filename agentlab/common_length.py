"""How much two sequences share from the start, where what they share is mostly the same objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["common_length"]

Member = TypeVar("Member")


def common_length(one: Sequence[Member], other: Sequence[Member]) -> int:
    """How many equal members two sequences begin with, found by comparing whole stretches.

    A conversation that grew, or a prompt cut anew, shares most of its members as the same objects: comparing a stretch of
    those reads hardly anything of them.

    Args:
        one: A sequence, best a tuple.
        other: Another one of the same type: a list and a tuple are never equal.
    """
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    same, different = 0, most
    while different - same > 1:
        middle = (same + different) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            different = middle
    return same
