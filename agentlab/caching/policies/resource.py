"""Caches as resources a client makes, names in its requests and pays by the hour: Gemini's `cachedContents`.

https://ai.google.dev/gemini-api/docs/caching, https://ai.google.dev/api/caching.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.policies.policy import CacheOutcome, CacheRefused, Prompt
from agentlab.caching.policies.profile import Profile

__all__ = ["CacheResource", "Resources"]

_HOUR_S: Final = 3600.0
_MILLION: Final = 1_000_000


class CacheResource(Struct):
    """A cached content.

    Attributes:
        name: What requests call it.
        scope: What it is for: vendor, model. Requests of another scope may not use it.
        tokens: Its length.
        created: When it was made, in seconds of the caller's clock.
        expires: When it ends.
    """

    name: str
    scope: tuple[str, ...]
    tokens: int
    created: float
    expires: float


class Resources:
    """The resources of one account.

    Args:
        profile: The numbers.
        seed: Unused: nothing here is chance.
        strict: Unused.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:  # noqa: ARG002
        self._profile = profile
        self._kept: dict[str, CacheResource] = {}
        self._settled_token_hours = 0.0

    def create(
        self,
        name: str,
        blocks: tuple[Block, ...],
        now: float,
        *,
        scope: tuple[str, ...] = (),
        ttl_s: float | None = None,
        total: int | None = None,
    ) -> CacheResource:
        """Make a resource.

        Args:
            name: What requests will call it.
            blocks: What it holds.
            now: The time in seconds.
            scope: What it is for.
            ttl_s: Seconds it lives; the provider's default where None. It may be negative: then it is over at once.
            total: Its length in the provider's tokens; None takes the estimate.

        Raises:
            CacheRefused: It holds too few tokens (400).
        """
        tokens = self._profile.counts.ends(Prompt(blocks, total=total))[-1]
        least = self._profile.min_tokens
        if tokens < least:
            raise CacheRefused(
                f"Cached content is too small. total_token_count={tokens}, min_total_token_count={least}"
            )
        lives = self._profile.ttl[self._profile.default_ttl] if ttl_s is None else ttl_s
        self._kept[name] = CacheResource(name, scope, tokens, now, now + lives)
        return self._kept[name]

    def get(self, name: str, now: float) -> CacheResource:
        """A resource by its name.

        Raises:
            CacheRefused: There is none, or it is over (403: the provider does not tell the two apart).
        """
        found = self._kept.get(name)
        if found is None or found.expires <= now:
            raise CacheRefused("CachedContent not found (or permission denied)", status=403)
        return found

    def listed(self, now: float) -> tuple[CacheResource, ...]:
        """All resources that live, oldest first."""
        return tuple(each for each in self._kept.values() if each.expires > now)

    def prolong(self, name: str, expires: float, now: float) -> CacheResource:
        """Set when a resource ends; a moment that is past ends it.

        Raises:
            CacheRefused: There is none (403).
        """
        found = self.get(name, now)
        found.expires = expires
        return found

    def delete(self, name: str, now: float) -> None:
        """End a resource.

        Raises:
            CacheRefused: There is none (403).
        """
        found = self.get(name, now)
        self._settled_token_hours += found.tokens * (now - found.created) / _HOUR_S
        del self._kept[name]

    def stored_token_hours(self, now: float) -> float:
        """Tokens times hours kept so far, which is what storage is billed by."""
        running = (
            found.tokens * max(0.0, min(now, found.expires) - found.created) / _HOUR_S
            for found in self._kept.values()
        )
        return self._settled_token_hours + sum(running)

    def storage_usd(self, now: float) -> float:
        """What storage has cost so far, in US dollars."""
        return self.stored_token_hours(now) / _MILLION * self._profile.storage_usd_per_mtok_hour

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Read the resource that the body names in `cachedContent`; the rest of the prompt follows it.

        Where `total` is known it is the whole prompt, the resource included.

        Raises:
            CacheRefused: There is no such resource any more (403), or it is for another model (400).
        """
        name = prompt.body.get("cachedContent") or prompt.body.get("cached_content")
        if not isinstance(name, str):
            return CacheOutcome(self._profile.counts.ends(prompt)[-1], 0, reason="no_resource")
        found = self.get(name, now)
        if found.scope[:2] != prompt.scope[:2]:
            raise CacheRefused("Model used by GenerateContent request and CachedContent has to be the same.")
        if prompt.total is not None:
            return CacheOutcome(prompt.total, min(found.tokens, prompt.total))
        return CacheOutcome(found.tokens + self._profile.counts.ends(prompt)[-1], found.tokens)
