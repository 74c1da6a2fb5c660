"""A server with a few slots, each of which keeps the last prompt it computed: llama.cpp, Ollama.

A request takes the slot with the longest common prefix and overwrites what follows it; the last token is always computed,
because the answer begins with it (https://github.com/ggml-org/llama.cpp, tools/server).
"""

from __future__ import annotations

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.prefix import shared_prefix
from agentlab.caching.blocks.prefix_tree import Held
from agentlab.caching.policies.lengths import position
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.policies.profile import Profile

__all__ = ["Slots"]


class _Slot(Struct):
    scope: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    used: float = float("-inf")
    turn: int = 0


class Slots:
    """Keeps one prompt a slot; all scopes share the slots of a server.

    Args:
        profile: The numbers.
        seed: Unused: nothing here is chance.
        strict: Unused.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:  # noqa: ARG002
        self._profile = profile
        self._slots = [_Slot() for _ in range(max(1, profile.slots))]
        self._turn = 0

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Take the best slot, read what it has in common, and leave this prompt in it."""
        profile, counts = self._profile, self._profile.counts.ends(prompt)
        total = counts[-1]
        common = [self._common(slot, prompt, counts, now) for slot in self._slots]
        best = max(range(len(common)), key=lambda index: (common[index], -self._slots[index].turn))
        if common[best] < max(1, int(profile.slot_similarity * total)):
            best = min(range(len(common)), key=lambda index: self._slots[index].turn)
        expired = self._expired(self._slots[best], now)
        self._turn += 1
        self._slots[best] = _Slot(prompt.scope, prompt.blocks, now, self._turn)
        # Recorded with `cache_prompt: false`: 0 of 2,460, and 2,459 by the request after it, which does not say so.
        allowed = prompt.body.get("cache_prompt") is not False
        read = max(0, min(common[best], total - profile.recomputed)) if allowed else 0
        reason = None if read >= total - profile.recomputed else "expired" if expired else "not_found"
        return CacheOutcome(total, read, 0, reason=reason)

    def _common(self, slot: _Slot, prompt: Prompt, counts: tuple[int, ...], now: float) -> int:
        if slot.scope != prompt.scope or not slot.blocks or self._expired(slot, now):
            return 0
        shared = shared_prefix(slot.blocks, prompt.blocks)
        whole = sum(block.tokens for block in slot.blocks[: shared.blocks])
        return position(prompt, counts, Held(shared.blocks, shared.tokens - whole))

    def _expired(self, slot: _Slot, now: float) -> bool:
        ttl = self._profile.ttl.get(self._profile.default_ttl)
        return bool(slot.turn) and ttl is not None and now - slot.used > ttl
