"""Where two branches part. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.sessions.branches import Leg

__all__ = ["last_shared"]


def last_shared(left: Sequence[Leg], right: Sequence[Leg]) -> int | None:
    """The id up to which two paths are one; None where they are the same path.

    An entry is shared if its id is not larger and it lies on either path. 0 says that they share nothing.

    Args:
        left: A path, the oldest leg first.
        right: Another.
    """
    shared = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine.number != theirs.number:
            return shared
        if mine.up_to != theirs.up_to or mine.up_to is None:
            limits = [limit for limit in (mine.up_to, theirs.up_to) if limit is not None]
            return min(limits, default=None)
        shared = mine.up_to
    return shared
