"""The blocks of requests that carry the same growing history: each message is cut once, not once a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import structs

from agentlab.caching.blocks.splitting import Block, split_object

__all__ = ["GrowingBlocks"]

_CONVERSATION: Final = ("messages", "input", "contents")


class GrowingBlocks:
    """Cuts the bodies of one run, in order. What the request before held at the same place is taken from there."""

    def __init__(self) -> None:
        self._wire = ""
        self._items: list[Any] = []
        self._blocks: tuple[Block, ...] = ()

    def of(self, wire: str, body: Mapping[str, Any]) -> tuple[Block, ...]:
        """The same as `split_object`.

        Raises:
            UsageError: The wire is not known.
        """
        key = next((name for name in _CONVERSATION if isinstance(body.get(name), list)), None)
        items: list[Any] = body[key] if key is not None else []
        known = 0
        if wire == self._wire:
            # The newest message is cut anew: its part of the request is `prompt`, and not `history`.
            while known < min(len(items) - 1, len(self._items)) and items[known] == self._items[known]:
                known += 1
        if key is None or known == 0:
            blocks = split_object(wire, dict(body))
        else:
            # Empty messages hold the places of the known ones, so that the others keep their numbers.
            short = {**body, key: [None] * known + items[known:]}
            new = [
                block
                for block in split_object(wire, short)
                if block.message is None or block.message >= known
            ]
            old = [
                _as_history(block)
                for block in self._blocks
                if block.message is not None and block.message < known
            ]
            first = next((at for at, block in enumerate(new) if block.message is not None), len(new))
            blocks = (*new[:first], *old, *new[first:])
        self._wire, self._items, self._blocks = wire, items, blocks
        return blocks


def _as_history(block: Block) -> Block:
    """What was the newest prompt is history in a later request."""
    return structs.replace(block, part="history") if block.part == "prompt" else block
