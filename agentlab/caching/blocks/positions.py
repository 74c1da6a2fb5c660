"""Where the blocks of a prompt begin and end in the provider's own tokens, as far as earlier responses told.

A provider reports two or three positions of a prompt: its length, and where the cached part ends. Prompts of one
conversation begin alike, so each response pins down positions of the prompts that follow; between two known positions
the estimated sizes of the blocks are scaled to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain

__all__ = ["Positions"]


class Positions:
    """What is known of the positions in one provider's prompts. Grows with each response."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def ends(
        self, blocks: Sequence[Block], end: int, *, sizes: Sequence[int] | None = None
    ) -> tuple[int, ...]:
        """Where the first 0, 1, ... blocks of a prompt end, meeting every known position.

        Args:
            blocks: The prompt.
            end: Where its last block ends, in the provider's tokens.
            sizes: About how long each block is, in the provider's tokens; None takes the plain estimate.
        """
        estimates = [block.tokens for block in blocks]
        sizes = estimates if sizes is None else sizes
        marks = [(0, 0)]
        for index, link in enumerate(chain(blocks)[:-1], start=1):
            position = self._known.get(link)
            if position is not None and marks[-1][1] <= position <= end:
                marks.append((index, position))
        marks.append((len(blocks), end))
        found = [0]
        for (start, first), (stop, last) in pairwise(marks):
            found += _between(sizes[start:stop], estimates[start:stop], first, last)
        return tuple(found)

    def knows(self, blocks: Sequence[Block]) -> bool:
        """Whether a response told where this prefix ends."""
        return not blocks or chain(blocks)[-1] in self._known

    def learn(self, blocks: Sequence[Block], index: int, position: int) -> bool:
        """Take in that the prefix of the first `index + 1` blocks ends at `position`; whether that is news."""
        link = chain(blocks[: index + 1])[-1]
        news = self._known.get(link) != position
        self._known[link] = position
        return news


def _between(sizes: Sequence[int], estimates: Sequence[int], first: int, last: int) -> list[int]:
    """Ends of pieces of these sizes laid from one position to another; what does not fit is borne by the long texts.

    Sizes of short texts are estimated to a token or two; most of the error of a whole is that of its longest texts, and
    none is in what a vendor always adds.
    """
    if not sizes:
        return []
    error = last - first - sum(sizes)
    weights = [estimate * estimate for estimate in estimates]
    whole = sum(weights)
    if not whole:
        return [last] * len(sizes)
    fitted = [size + error * weight / whole for size, weight in zip(sizes, weights, strict=True)]
    if min(fitted) < 0:
        laid = sum(sizes)
        fitted = [
            size * (last - first) / laid if laid else error * weight / whole
            for size, weight in zip(sizes, weights, strict=True)
        ]
    return [first + round(passed) for passed in accumulate(fitted)]
