"""The blocks of one list of a body (its tools, its messages); an item the list held before is not cut again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct, structs

from agentlab.caching.blocks.splitting import Block, Level, is_marker, item_blocks, with_markers

__all__ = ["ListBlocks"]


class _Item(Struct, frozen=True):
    """A member of the list: its JSON, the same decoded, its number, and its blocks with that number."""

    raw: bytes
    value: Any
    index: int
    blocks: tuple[Block, ...]


class ListBlocks:
    """Cuts one list of the bodies of a conversation, body by body.

    Args:
        level: What the list is, and the field that holds it.

    Attributes:
        blocks: The blocks of the whole list.
        values: Its items, decoded.
        marked: Numbers of the items that begin with a marker, which belongs to the block before; see `with_markers`.
    """

    def __init__(self, level: Level) -> None:
        self._kind, self._path = level
        self._items: list[_Item] = []
        self._counts: list[int] = [0]
        self.blocks: tuple[Block, ...] = ()
        self.values: tuple[Any, ...] = ()
        self.marked: list[int] = []

    def update(self, raws: Sequence[bytes], known: int = 0) -> None:
        """Take in the list of the next body.

        Args:
            raws: The JSON of its items from number `known` on.
            known: How many items before them are those of the body before.

        Raises:
            msgspec.DecodeError: An item is not JSON.
        """
        earlier = {item.raw: item for item in self._items[known:]}
        new = [self._item(raw, index, earlier.get(raw)) for index, raw in enumerate(raws, known)]
        self._items = self._items[:known] + new
        self.values = self.values[:known] + tuple(item.value for item in new)
        self.blocks = self.blocks[: self._counts[known]] + tuple(
            chain.from_iterable(item.blocks for item in new)
        )
        del self._counts[known + 1 :]
        for item in new:
            self._counts.append(self._counts[-1] + len(item.blocks))
        self.marked = [index for index in self.marked if index < known]
        self.marked += [item.index for item in new if item.blocks and is_marker(item.blocks[0])]

    def _item(self, raw: bytes, index: int, earlier: _Item | None) -> _Item:
        if earlier is None:
            value = msgspec.json.decode(raw)
            cut = with_markers(item_blocks(self._kind, value, f"{self._path}[{index}]", index))
            return _Item(raw, value, index, tuple(cut))
        if earlier.index == index:
            return earlier
        begin, behind = f"{self._path}[{index}]", len(f"{self._path}[{earlier.index}]")
        moved = tuple(
            structs.replace(
                block,
                path=block.path and begin + block.path[behind:],
                message=None if block.message is None else index,
            )
            for block in earlier.blocks
        )
        return _Item(raw, earlier.value, index, moved)
