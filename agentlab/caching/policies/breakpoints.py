"""Prefixes that end at marked blocks: Anthropic, Claude on Bedrock, Qwen and MiniMax with markers.

An entry is a prefix that ends at a block with a marker. Each marker of a later prompt looks at its own block and then
back over a few more for an entry; the longest one found is read, and what follows it up to the last marker is written
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from agentlab.caching.policies.policy import CacheOutcome, CacheRefused, Prompt
from agentlab.caching.policies.profile import Profile

__all__ = ["Breakpoints"]

_HOUR_S = 3600.0


class _Entry(Struct):
    """A cached prefix.

    Attributes:
        tokens: Its length.
        ttl_s: Seconds it lives from each use.
        expires: When it ends, if nobody uses it.
        readable: From when it can be read.
    """

    tokens: int
    ttl_s: float
    expires: float
    readable: float


class _Marker(Struct, frozen=True):
    """A breakpoint: the number of blocks before its end, their tokens, and the lifetime asked for in seconds."""

    end: int
    tokens: int
    ttl_s: float


class Breakpoints:
    """Caches what is marked, and nothing else.

    Lifetimes slide: they begin anew at the start of each request that uses the entry. Markers of an hour come before
    those of five minutes; what lies between the hit and the last hourly marker is billed as an hourly write, the rest
    up to the last marker as a short one. A prompt too short is computed without a word.

    Args:
        profile: The numbers.
        seed: Unused: nothing here is chance.
        strict: Unused.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:  # noqa: ARG002
        self._profile = profile
        self._entries: dict[tuple[tuple[str, ...], str], _Entry] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Read the longest entry in reach of a marker, and write up to the last marker.

        Raises:
            CacheRefused: The prompt has more markers than the provider takes, or a longer lifetime after a shorter one.
        """
        ends = self._profile.counts.ends(prompt)
        marked = self._markers(prompt, ends)
        markers = [marker for marker in marked if marker.tokens >= self._profile.min_tokens]
        if not markers:
            return self._outcome(ends[-1], 0, 0, 0, "below_minimum" if marked else "no_breakpoint")
        links = prompt.links
        hit, missed = self._found(prompt, links, markers, now)
        entry = self._entries[prompt.scope, links[hit - 1]] if hit else None
        read = min(entry.tokens, ends[-1]) if entry is not None else 0
        hour_end = max((marker.tokens for marker in markers if marker.ttl_s >= _HOUR_S), default=0)
        write_1h = max(0, hour_end - read)
        write_5m = max(0, markers[-1].tokens - read - write_1h)
        self._store(prompt, links, markers, hit, now)
        reason = missed if read < markers[-1].tokens else None
        return self._outcome(ends[-1], read, write_5m, write_1h, reason)

    def _outcome(self, total: int, read: int, short: int, hour: int, reason: str | None) -> CacheOutcome:
        longest = {name: hour for name, seconds in self._profile.ttl.items() if seconds >= _HOUR_S}
        return CacheOutcome(total, read, short + hour, {self._profile.default_ttl: short, **longest}, reason)

    def _markers(self, prompt: Prompt, ends: tuple[int, ...]) -> list[_Marker]:
        profile = self._profile
        found = [
            _Marker(place, ends[place], profile.ttl.get(block.marker, profile.ttl[profile.default_ttl]))
            for place, block in enumerate(prompt.blocks, 1)
            if block.marker is not None
        ]
        if len(found) > profile.max_breakpoints:
            raise CacheRefused(
                f"A maximum of {profile.max_breakpoints} blocks with cache_control may be provided. Found {len(found)}."
            )
        if any(later.ttl_s > earlier.ttl_s for earlier, later in pairwise(found)):
            raise CacheRefused(
                "a marker with a longer lifetime must not come after one with a shorter lifetime"
            )
        return found

    def _found(
        self, prompt: Prompt, links: tuple[str, ...], markers: list[_Marker], now: float
    ) -> tuple[int, str]:
        """Where the longest entry in reach ends, 0 for none; and why there is no longer one."""
        reach = {place for marker in markers for place in self._reach(prompt, marker)}
        missed = "not_found"
        for place in range(markers[-1].end, 0, -1):
            entry = self._entries.get((prompt.scope, links[place - 1]))
            if entry is None:
                continue
            if entry.expires < now:
                missed = "expired" if missed == "not_found" else missed
            elif now <= entry.readable:
                missed = "not_readable_yet"
            elif place in reach:
                return place, missed
            else:
                missed = "out_of_reach"
        return 0, missed

    def _reach(self, prompt: Prompt, marker: _Marker) -> list[int]:
        """The marker's own place and those before it that it looks at; settings are no content blocks."""
        places: list[int] = []
        for place in range(marker.end, 0, -1):
            if prompt.blocks[place - 1].kind == "setting":
                continue
            places.append(place)
            if len(places) > self._profile.lookback:
                break
        return places

    def _store(
        self, prompt: Prompt, links: tuple[str, ...], markers: list[_Marker], hit: int, now: float
    ) -> None:
        """Renew what was used and keep what was written; what a longer hit covers lives no longer than the hit."""
        used = self._entries[prompt.scope, links[hit - 1]] if hit else None
        if used is not None:
            used.expires = now + used.ttl_s
        delay = {"immediate": 0.0, "first_byte": prompt.first_byte_s, "response_end": prompt.last_byte_s}
        readable = now + delay[self._profile.visibility]
        for marker in markers:
            key = (prompt.scope, links[marker.end - 1])
            known = self._entries.get(key)
            alive = known is not None and known.expires >= now
            if known is not None and alive and (marker.end <= hit or now <= known.readable):
                known.expires = now + known.ttl_s
                continue
            ttl = marker.ttl_s if used is None or marker.end > hit else min(marker.ttl_s, used.ttl_s)
            since = readable if used is None or marker.end > hit else used.readable
            self._entries[key] = _Entry(marker.tokens, ttl, now + ttl, since)
