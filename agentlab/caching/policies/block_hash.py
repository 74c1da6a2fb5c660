"""The longest common prefix in whole units of so many tokens: vLLM, SGLang, Mistral, Cohere, Groq, xAI, DeepSeek, Gemini.

A server hashes each full block of tokens together with everything before it, so what it finds is the common prefix with
some earlier prompt, rounded down to full blocks (https://docs.vllm.ai/en/latest/design/prefix_caching.html). Hosted
services add chance: which machine a request reaches, how long it keeps what, how much of it is read.
"""

from __future__ import annotations

from random import Random

from agentlab.caching.blocks.prefix_tree import Held, PrefixTree
from agentlab.caching.policies.lengths import position
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.policies.prefix_units import PrefixUnits
from agentlab.caching.policies.profile import Profile

__all__ = ["BlockHash"]

_FOREVER: float = float("inf")


class BlockHash:
    """Caches every prompt by full blocks of tokens.

    Args:
        profile: The numbers.
        seed: Source of all chance.
        strict: Whether every request reaches the machine that holds its prefix, lives as long as documented and reads
            as much as was seen.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:
        self._profile = profile
        self._draw = Random(f"{profile.name}/{seed}")
        self._strict = strict
        self._trees: dict[tuple[tuple[str, ...], int], PrefixTree] = {}
        self._units: dict[tuple[tuple[str, ...], int], PrefixUnits] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Read the full blocks that one machine holds, then store the prompt there."""
        profile, counts = self._profile, self._profile.counts.ends(prompt)
        total = counts[-1]
        key = (prompt.scope, self._machine())
        tree = self._trees.setdefault(
            key,
            PrefixTree(immediate=profile.visibility == "immediate", capacity=profile.capacity_tokens),
        )
        held = tree.held(prompt.blocks, now)
        reason = "expired" if held.expired else "another_machine" if key[1] else "not_found"
        if profile.units:
            held = self._units.setdefault(key, PrefixUnits()).read(prompt.blocks, held)
        read, warming = self._read(held, position(prompt, counts, held), total)
        ttl = self._ttl()
        ready_s = 0.0 if profile.visibility == "immediate" else prompt.first_byte_s
        tree.store(prompt.blocks, now, ttl, ready_s=ready_s)
        reason = "warming_up" if warming else reason
        written = 0 if profile.reports_writes else None
        # The last, partial block is never read: no reason has to be given for it.
        whole = read + profile.granularity + profile.recomputed > total
        return CacheOutcome(
            total, read if profile.reports_reads else None, written, reason=None if whole else reason
        )

    def keep(self, prompt: Prompt, now: float) -> None:
        """Keep a prompt with its answer on the machine that computed them, which holds the most of it."""
        held = {
            key: tree.held(prompt.blocks, now) for key, tree in self._trees.items() if key[0] == prompt.scope
        }
        key = max(held, key=lambda each: (held[each].blocks, held[each].tokens), default=None)
        if key is None:
            return
        if self._profile.units:
            self._units.setdefault(key, PrefixUnits()).read(prompt.blocks, held[key])
        self._trees[key].store(prompt.blocks, now, self._ttl())

    def _read(self, held: Held, common: int, total: int) -> tuple[int, bool]:
        """Tokens read of a common prefix, and whether more would be after further requests."""
        profile = self._profile
        share, warming = self._share(held.uses)
        common = min(int(common * share), total - profile.recomputed)
        if common < profile.min_tokens:
            common = 0
        template = profile.template_tokens if total > profile.template_tokens else 0
        read = max(common, template)
        return max(0, read // profile.granularity * profile.granularity), warming

    def _share(self, uses: int) -> tuple[float, bool]:
        profile = self._profile
        low, high = profile.read_share
        share = high if self._strict or low == high else self._draw.uniform(low, high)
        if not profile.warm_up or self._strict or not uses:
            return share, False
        step = min(uses, len(profile.warm_up)) - 1
        return min(share, profile.warm_up[step]), step < len(profile.warm_up) - 1

    def _machine(self) -> int:
        """The machine a request reaches: 0 is the one that holds its prefix."""
        profile = self._profile
        if self._strict or profile.affinity >= 1 or profile.machines < 2:
            return 0
        return 0 if self._draw.random() < profile.affinity else self._draw.randrange(1, profile.machines)

    def _ttl(self) -> float:
        profile = self._profile
        if not profile.ttl:
            return _FOREVER
        drawn = profile.ttl_draw.get(profile.default_ttl)
        if self._strict or drawn is None:
            return drawn[1] if drawn is not None else profile.ttl[profile.default_ttl]
        return self._draw.uniform(*drawn)
