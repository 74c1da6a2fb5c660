"""Where the blocks of recorded prompts end, in a provider's tokens: one rule for all that replays, plans or projects a run.

A prompt is as long as its provider reported; one it did not count is estimated by the factors of its profile. What it has
in common with an earlier prompt of the run is as long as it was there, so equal prefixes are equal in length, and what is
new fills the rest. Behind its last block stand the tokens that begin the answer, where a provider has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.calls import RecordedCall
from agentlab.caching.policies.profile import Profile
from agentlab.caching.replaying.layouts import Layout

__all__ = ["Measured", "PromptEnds", "measured_run", "relaid_totals", "reported_tokens"]


def reported_tokens(call: RecordedCall) -> int | None:
    """The length of a call's prompt as its provider counted it; None where it did not."""
    return call.usage.input_tokens if call.usage is not None else None


class Measured(Struct, frozen=True):
    """A prompt in a provider's tokens.

    Attributes:
        ends: Where its first 0, 1, ... blocks end.
        tail: Tokens past the last of them, which no marker can reach.
    """

    ends: tuple[int, ...]
    tail: int = 0

    @property
    def total(self) -> int:
        """The whole prompt."""
        return self.ends[-1] + self.tail


def measured_run(
    laid: Sequence[Layout],
    totals: Sequence[int | None],
    profile: Profile,
    positions: PromptEnds | None = None,
) -> list[Measured]:
    """The prompts of a run in the tokens of who serves them.

    Args:
        laid: The prompts, in the order they were sent.
        totals: The length of each, where it is known.
        profile: The cache of who serves them.
        positions: What has measured the run in other orders, where no length is known: equal prefixes are found again.
    """
    known = PromptEnds(profile) if positions is None else positions
    return [
        known.of(layout.blocks, layout.settings, total) for layout, total in zip(laid, totals, strict=True)
    ]


def relaid_totals(
    calls: Sequence[RecordedCall],
    was: Sequence[Layout],
    now: Sequence[Layout],
    before: Profile,
    after: Profile,
) -> list[int | None]:
    """The length of each prompt laid out otherwise: what was reported, scaled by the two estimates; None where nothing was.

    Args:
        calls: The calls.
        was: What each sent.
        now: What each would send.
        before: The cache of who served them.
        after: The cache of who would.
    """
    counted = [reported_tokens(call) for call in calls]
    if was is now or all(count is None for count in counted):
        return counted
    nothing = [None] * len(calls)
    estimates = zip(measured_run(was, nothing, before), measured_run(now, nothing, after), strict=True)
    return [
        count if count is None or not old.total else round(count * new.total / old.total)
        for count, (old, new) in zip(counted, estimates, strict=True)
    ]


class _Node:
    """A place in the tree of prefixes: where it is, and what followed it, by digest and whether that ended a message."""

    __slots__ = ("children", "end")

    def __init__(self, end: int) -> None:
        self.end = end
        self.children: dict[tuple[str, bool], _Node] = {}


class PromptEnds:
    """The prompts of a run so far, as a tree of blocks with their ends. A prompt that only grew costs its new blocks.

    Args:
        profile: The cache of who serves them: how it counts.
    """

    def __init__(self, profile: Profile) -> None:
        self._counts = profile.counts
        self._blocks: tuple[Block, ...] = ()
        self._ends: tuple[int, ...] = (0,)
        self._path: list[_Node] = [_Node(0)]

    def of(self, blocks: tuple[Block, ...], settings: Mapping[str, Any], total: int | None) -> Measured:
        """The next prompt.

        Args:
            blocks: Its blocks.
            settings: The fields of its body that change how it is counted.
            total: Its length, where it is known; it is met exactly.
        """
        tail = self._counts.tail_of(blocks, settings)
        tail = tail if total is None else min(tail, total)
        known = self._find(blocks)
        start = self._path[-1].end
        sizes = list(accumulate(self._sizes(blocks, known, settings)))
        whole = sizes[-1] if sizes else 0
        last = start + whole if total is None else total - tail
        if total is not None and whole:
            room = max(0, last - start)
            sizes = [round(room * size / whole) for size in sizes]
        new = [start + size for size in sizes]
        for block, end in zip(blocks[known:], new, strict=True):
            node = self._path[-1].children[block.digest, block.ends_message] = _Node(end)
            self._path.append(node)
        ends = (*self._ends[: known + 1], *new)
        self._blocks, self._ends = blocks, ends
        if ends[-1] == last or not blocks:
            return Measured(ends, tail)
        # The provider counted less than for a prompt that this one begins with, or more for the very same.
        return Measured((*(min(end, last) for end in ends[:-1]), last), tail)

    def _find(self, blocks: tuple[Block, ...]) -> int:
        """How many blocks from the start are known; the path and the ends are then theirs."""
        known = _common(self._blocks, blocks)
        del self._path[known + 1 :]
        ends = list(self._ends[: known + 1])
        for block in blocks[known:]:
            node = self._path[-1].children.get((block.digest, block.ends_message))
            if node is None:
                break
            self._path.append(node)
            ends.append(node.end)
        self._ends = tuple(ends)
        return len(ends) - 1

    def _sizes(self, blocks: tuple[Block, ...], known: int, settings: Mapping[str, Any]) -> tuple[int, ...]:
        """Estimates of the blocks behind the known ones. Those that bear what the vendor adds once are shown with them."""
        bearers: list[Block] = list(blocks[: min(1, known)])
        for kind in ("tool", "message"):
            first = next((block for block in blocks[:known] if block.kind in {kind, "message"}), None)
            if first is not None and first.kind == kind:
                bearers.append(first)
        return self._counts.sizes((*bearers, *blocks[known:]), settings)[len(bearers) :]


def _common(one: tuple[Block, ...], other: tuple[Block, ...]) -> int:
    """How many blocks two prompts share from the start, as far as the very same blocks tell: those are compared fast."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
