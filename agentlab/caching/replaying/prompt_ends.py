"""Where the blocks of recorded prompts end, in a provider's tokens: one rule for all that replays, plans or projects a run.

A prompt is as long as its provider reported; one it did not count is estimated by the factors of its profile. What it has
in common with an earlier prompt of the run is as long as it was there, so equal prefixes are equal in length, and what is
new fills the rest. Behind its last block stand the tokens that begin the answer, where a provider has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import next_link
from agentlab.caching.calls import RecordedCall
from agentlab.caching.policies.profile import Profile
from agentlab.caching.replaying.layouts import Layout
from agentlab.common_length import common_length

__all__ = ["Measured", "PromptEnds", "measured_run", "relaid_totals", "reported_tokens"]


def reported_tokens(call: RecordedCall) -> int | None:
    """The length of a call's prompt as its provider counted it; None where it did not."""
    return call.usage.input_tokens if call.usage is not None else None


class Measured(Struct, frozen=True):
    """A prompt in a provider's tokens.

    Attributes:
        ends: Where its first 0, 1, ... blocks end.
        tail: Tokens past the last of them, which no marker can reach.
        links: The digest of the prefix that ends at each block; see `chain`.
    """

    ends: tuple[int, ...]
    tail: int = 0
    links: tuple[str, ...] = ()

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


class PromptEnds:
    """The prompts of a run so far, as a tree of blocks with their ends. A prompt that only grew costs its new blocks.

    Args:
        profile: The cache of who serves them: how it counts.
    """

    def __init__(self, profile: Profile) -> None:
        self._counts = profile.counts
        self._blocks: tuple[Block, ...] = ()
        self._ends: tuple[int, ...] = (0,)
        self._links: tuple[str, ...] = ()
        # The tree: each place has a number, and what followed it is found by digest and whether that ended a message.
        # Plain numbers and texts, because a replay of many orders makes hundreds of thousands of places.
        self._next: dict[tuple[int, str, bool], int] = {}
        self._place_ends = [0]
        self._place_links = [""]
        self._path = [0]

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
        start = self._place_ends[self._path[-1]]
        sizes = list(accumulate(self._sizes(blocks, known, settings)))
        whole = sizes[-1] if sizes else 0
        last = start + whole if total is None else total - tail
        if total is not None and whole:
            room = max(0, last - start)
            sizes = [round(room * size / whole) for size in sizes]
        new = [start + size for size in sizes]
        self._grow(blocks[known:], new)
        ends = self._ends = (*self._ends, *new)
        self._blocks = blocks
        if ends[-1] == last or not blocks:
            return Measured(ends, tail, self._links)
        # The provider counted less than for a prompt that this one begins with, or more for the very same.
        before = bisect_right(ends, last, hi=len(ends) - 1)
        return Measured((*ends[:before], *[last] * (len(ends) - before)), tail, self._links)

    def _grow(self, blocks: tuple[Block, ...], ends: list[int]) -> None:
        """Add places behind the path."""
        place, link, first = self._path[-1], self._links[-1] if self._links else "", len(self._place_ends)
        for number, block in enumerate(blocks, first):
            self._next[place, block.digest, block.ends_message] = place = number
            link = next_link(link, block)
            self._place_links.append(link)
        self._place_ends += ends
        self._path += range(first, first + len(blocks))
        self._links += tuple(self._place_links[first:])

    def _find(self, blocks: tuple[Block, ...]) -> int:
        """How many blocks from the start are known; the path and the ends are then theirs."""
        known = common_length(self._blocks, blocks)
        path = self._path
        if known < len(self._blocks):
            del path[known + 1 :]
            self._ends, self._links = self._ends[: known + 1], self._links[:known]
        place = path[-1]
        for block in blocks[known:]:
            found = self._next.get((place, block.digest, block.ends_message))
            if found is None:
                break
            place = found
            path.append(place)
        again = path[known + 1 :]
        if again:
            self._ends += tuple([self._place_ends[number] for number in again])
            self._links += tuple([self._place_links[number] for number in again])
        return len(path) - 1

    def _sizes(self, blocks: tuple[Block, ...], known: int, settings: Mapping[str, Any]) -> tuple[int, ...]:
        """Estimates of the blocks behind the known ones. Those that bear what the vendor adds once are shown with them."""
        bearers: list[Block] = list(blocks[: min(1, known)])
        for kind in ("tool", "message"):
            first = next((block for block in blocks[:known] if block.kind in {kind, "message"}), None)
            if first is not None and first.kind == kind:
                bearers.append(first)
        return self._counts.sizes((*bearers, *blocks[known:]), settings)[len(bearers) :]
