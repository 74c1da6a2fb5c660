"""Prompts that a machine has computed, as a tree of blocks: what of a new prompt it still holds.

The ground of the rules that match tokens rather than marked places. Each place knows when it was last used, so entries
expire, and the least recently used leave first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.prefix import common_tokens

__all__ = ["Held", "PrefixTree"]


class Held(Struct, frozen=True):
    """What a tree holds of a prompt.

    Attributes:
        blocks: Whole blocks from the start.
        tokens: Tokens of the block after them, in the estimate's count.
        uses: How often the whole blocks were stored before.
        expired: Whether it once held more, and let it go.
    """

    blocks: int = 0
    tokens: int = 0
    uses: int = 0
    expired: bool = False


class _Node:
    __slots__ = ("block", "children", "expires", "ids", "readable", "used", "uses")

    def __init__(self, block: Block | None) -> None:
        self.block = block
        self.children: dict[str, _Node] = {}
        self.ids: list[int] | None = None
        self.expires = float("-inf")
        self.readable = float("inf")
        self.used = float("-inf")
        self.uses = 0

    def token_ids(self) -> list[int]:
        """The block's tokens, read once and only where it is compared with a sibling."""
        if self.ids is None:
            assert self.block is not None
            self.ids = self.block.token_ids()
        return self.ids

    def is_held(self, now: float, *, immediate: bool) -> bool:
        return self.expires >= now and (self.readable <= now if immediate else self.readable < now)


class PrefixTree:
    """One machine's memory of one scope.

    Args:
        immediate: Whether a prompt can be read by another of the same moment.
        capacity: Estimated tokens it keeps; None for no limit.
    """

    def __init__(self, *, immediate: bool = False, capacity: int | None = None) -> None:
        self._root = _Node(None)
        self._immediate = immediate
        self._capacity = capacity
        self._size = 0

    def held(self, blocks: Sequence[Block], now: float, *, within_block: bool = True) -> Held:
        """What is held of a prompt.

        Args:
            blocks: The prompt.
            now: The time in seconds.
            within_block: Whether the start of a block counts where the block differs.
        """
        node, uses, expired = self._root, 0, False
        for index, block in enumerate(blocks):
            known = node.children.get(block.digest)
            if known is not None and known.is_held(now, immediate=self._immediate):
                node, uses = known, known.uses
                continue
            expired = known is not None and known.expires < now
            tokens = self._within(node, block, now) if within_block else 0
            return Held(index, tokens, uses, expired)
        return Held(len(blocks), 0, uses)

    def store(self, blocks: Sequence[Block], now: float, ttl_s: float, *, ready_s: float = 0.0) -> None:
        """Keep a prompt, and renew what of it was held.

        Args:
            blocks: The prompt.
            now: The time in seconds.
            ttl_s: How long it lives if nobody uses it.
            ready_s: Seconds until it can be read.
        """
        node = self._root
        for block in blocks:
            digest = block.digest
            known = node.children.get(digest)
            if known is None:
                known = node.children[digest] = _Node(block)
                self._size += block.tokens
            if known.expires < now:
                known.readable, known.uses = now + ready_s, 0
            known.expires = max(known.expires, now + ttl_s)
            known.used = now
            known.uses += 1
            node = known
        if self._capacity is not None and self._size > self._capacity:
            self._shrink(self._capacity)

    def _within(self, node: _Node, block: Block, now: float) -> int:
        near = [
            child
            for child in node.children.values()
            if child.is_held(now, immediate=self._immediate) and _alike(child.block, block)
        ]
        if not near:
            return 0
        ids = block.token_ids()
        return max(common_tokens(child.token_ids(), ids) for child in near)

    def _shrink(self, capacity: int) -> None:
        """Let leaves go, the least recently used first; what was used at one moment goes from its end."""
        while self._size > capacity:
            leaves = list(self._leaves(self._root))
            if not leaves:
                return
            parent, digest, leaf = min(leaves, key=lambda found: found[2].used)
            assert leaf.block is not None
            self._size -= leaf.block.tokens
            del parent.children[digest]

    def _leaves(self, node: _Node) -> Iterator[tuple[_Node, str, _Node]]:
        waiting = [node]
        while waiting:
            parent = waiting.pop()
            for digest, child in parent.children.items():
                if child.children:
                    waiting.append(child)
                else:
                    yield parent, digest, child


def _alike(left: Block | None, right: Block) -> bool:
    """Whether two blocks are framed alike, so that their texts begin at one place."""
    return left is not None and (left.kind, left.role) == (right.kind, right.role)
