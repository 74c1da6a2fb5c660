"""Prompts that a machine has computed, as a tree of blocks: what of a new prompt it still holds.

The ground of the rules that match tokens rather than marked places. Each place knows when it was last used, so entries
expire, and the least recently used leave first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.prefix import common_tokens
from agentlab.common_length import common_length

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


class _Path:
    """The prompt that was stored last, and its places: the next prompt mostly goes on from its end.

    Args:
        blocks: The prompt.
        nodes: The place of each block.
        readable: From when the first 1, 2, ... blocks can all be read, as far as it is known.
    """

    __slots__ = ("blocks", "nodes", "readable")

    def __init__(
        self,
        blocks: tuple[Block, ...] = (),
        nodes: Sequence[_Node] = (),
        readable: Sequence[float] = (),
    ) -> None:
        self.blocks = blocks
        self.nodes = nodes
        latest = readable[-1] if readable else float("-inf")
        new = [node.readable for node in nodes[len(readable) :]]
        self.readable = [*readable, *[*accumulate(new, max, initial=latest)][1:]]

    def held(self, blocks: tuple[Block, ...], now: float, *, immediate: bool) -> tuple[int, _Node] | None:
        """How many blocks this prompt begins with, where all of them are held, and the place of the last; else None."""
        shared = common_length(self.blocks, blocks)
        if not shared:
            return None
        # Whoever uses a place uses all before it, so of a path the last place is the first to expire.
        last, readable = self.nodes[shared - 1], self.readable[shared - 1]
        is_held = last.expires >= now and (readable <= now if immediate else readable < now)
        return (shared, last) if is_held else None


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
        self._path = _Path()

    def held(self, blocks: tuple[Block, ...], now: float, *, within_block: bool = True) -> Held:
        """What is held of a prompt.

        Args:
            blocks: The prompt.
            now: The time in seconds.
            within_block: Whether the start of a block counts where the block differs.
        """
        start, node = self._path.held(blocks, now, immediate=self._immediate) or (0, self._root)
        uses, expired = node.uses, False
        for index, block in enumerate(blocks[start:], start):
            known = node.children.get(block.digest)
            if known is not None and known.is_held(now, immediate=self._immediate):
                node, uses = known, known.uses
                continue
            expired = known is not None and known.expires < now
            tokens = self._within(node, block, now) if within_block else 0
            return Held(index, tokens, uses, expired)
        return Held(len(blocks), 0, uses)

    def store(self, blocks: tuple[Block, ...], now: float, ttl_s: float, *, ready_s: float = 0.0) -> None:
        """Keep a prompt, and renew what of it was held.

        Args:
            blocks: The prompt.
            now: The time in seconds.
            ttl_s: How long it lives if nobody uses it.
            ready_s: Seconds until it can be read.
        """
        shared = common_length(self._path.blocks, blocks)
        # Of a path the last place expires first: where it lives on, no place before it begins anew.
        lives_on = bool(shared) and self._path.nodes[shared - 1].expires >= now
        nodes = self._nodes(blocks, shared)
        readable, ends = now + ready_s, now + ttl_s
        for node in nodes:
            if node.expires < now:
                node.readable, node.uses = readable, 0
            if node.expires < ends:  # noqa: PLR1730 - the innermost loop of a replay, and a call of `max` is slower
                node.expires = ends
            node.used = now
            node.uses += 1
        self._path = _Path(blocks, nodes, self._path.readable[:shared] if lives_on else ())
        if self._capacity is not None and self._size > self._capacity:
            self._shrink(self._capacity)
            self._path = _Path()

    def _nodes(self, blocks: tuple[Block, ...], shared: int) -> list[_Node]:
        """The places of a prompt's blocks, made where there are none; so many are those of the prompt before."""
        nodes = list(self._path.nodes[:shared])
        node = nodes[-1] if nodes else self._root
        for block in blocks[shared:]:
            digest = block.digest
            known = node.children.get(digest)
            if known is None:
                known = node.children[digest] = _Node(block)
                self._size += block.tokens
            nodes.append(known)
            node = known
        return nodes

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
