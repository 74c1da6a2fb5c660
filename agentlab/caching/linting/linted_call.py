"""A call as the lint rules see it: its blocks, its body, and the rules of the cache it goes to."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from agentlab.caching.blocks.canonical import readable
from agentlab.caching.blocks.splitting import Block, blocks_of, split_object
from agentlab.caching.calls import RecordedCall
from agentlab.caching.profiles.registry import Profile, profile_for
from agentlab.errors import UsageError

__all__ = ["LintedCall", "holds_documents", "linted"]


class LintedCall:
    """A call with what the rules ask of it.

    Args:
        call: The call.
        number: Its place, from 1; 0 for one that was never made.
        body: Its body as decoded; empty where there is none.
        blocks: Its blocks.
    """

    def __init__(
        self, call: RecordedCall, number: int, body: dict[str, Any], blocks: tuple[Block, ...]
    ) -> None:
        self.call = call
        self.number = number
        self.body = body
        self.blocks = blocks

    @cached_property
    def profile(self) -> Profile:
        """The rules of the provider's cache."""
        return profile_for(self.call.vendor, self.call.model)

    @cached_property
    def opening(self) -> tuple[Block, ...]:
        """What stands before the conversation: tools, system prompt, static documents."""
        return tuple(block for block in self.blocks[: self._start] if block.kind != "setting")

    @property
    def opening_tokens(self) -> int:
        """Tokens of the opening, estimated as this provider counts."""
        return round(self.profile.tokens_per_estimate * sum(block.tokens for block in self.opening))

    @cached_property
    def conversation(self) -> tuple[Block, ...]:
        """The messages behind the opening."""
        return tuple(block for block in self.blocks[self._start :] if block.kind != "setting")

    @cached_property
    def _start(self) -> int:
        """Index at which the conversation begins."""
        places = (
            index
            for index, block in enumerate(self.blocks)
            if block.kind == "message" and not holds_documents(block)
        )
        return next(places, len(self.blocks))

    @property
    def input_tokens(self) -> int:
        """Tokens of the whole prompt: reported, else estimated."""
        usage = self.call.usage
        if usage is not None and usage.input_tokens is not None:
            return usage.input_tokens
        return sum(block.tokens for block in self.blocks)

    @property
    def marked(self) -> tuple[int, ...]:
        """Indexes of the blocks that carry a cache marker."""
        return tuple(index for index, block in enumerate(self.blocks) if block.marker is not None)

    @property
    def place(self) -> str:
        """Where it stands, for a reader."""
        return f"call {self.number}" if self.number else "the agent"

    def begins_like(self, later: LintedCall) -> bool:
        """Whether a later call is one of the same conversation: its first message is the same."""
        mine, theirs = self.conversation[:1], later.conversation[:1]
        return bool(mine and theirs) and (mine[0].role, mine[0].text) == (theirs[0].role, theirs[0].text)


def holds_documents(block: Block) -> bool:
    """Whether a block is static documents, as agentlab sends them."""
    return block.part == "documents" or (block.kind == "message" and readable(block).startswith("<file id: "))


def linted(call: RecordedCall, number: int) -> LintedCall:
    """Prepare a call.

    Raises:
        UsageError: It has neither a body nor a request, or its wire is not known.
    """
    if call.body:
        body = msgspec.json.decode(call.body)
        return LintedCall(call, number, body, split_object(call.wire, body))
    if call.request is None:
        raise UsageError("a recorded call without body and request cannot be looked at")
    return LintedCall(call, number, {}, blocks_of(call.request))
