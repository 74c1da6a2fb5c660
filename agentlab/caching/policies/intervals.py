"""Common prefixes cut at intervals, on the machine a request is routed to: OpenAI before GPT-5.6, Azure.

Writing is free and nothing is marked. Which of many machines serves a request follows from the first tokens of the
prompt and the cache key; beyond so many requests a minute the next machine helps out, with a cache of its own
(https://developers.openai.com/api/docs/guides/prompt-caching).
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from random import Random
from typing import Final

from agentlab.caching.blocks.prefix_tree import PrefixTree
from agentlab.caching.policies.lengths import position
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.policies.profile import Profile

__all__ = ["Intervals"]

_MINUTE_S: Final = 60.0


class Intervals:
    """Caches every prompt on the machine that served it.

    Args:
        profile: The numbers.
        seed: Source of all chance.
        strict: Whether entries live as long as documented and no machine is ever busy.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:
        self._profile = profile
        self._draw = Random(f"{profile.name}/{seed}")
        self._strict = strict
        self._trees: dict[tuple[tuple[str, ...], int], PrefixTree] = {}
        self._starts: dict[tuple[str, ...], str] = {}
        self._recent: dict[tuple[tuple[str, ...], str], deque[float]] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Read up to the last interval that the machine holds, then store the prompt there."""
        profile, counts = self._profile, self._profile.counts.ends(prompt)
        machine, overflowed = self._machine(prompt, now)
        tree = self._trees.setdefault((prompt.scope, machine), PrefixTree())
        held = tree.held(prompt.blocks, now)
        common = position(prompt, counts, held)
        interval, hidden = profile.granularity, profile.hidden_tokens
        matched = max(0, (common + hidden) // interval * interval - hidden)
        if matched < profile.min_tokens:
            matched = 0
        read = matched // profile.report_floor * profile.report_floor
        tree.store(prompt.blocks, now, self._ttl(prompt), ready_s=prompt.first_byte_s)
        return CacheOutcome(
            counts[-1], read, 0, reason=self._reason(counts[-1], read, held.expired, overflowed)
        )

    def _reason(self, total: int, read: int, expired: bool, overflowed: bool) -> str | None:
        if total < self._profile.min_tokens:
            return "below_minimum"
        if read + max(self._profile.granularity, self._profile.report_floor) > total:
            return None
        return "expired" if expired else "another_machine" if overflowed else "not_found"

    def _machine(self, prompt: Prompt, now: float) -> tuple[int, bool]:
        """The machine of a request, and whether it is another one than usual because that one is busy."""
        profile = self._profile
        if profile.machines < 2:
            return 0, False
        start = self._start(prompt)
        key = str(prompt.body.get("prompt_cache_key") or "")
        home = int.from_bytes(hashlib.blake2b(f"{start}|{key}".encode(), digest_size=4).digest(), "big")
        if self._strict or not profile.overflow_rpm:
            return home % profile.machines, False
        recent = self._recent.setdefault((prompt.scope, start), deque())
        while recent and recent[0] <= now - _MINUTE_S:
            recent.popleft()
        overflow = len(recent) // profile.overflow_rpm
        recent.append(now)
        return (home + overflow) % profile.machines, overflow > 0

    def _start(self, prompt: Prompt) -> str:
        """The first tokens of a prompt; read once for the blocks that hold them."""
        sizes = itertools.accumulate(block.tokens for block in prompt.blocks)
        count = next((n for n, size in enumerate(sizes, 1) if size >= self._profile.hash_tokens), None)
        first = prompt.blocks[:count]
        key = tuple(block.digest for block in first)
        if key not in self._starts:
            ids = itertools.islice(
                (token for block in first for token in block.token_ids()), self._profile.hash_tokens
            )
            self._starts[key] = ",".join(map(str, ids))
        return self._starts[key]

    def _ttl(self, prompt: Prompt) -> float:
        profile = self._profile
        asked = prompt.body.get("prompt_cache_retention")
        name = asked if isinstance(asked, str) and asked in profile.ttl else profile.default_ttl
        shortest, longest = profile.ttl_draw.get(name, (profile.ttl[name], profile.ttl[name]))
        return longest if self._strict else self._draw.uniform(shortest, longest)
