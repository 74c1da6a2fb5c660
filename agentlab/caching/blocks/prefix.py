"""Whether one request still begins with another, block for block, and where it does not.

Providers cache a prefix. A conversation that only appends keeps it; one changed tool description, one timestamp in the
system prompt, and everything after is paid again. The counters stay above zero, so nobody notices (Rig checks its
recordings for exactly this; here it is checked while you work).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import eq, indexOf, is_

from msgspec import Struct

from agentlab.caching.blocks.splitting import Block
from agentlab.short_repr import ShortRepr

__all__ = ["PrefixMatch", "common_tokens", "same_objects", "shared_prefix"]


class PrefixMatch(ShortRepr, Struct, frozen=True):
    """What two requests share from the start.

    Attributes:
        blocks: Equal blocks at the start.
        tokens: Equal tokens at the start, the equal part of the first unequal block included.
        is_prefix: Whether the whole earlier request is the start of the later one.
        moved: Index of the first block of the earlier request that changed or is gone; None where `is_prefix`.
        before: That block.
        after: What stands in its place now; None where nothing does.
    """

    blocks: int
    tokens: int
    is_prefix: bool
    moved: int | None = None
    before: Block | None = None
    after: Block | None = None


def shared_prefix(previous: Sequence[Block], current: Sequence[Block]) -> PrefixMatch:
    """Compare two requests of one conversation.

    Args:
        previous: Blocks of the earlier request, see `split`.
        current: Blocks of the later one.
    """
    equal = 0
    for before, after in zip(previous, current, strict=False):
        if before.text != after.text or before.kind != after.kind or before.role != after.role:
            break
        equal += 1
    tokens = sum(block.tokens for block in previous[:equal])
    if equal == len(previous):
        return PrefixMatch(equal, tokens, is_prefix=True)
    moved = previous[equal]
    successor = current[equal] if equal < len(current) else None
    if successor is not None:
        tokens += common_tokens(moved.token_ids(), successor.token_ids())
    return PrefixMatch(equal, tokens, is_prefix=False, moved=equal, before=moved, after=successor)


def same_objects(one: Sequence[object], other: Sequence[object]) -> int:
    """How many members at the start of two sequences are the same objects, which needs no look into them."""
    try:
        return indexOf(map(is_, one, other), False)
    except ValueError:
        return min(len(one), len(other))


def common_tokens(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences share from the start."""
    try:
        return indexOf(map(eq, left, right), False)
    except ValueError:
        return min(len(left), len(right))
