"""Cuts a conversation's neutral requests into blocks, each message once, however many requests carry it.

The same for bodies as they were sent: `sent_blocks`.
"""

from __future__ import annotations

import itertools
from operator import attrgetter, is_
from typing import Any, Final

import msgspec
from msgspec import structs

from agentlab.caching.blocks.prefix import same_objects
from agentlab.caching.blocks.splitting import Block, blocks_of
from agentlab.messages import Message, Request, Text, UserMessage

__all__ = ["NeutralBlocks"]


_HEAD_PARTS: Final = attrgetter("tools", "preamble", "context", "output_schema", "reasoning")


class NeutralBlocks:
    """Cuts requests into blocks, apart from any wire; what was cut before is found again.

    One instance may serve several layouts of the same calls.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[Block, ...]] = {}
        self._head: tuple[tuple[Any, ...], tuple[Block, ...]] = ((), ())
        self._sent: tuple[Message, ...] = ()
        self._blocks: tuple[Block, ...] = ()
        self._cuts: dict[tuple[int, int], tuple[Message, tuple[Block, ...]]] = {}
        self._said: dict[tuple[str, ...], tuple[Block, ...]] = {}

    def of(self, request: Request) -> tuple[Block, ...]:
        """The blocks of a plain request."""
        messages = request.messages
        known = self._known(messages)
        if known < len(self._sent):
            known, self._blocks = 0, ()
        new = [self._cut(message, index) for index, message in enumerate(messages[known:], known)]
        self._blocks += tuple(itertools.chain.from_iterable(new))
        self._sent = messages
        return self._head_of(request) + self._blocks

    def _known(self, messages: tuple[Message, ...]) -> int:
        """How many messages of the request before these begin with; one that only grew is not read again."""
        most = min(len(self._sent), len(messages))
        known = 0
        while True:
            known += same_objects(self._sent[known:], messages[known:])
            if known == most or not _is_same(self._sent[known], messages[known]):
                return known
            known += 1

    def _head_of(self, request: Request) -> tuple[Block, ...]:
        """The blocks before the messages; most often those of the request before, which shows without writing them."""
        parts = _HEAD_PARTS(request)
        if not self._head[0] or not all(map(is_, self._head[0], parts)):
            self._head = (parts, self._written_head(request))
        return self._head[1]

    def _written_head(self, request: Request) -> tuple[Block, ...]:
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


def _is_same(one: Message, other: Message) -> bool:
    # A tool result with its keys in another order is equal to Python and another prefix to a cache.
    return one == other and msgspec.json.encode(one) == msgspec.json.encode(other)


def _words(message: Message) -> tuple[str, ...]:
    """All a user message says, where it is plain text; an ordering builds such messages anew for every call."""
    if not isinstance(message, UserMessage):
        return ()
    texts = [part.text for part in message.content if isinstance(part, Text) and part == Text(part.text)]
    return tuple(texts) if len(texts) == len(message.content) else ()
