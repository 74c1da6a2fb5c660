"""Where the blocks of a prompt begin and end in the provider's own tokens, as far as earlier responses told.

A provider reports two or three positions of a prompt: its length, and where the cached part ends. Prompts of one
conversation begin alike, so each response pins down positions of the prompts that follow; between two known positions
the estimated sizes of the blocks are scaled to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain

__all__ = ["Positions"]

_ESTIMATED_FRAME: Final = 4
"""Tokens that the estimate of a block counts for a message around it."""
_FRAME: Final = 2
"""Tokens around a message. Recorded: 8 past a marked system prompt for "Hello there.", of which 3 begin the answer."""


class Positions:
    """What is known of the positions in one provider's prompts. Grows with each response."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def ends(self, blocks: Sequence[Block], end: int, *, tool_prompt: int = 0) -> tuple[int, ...]:
        """Where the first 0, 1, ... blocks of a prompt end, meeting every known position.

        Args:
            blocks: The prompt.
            end: Where its last block ends, in the provider's tokens.
            tool_prompt: Tokens of the vendor's own ahead of the first message.
        """
        sizes = [_size(block) for block in blocks]
        first_message = next((index for index, block in enumerate(blocks) if block.kind == "message"), None)
        if tool_prompt and first_message is not None:
            sizes[first_message] += tool_prompt
        marks = [(0, 0)]
        for index, link in enumerate(chain(blocks)[:-1], start=1):
            position = self._known.get(link)
            if position is not None and marks[-1][1] <= position <= end:
                marks.append((index, position))
        marks.append((len(blocks), end))
        found = [0]
        for (start, first), (stop, last) in pairwise(marks):
            found += _between(sizes[start:stop], first, last)
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


def _size(block: Block) -> int:
    """A block's estimated tokens. Settings are no text but for schemas; a part of a message has no frame of its own."""
    if block.kind == "setting":
        return block.tokens if "schema" in block.text else 0
    if block.kind == "tool":
        return block.tokens
    return max(1, block.tokens - _ESTIMATED_FRAME) + (_FRAME if block.ends_message else 0)


def _between(sizes: Sequence[int], first: int, last: int) -> list[int]:
    """Ends of pieces of these sizes laid from one position to another; what does not fit is borne by the large ones.

    Sizes of short texts are estimated to a token or two; most of the error of a whole is that of its longest texts.
    """
    if not sizes:
        return []
    error = last - first - sum(sizes)
    weights = [size * size for size in sizes]
    whole = sum(weights)
    if not whole:
        return [last] * len(sizes)
    fitted = [size + error * weight / whole for size, weight in zip(sizes, weights, strict=True)]
    if min(fitted) < 0:
        fitted = [size * (last - first) / sum(sizes) for size in sizes]
    return [first + round(passed) for passed in accumulate(fitted)]
