"""Where a history is cut: rarely and in big steps, because every cut loses what the provider had cached of it."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.errors import UsageError

__all__ = ["check_sizes", "first_kept"]


def first_kept(sizes: Sequence[int], limit: int, keep: int) -> int:
    """The first of several things in a row that is kept, if the row may not outgrow a limit.

    The row is replayed from its beginning: each time it is over the limit, it is cut down to `keep`. So the answer hangs on
    the row alone, and stays the same until the limit is met again; with `keep` at the limit it moves with every step.
    The newest is kept wherever it fits the limit by itself.

    Args:
        sizes: The size of each, the oldest first; none negative.
        limit: How much is kept at most.
        keep: How much is left after a cut, `limit` at most.

    Returns:
        Its place; `len(sizes)` where none is kept.
    """
    start = held = 0
    for place, size in enumerate(sizes):
        held += size
        if held <= limit:
            continue
        newest = place if size <= limit else place + 1
        while start < newest and held > keep:
            held -= sizes[start]
            start += 1
    return start


def check_sizes(name: str, limit: int, keep: int | None) -> int:
    """What is kept after a cut: half the limit where nothing is said.

    Raises:
        UsageError: The limit is not positive, or more should be kept than it allows.
    """
    if limit < 1:
        raise UsageError(f"a window of {limit} {name} keeps nothing; give 1 or more, or use `NoMemory()`")
    kept = max(1, limit // 2) if keep is None else keep
    if not 1 <= kept <= limit:
        raise UsageError(f"`keep` is what is left after a cut, from 1 to {limit} {name}, not {kept}")
    return kept
