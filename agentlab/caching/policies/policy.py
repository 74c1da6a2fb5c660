"""How a provider's prompt cache decides what was read and what was written.

A policy is a small state machine on virtual time: each prompt comes in, and out comes what the provider would bill.
Providers differ in where an entry may end, how long it lives and what a write costs; each such rule is a file of
`agentlab.caching.policies`, and each provider's numbers are a row of `profiles.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["CacheOutcome", "CachePolicy", "CacheRefused", "Prompt"]


class CacheRefused(UsageError):
    """The provider would refuse the request because of how it uses the cache.

    Attributes:
        status: HTTP status of the refusal.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Prompt(ShortRepr, Struct, frozen=True):
    """A prompt as a cache sees it.

    Attributes:
        blocks: In render order.
        scope: What separates caches: vendor, model, cache key. Prompts of different scopes never meet.
        body: The request body, for policies that read settings.
        total: Length in the provider's own tokens; the blocks are scaled to it. None takes the estimate.
        first_byte_s: Seconds from the request to the first byte of its answer; an entry can be read from then on.
        last_byte_s: Seconds from the request to the end of its answer.
        ends: Where its first 0, 1, ... blocks end in the provider's own tokens, where that is known; the last is `total`.
        known_links: The links of its first blocks, as `chain` gives them, as far as they are known.
    """

    blocks: tuple[Block, ...]
    scope: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    first_byte_s: float = 0.0
    last_byte_s: float = 0.0
    ends: tuple[int, ...] | None = None
    known_links: tuple[str, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        """The digest of the prefix that ends at each block; see `chain`."""
        known = self.known_links
        if len(known) >= len(self.blocks):
            return known
        return (*known, *chain(self.blocks[len(known) :], after=known[-1] if known else ""))

    @property
    def tokens(self) -> int:
        """Tokens of the whole prompt: as the provider counted them, else estimated."""
        return sum(block.tokens for block in self.blocks) if self.total is None else self.total


class CacheOutcome(ShortRepr, Struct, frozen=True):
    """What a cache did with one prompt, in tokens; None is not reported by this provider.

    Uncached tokens are the rest: uncached + read + write = input.

    Attributes:
        input_tokens: The whole prompt.
        read_tokens: Read from the cache.
        write_tokens: Written to it, where the provider reports that.
        writes: What is billed as written, by the lifetime it was written with, named as in the provider's profile; empty
            where the provider does not bill it apart. Its sum is `write_tokens` where that is reported.
        reason: Why the cache read less than it could; None where it did not or the rule cannot tell.
    """

    input_tokens: int
    read_tokens: int | None = None
    write_tokens: int | None = None
    writes: dict[str, int] = field(default_factory=dict)
    reason: str | None = None

    @property
    def write_5m_tokens(self) -> int | None:
        """What was written for five minutes; None where the provider has no such lifetime or does not report writes."""
        return None if self.write_tokens is None else self.writes.get("5m")

    @property
    def write_1h_tokens(self) -> int | None:
        """What was written for an hour; None as above."""
        return None if self.write_tokens is None else self.writes.get("1h")

    @property
    def uncached_tokens(self) -> int:
        """Prompt tokens neither read nor written."""
        return self.input_tokens - (self.read_tokens or 0) - (self.write_tokens or 0)


class CachePolicy(Protocol):
    """A provider's rule. Stateful; one instance belongs to one simulated provider."""

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Look a prompt up, then store it.

        Args:
            prompt: The prompt.
            now: Virtual time in seconds; what was stored at a moment is found only later than it, so prompts of one
                moment run side by side.
        """
        ...
