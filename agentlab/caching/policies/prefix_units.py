"""DeepSeek's units: what is kept are whole prompts, and prefixes that two prompts turned out to have in common.

A request A+B leaves the unit A+B. A request A+C finds no unit, but shows that A is common, and leaves A as well as A+C;
so A+D, the third, reads A (https://api-docs.deepseek.com/guides/kv_cache). The ends of answers are units too; they come
into the prompts that follow, and those end behind them. Fixed intervals are named there without a number: none is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.prefix_tree import Held

__all__ = ["PrefixUnits"]


class PrefixUnits:
    """The ends of the units in the prompts of one machine: after a chain of blocks, and so many tokens of the next."""

    def __init__(self) -> None:
        self._ends: dict[str, set[tuple[int, ...]]] = {}

    def read(self, blocks: Sequence[Block], held: Held) -> Held:
        """The longest unit within what is held; then the units that this prompt leaves are kept.

        Args:
            blocks: The prompt.
            held: What it has in common with an earlier one.
        """
        links = ("", *chain(blocks))
        found = Held(expired=held.expired)
        for count in range(held.blocks, -1, -1):
            tokens = self._longest(links[count], blocks, count, held)
            if tokens is not None:
                found = Held(count, tokens, held.uses, held.expired)
                break
        self._ends.setdefault(links[-1], set()).add(())
        common = blocks[held.blocks].token_ids()[: held.tokens] if held.tokens else []
        if held.blocks or common:
            self._ends.setdefault(links[held.blocks], set()).add(tuple(common))
        return found

    def _longest(self, link: str, blocks: Sequence[Block], count: int, held: Held) -> int | None:
        """Tokens of the block after a link at whose end the longest unit ends; None where none does."""
        ends = self._ends.get(link)
        if not ends:
            return None
        if ends == {()} or count == len(blocks):
            return 0 if () in ends else None
        ids = tuple(blocks[count].token_ids())
        reach = held.tokens if count == held.blocks else len(ids)
        fitting = [len(end) for end in ends if len(end) <= reach and ids[: len(end)] == end]
        return max(fitting, default=None)
