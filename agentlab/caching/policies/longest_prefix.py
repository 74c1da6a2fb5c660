"""The plain rule: whatever an earlier prompt began with is read. The yardstick for all the others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from agentlab.caching.blocks.prefix import common_tokens
from agentlab.caching.policies.policy import CacheOutcome, Prompt

__all__ = ["LongestPrefix", "NoCache"]


class LongestPrefix:
    """Whatever an earlier prompt began with is read, exact to the token; entries never expire.

    The best any prefix cache can do. Kept as a tree of blocks, with the tokens of unequal siblings in order, so a
    look-up costs one comparison for each block.

    Args:
        minimum: Shorter matches are not read (OpenAI: 1,024 tokens).
        reports_writes: Whether the provider reports what it wrote.
        needs_marker: Whether prompts without any cache marker are left alone (Anthropic).
    """

    def __init__(self, *, minimum: int = 0, reports_writes: bool = False, needs_marker: bool = False) -> None:
        self._minimum = minimum
        self._reports_writes = reports_writes
        self._needs_marker = needs_marker
        self._roots: dict[tuple[str, ...], _Node] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:  # noqa: ARG002 - entries never expire
        """Read the longest common prefix with any earlier prompt of the scope, and store this one."""
        if self._needs_marker and not _is_marked(prompt):
            return CacheOutcome(prompt.tokens, 0, 0 if self._reports_writes else None)
        node = self._roots.setdefault(prompt.scope, _Node())
        read, matching = 0, True
        for block in prompt.blocks:
            digest = block.digest
            known = node.children.get(digest)
            if known is None:
                ids = block.token_ids()
                if matching:
                    read += node.longest(ids)
                    matching = False
                known = node.add(digest, ids)
            elif matching:
                read += block.tokens
            node = known
        total = prompt.tokens
        estimated = sum(block.tokens for block in prompt.blocks)
        if prompt.total is not None and estimated:
            read = read * total // estimated
        read = read if read >= self._minimum else 0
        return CacheOutcome(total, read, total - read if self._reports_writes else None)


class NoCache:
    """A provider without a prefix cache: nothing is read, nothing is written."""

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:  # noqa: ARG002 - nothing is kept
        """The whole prompt is computed."""
        return CacheOutcome(prompt.tokens, 0, 0, reason="no_cache")


def _is_marked(prompt: Prompt) -> bool:
    return any(block.marker is not None for block in prompt.blocks) or _has_marker(prompt.body)


def _has_marker(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "cache_control" in value or any(_has_marker(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_marker(inner) for inner in value)


class _Node:
    """A place in the tree: the blocks that followed here, by their digests and in the order of their tokens."""

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

    def add(self, digest: str, ids: list[int]) -> _Node:
        self.ordered.insert(bisect_left(self.ordered, ids), ids)
        self.children[digest] = child = _Node()
        return child
