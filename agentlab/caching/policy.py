"""How a provider's prompt cache decides what was read and what was written.

A policy is a small state machine on virtual time: each prompt comes in, and out comes what the provider would bill.
Providers differ in where an entry may end, how long it lives and what a write costs; each such rule is a policy.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from agentlab.caching.blocks import Block
from agentlab.caching.prefix import common_tokens

__all__ = ["CacheOutcome", "CachePolicy", "LongestPrefix", "Prompt"]


class Prompt(Struct, frozen=True):
    """A prompt as a cache sees it.

    Attributes:
        blocks: In render order.
        scope: What separates caches: vendor, model, cache key. Prompts of different scopes never meet.
        body: The request body, for policies that read markers and settings.
    """

    blocks: tuple[Block, ...]
    scope: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Estimated tokens of the whole prompt."""
        return sum(block.tokens for block in self.blocks)


class CacheOutcome(Struct, frozen=True):
    """What a cache did with one prompt, in tokens; None is not reported by this provider."""

    input_tokens: int
    read_tokens: int | None = None
    write_tokens: int | None = None
    write_5m_tokens: int | None = None
    write_1h_tokens: int | None = None


class CachePolicy(Protocol):
    """A provider's rule. Stateful; one instance belongs to one simulated provider."""

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Look a prompt up, then store it.

        Args:
            prompt: The prompt.
            now: Virtual time in seconds.
        """
        ...


class LongestPrefix:
    """The plain rule: whatever an earlier prompt began with is read, exact to the token; entries never expire.

    The best any prefix cache can do, and so the yardstick for the others. Kept as a tree of blocks, with the tokens of
    unequal siblings in order, so a look-up costs one comparison for each block.

    Args:
        minimum: Shorter matches are not read (OpenAI: 1,024 tokens).
        reports_writes: Whether the provider reports what it wrote.
        needs_marker: Whether prompts without any `cache_control` are left alone (Anthropic).
    """

    def __init__(self, *, minimum: int = 0, reports_writes: bool = False, needs_marker: bool = False) -> None:
        self._minimum = minimum
        self._reports_writes = reports_writes
        self._needs_marker = needs_marker
        self._roots: dict[tuple[str, ...], _Node] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:  # noqa: ARG002 - entries never expire
        """Read the longest common prefix with any earlier prompt of the scope, and store this one."""
        if self._needs_marker and not _has_marker(prompt.body):
            return CacheOutcome(prompt.tokens, 0, 0 if self._reports_writes else None)
        node = self._roots.setdefault(prompt.scope, _Node())
        read, matching = 0, True
        for block in prompt.blocks:
            known = node.children.get(block.digest)
            if known is None:
                ids = block.token_ids()
                if matching:
                    read += node.longest(ids)
                    matching = False
                known = node.add(block, ids)
            elif matching:
                read += block.tokens
            node = known
        total = prompt.tokens
        read = read if read >= self._minimum else 0
        return CacheOutcome(total, read, total - read if self._reports_writes else None)


def _has_marker(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "cache_control" in value or any(_has_marker(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_marker(inner) for inner in value)


class _Node:
    """A place in the tree: the blocks that followed here, by themselves and in the order of their tokens."""

    __slots__ = ("children", "ordered")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.ordered: list[list[int]] = []

    def longest(self, ids: list[int]) -> int:
        """The longest common start with any child: in sorted order only the two neighbours can have it."""
        place = bisect_left(self.ordered, ids)
        return max(
            (common_tokens(ids, near) for near in self.ordered[max(0, place - 1) : place + 1]), default=0
        )

    def add(self, block: Block, ids: list[int]) -> _Node:
        self.ordered.insert(bisect_left(self.ordered, ids), ids)
        self.children[block.digest] = child = _Node()
        return child
