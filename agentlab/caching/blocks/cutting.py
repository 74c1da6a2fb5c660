"""Cuts a conversation's requests into blocks, each message once, however many requests carry it.

A history is sent again with every call, so cutting each request anew would be quadratic in the length of a run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import structs

from agentlab.caching.blocks.splitting import Block, blocks_of, split, split_object
from agentlab.messages import Message, Request, Text, UserMessage

__all__ = ["NeutralBlocks", "SentBlocks"]

_LISTS: Final = ("messages", "contents", "input")
"""Where the wires keep the list that grows."""

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class NeutralBlocks:
    """Cuts requests into blocks, apart from any wire; what was cut before is found again.

    One instance may serve several layouts of the same calls.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[Block, ...]] = {}
        self._sent: tuple[Message, ...] = ()
        self._blocks: tuple[Block, ...] = ()
        self._cuts: dict[tuple[int, int], tuple[Message, tuple[Block, ...]]] = {}
        self._said: dict[tuple[str, ...], tuple[Block, ...]] = {}

    def of(self, request: Request) -> tuple[Block, ...]:
        """The blocks of a plain request."""
        messages = request.messages
        known = len(self._sent)
        # Equal messages are found by their identity first, so a history that only grew is not read again.
        if messages[:known] != self._sent:
            known, self._blocks = 0, ()
        new = [self._cut(message, index) for index, message in enumerate(messages[known:], known)]
        self._blocks += tuple(itertools.chain.from_iterable(new))
        self._sent = messages
        return self._head_of(request) + self._blocks

    def _head_of(self, request: Request) -> tuple[Block, ...]:
        """The blocks before the messages."""
        head = structs.replace(request, messages=(), cache=None)
        # Written out, because a schema with its keys in another order is equal to Python and another prefix to a cache.
        written = msgspec.json.encode(head)
        if written not in self._heads:
            self._heads[written] = blocks_of(head)
        return self._heads[written]

    def _cut(self, message: Message, index: int) -> tuple[Block, ...]:
        found = self._cuts.get((id(message), index))
        if found is None:
            blocks = self._elsewhere(message)
            found = (message, tuple(structs.replace(block, message=index) for block in blocks))
            self._cuts[id(message), index] = self._cuts[id(message), -1] = found
        return found[1]

    def _elsewhere(self, message: Message) -> tuple[Block, ...]:
        """The blocks of a message, taken from where it stood before, or where one stood that said the same."""
        known = self._cuts.get((id(message), -1))
        if known is not None:
            return known[1]
        words = _words(message)
        blocks = self._said.get(words) if words else None
        if blocks is None:
            blocks = blocks_of(Request(model="", messages=(message,)))
            if words:
                self._said[words] = blocks
        return blocks


def _words(message: Message) -> tuple[str, ...]:
    """All a user message says, where it is plain text; an ordering builds such messages anew for every call."""
    if not isinstance(message, UserMessage):
        return ()
    texts = [part.text for part in message.content if isinstance(part, Text) and part == Text(part.text)]
    return tuple(texts) if len(texts) == len(message.content) else ()


class SentBlocks:
    """Cuts bodies as they were sent. Of a body that begins with the items of the one before, only the rest is read."""

    def __init__(self) -> None:
        self._head: tuple[str, list[tuple[str, bytes]], tuple[Block, ...], dict[str, Any]] | None = None
        self._items: list[bytes] = []
        self._blocks: tuple[Block, ...] = ()

    def of(self, wire: str, body: str) -> tuple[tuple[Block, ...], dict[str, Any]]:
        """The blocks of a body, and its fields but the list that grows.

        Raises:
            UsageError: The wire is not known, or the body is not a JSON object.
        """
        try:
            fields = _FIELDS.decode(body)
            grows = next(name for name in _LISTS if name in fields)
            items = [bytes(item) for item in _ITEMS.decode(fields.pop(grows))]
        except (msgspec.DecodeError, UnicodeError, StopIteration):
            return split(wire, body), msgspec.json.decode(body)
        head = [(name, bytes(value)) for name, value in fields.items()]
        if self._head is None or self._head[:2] != (wire, head):
            settings = {name: msgspec.json.decode(value) for name, value in head}
            self._head = (wire, head, split_object(wire, settings), settings)
            self._items, self._blocks = [], ()
        known = len(self._items)
        if items[:known] != self._items:
            known, self._blocks = 0, ()
        new = (_cut_item(wire, grows, items[index], index) for index in range(known, len(items)))
        self._blocks += tuple(itertools.chain.from_iterable(new))
        self._items = items
        return self._head[2] + self._blocks, self._head[3]


def _cut_item(wire: str, grows: str, item: bytes, index: int) -> Iterator[Block]:
    """The blocks of one item, as they would be within the whole list."""
    for block in split_object(wire, {grows: [msgspec.json.decode(item)]}):
        path = block.path.replace(f"{grows}[0]", f"{grows}[{index}]", 1)
        yield structs.replace(block, path=path, message=index)
