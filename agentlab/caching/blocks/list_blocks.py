"""The blocks of one list of a body (its tools, its messages); an item the list held before is not cut again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def update(self, pieces: Sequence[bytes | range]) -> None:
        """Take in the list of the next body.

        Args:
            pieces: Its items in order: the JSON of one, or the numbers that a stretch of them has in the body before.

        Raises:
            msgspec.DecodeError: An item is not JSON.
        """
        again = [piece for piece in pieces if isinstance(piece, range)]
        earlier = {item.raw: item for item in self._outside(again)}
        items: list[_Item] = []
        blocks: list[Block] = []
        values: list[Any] = []
        marked: list[int] = []
        counts = [0]
        for piece in pieces:
            if isinstance(piece, range) and piece.start == len(items):
                first, last = self._counts[piece.start], self._counts[piece.stop]
                counts += _shifted(self._counts[piece.start + 1 : piece.stop + 1], len(blocks) - first)
                items += self._items[piece.start : piece.stop]
                blocks += self.blocks[first:last]
                values += self.values[piece.start : piece.stop]
                marked += [index for index in self.marked if index in piece]
                continue
            stretch = self._items[piece.start : piece.stop] if isinstance(piece, range) else [None]
            for known in stretch:
                raw = known.raw if known is not None else piece
                assert isinstance(raw, bytes)
                item = self._item(raw, len(items), known or earlier.get(raw))
                items.append(item)
                blocks += item.blocks
                values.append(item.value)
                marked += [item.index] if item.blocks and is_marker(item.blocks[0]) else []
                counts.append(len(blocks))
        self._items, self._counts, self.marked = items, counts, marked
        self.blocks, self.values = tuple(blocks), tuple(values)

    def _outside(self, stretches: Sequence[range]) -> Iterator[_Item]:
        """The items before, but for some stretches of them."""
        place = 0
        for stretch in stretches:
            yield from self._items[place : stretch.start]
            place = stretch.stop
        yield from self._items[place:]

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


def _shifted(counts: list[int], by: int) -> list[int]:
    return [count + by for count in counts] if by else counts
