"""Where the blocks of a prompt begin and end in the provider's own tokens, as far as earlier responses told.

A provider reports two or three positions of a prompt: its length, and where the cached part ends. Prompts of one
conversation begin alike, so each response pins down positions of the prompts that follow; between two known positions
the estimated sizes of the blocks are scaled to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import structs

from agentlab.caching.block import Block
from agentlab.caching.chain import chain

__all__ = ["Positions"]


class Positions:
    """What is known of the positions in one provider's prompts. Grows with each response."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def fitted(self, blocks: Sequence[Block], end: int) -> tuple[Block, ...]:
        """The blocks with sizes that meet every known position.

        Args:
            blocks: The prompt.
            end: Where its last block ends, in the provider's tokens.
        """
        links = chain(blocks)
        marks = [(0, 0)]
        for index, link in enumerate(links[:-1], start=1):
            position = self._known.get(link)
            if position is not None and marks[-1][1] <= position <= end:
                marks.append((index, position))
        marks.append((len(blocks), end))
        sized: list[Block] = []
        for (start, first), (stop, last) in pairwise(marks):
            sized += _scaled(blocks[start:stop], last - first)
        return tuple(sized)

    def learn(self, blocks: Sequence[Block], index: int, position: int) -> None:
        """Take in that the prefix of the first `index + 1` blocks ends at `position`."""
        self._known[chain(blocks[: index + 1])[-1]] = position


def _scaled(blocks: Sequence[Block], total: int) -> list[Block]:
    """Blocks in the proportions of their estimates whose sizes add up to the total exactly."""
    estimate = sum(block.tokens for block in blocks)
    sized: list[Block] = []
    passed = given = 0
    for block in blocks:
        passed += block.tokens
        reached = round(total * passed / estimate) if estimate else total
        sized.append(structs.replace(block, tokens=reached - given))
        given = reached
    return sized
