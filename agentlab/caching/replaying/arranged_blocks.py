"""Cuts the requests of a run into blocks for many orderings of its parts: each text is read once for all of them.

Orderings build the same texts into other messages. Here a part of a message is cut by what it says and where in its
message it stands, so that two thousand orderings cost little more reading than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import structs

from agentlab.caching.blocks.splitting import Block, blocks_of
from agentlab.messages import Message, Request, SystemMessage, Text, UserMessage

__all__ = ["ArrangedBlocks"]


class ArrangedBlocks:
    """The blocks of arranged requests. What was cut is kept; the numbers of messages are left out, no cache reads them."""

    def __init__(self) -> None:
        self._heads: dict[tuple[Any, ...], tuple[Any, tuple[Block, ...]]] = {}
        self._messages: dict[int, tuple[Message, tuple[Block, ...]]] = {}
        self._systems: dict[str, tuple[Block, ...]] = {}
        self._texts: dict[tuple[str, bool, bool], Block] = {}

    def of(self, request: Request) -> tuple[Block, ...]:
        """The blocks of a plain request."""
        blocks = list(self._head_of(request))
        for message in request.messages:
            known = self._messages.get(id(message))
            if known is None:
                known = self._messages[id(message)] = (message, self._cut(message))
            blocks += known[1]
        return tuple(blocks)

    def _head_of(self, request: Request) -> tuple[Block, ...]:
        """The blocks before the messages; equal parts of two requests of a run are most often the very same."""
        parts = (request.tools, request.context, request.output_schema, request.reasoning)
        key = (request.preamble, *map(id, parts))
        known = self._heads.get(key)
        if known is None:
            # The parts are kept with the blocks, so that no other object takes their place in memory.
            known = self._heads[key] = (parts, blocks_of(structs.replace(request, messages=(), cache=None)))
        return known[1]

    def _cut(self, message: Message) -> tuple[Block, ...]:
        if isinstance(message, SystemMessage):
            if message.content not in self._systems:
                self._systems[message.content] = blocks_of(Request(model="", messages=(message,)))
            return self._systems[message.content]
        if not isinstance(message, UserMessage) or not all(map(_is_plain, message.content)):
            return blocks_of(Request(model="", messages=(message,)))
        return tuple(self._texts_of(message))

    def _texts_of(self, message: UserMessage) -> Iterator[Block]:
        last = len(message.content) - 1
        for place, part in enumerate(message.content):
            key = (msgspec.json.encode(part).decode(), place == 0, place == last)
            block = self._texts.get(key)
            if block is None:
                # A part is framed by its place: the first carries the role, the last ends the message.
                around = (
                    *(Text("") for _ in range(place > 0)),
                    part,
                    *(Text("") for _ in range(place < last)),
                )
                cut = blocks_of(Request(model="", messages=(UserMessage(around),)))
                block = self._texts[key] = cut[min(place, 1)]
            yield block


def _is_plain(part: object) -> bool:
    return isinstance(part, Text) and part == Text(part.text)
