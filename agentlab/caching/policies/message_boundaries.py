"""Prefixes that end with a message, chosen by the provider or marked: OpenAI from GPT-5.6, Kimi from K3.

The provider sets a marker itself at the end of the newest message that can carry one; a request may mark more. Prompts
look for entries at their own markers and, where the provider sets one, at the ends of earlier messages. Counts are exact
(https://developers.openai.com/api/docs/guides/prompt-caching).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.policies.lifetimes import asked_lifetime
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.policies.profile import Profile

__all__ = ["MessageBoundaries", "message_ends"]

_TOOL_ROLES: Final = frozenset(["tool", "function_call_output", "custom_tool_call_output"])
_HOUR_S: Final = 3600.0


class _Entry(Struct):
    tokens: int
    ttl_s: float
    expires: float
    readable: float


class MessageBoundaries:
    """Caches whole messages.

    `prompt_cache_options.mode` of the body is `implicit` where it says nothing; `explicit` without a marker turns the
    cache off. The two share no entry. Each token is billed at one rate: read, written or neither.

    Args:
        profile: The numbers.
        seed: Unused: nothing here is chance.
        strict: Unused.
    """

    def __init__(self, profile: Profile, *, seed: int = 0, strict: bool = False) -> None:  # noqa: ARG002
        self._profile = profile
        self._entries: dict[tuple[tuple[str, ...], str, str], _Entry] = {}

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Read the longest entry at a place that is looked at, and write at most so many markers, the latest."""
        options = prompt.body.get("prompt_cache_options")
        options = options if isinstance(options, dict) else {}
        mode = "explicit" if options.get("mode") == "explicit" else "implicit"
        counts = self._profile.counts.ends(prompt)
        total, lifetime = counts[-1], asked_lifetime(self._profile, prompt.blocks, prompt.body)
        explicit = [place for place, block in enumerate(prompt.blocks, 1) if block.marker is not None]
        ends = message_ends(prompt.blocks) if mode == "implicit" else []
        writes = self._writes(explicit, ends, counts)
        if not writes:
            reason = "no_breakpoint" if not (explicit or ends) else "below_minimum"
            return self._outcome(lifetime, total, 0, 0, reason)
        links = prompt.links
        read, reason = 0, "not_found"
        for place in sorted(self._looked_at(prompt.blocks, explicit, ends), reverse=True):
            entry = self._entries.get((prompt.scope, mode, links[place - 1]))
            if entry is None:
                continue
            if entry.expires < now or now <= entry.readable:
                reason = "expired" if entry.expires < now else "not_readable_yet"
                continue
            entry.expires = now + entry.ttl_s
            read = min(entry.tokens, total)
            break
        kept = {links[place - 1]: counts[place] for place in writes}
        self._store(prompt, mode, kept, lifetime, now)
        written = max(0, counts[writes[-1]] - read)
        return self._outcome(lifetime, total, read, written, reason if written else None)

    def _writes(self, explicit: list[int], ends: list[int], counts: tuple[int, ...]) -> list[int]:
        """Where entries are made: the newest message's end, and the latest explicit markers."""
        own = ends[-1:]
        room = self._profile.max_breakpoints - len(own)
        chosen = {*own, *explicit[max(0, len(explicit) - room) :]}
        return sorted(place for place in chosen if counts[place] >= self._profile.min_tokens)

    def _looked_at(self, blocks: Sequence[Block], explicit: list[int], ends: list[int]) -> set[int]:
        profile = self._profile
        places = {*explicit[: profile.lookup_first], *explicit[-profile.lookup_latest :]}
        if ends:
            places |= {ends[-1], *ends[-1 - profile.lookup_endings : -1]}
            opening = _opening_end(blocks)
            places |= {opening} if opening else set()
        return places

    def _store(
        self,
        prompt: Prompt,
        mode: str,
        written: Mapping[str, int],
        lifetime: str,
        now: float,
    ) -> None:
        """Keep what a request writes: lengths by the link of the prefix."""
        readable = now + (
            prompt.first_byte_s if self._profile.visibility == "first_byte" else prompt.last_byte_s
        )
        ttl = self._profile.ttl[lifetime]
        for link, tokens in written.items():
            key = (prompt.scope, mode, link)
            known = self._entries.get(key)
            if known is not None and known.expires >= now:
                known.ttl_s = max(known.ttl_s, ttl)
                known.expires = now + known.ttl_s
            else:
                self._entries[key] = _Entry(tokens, ttl, now + ttl, readable)

    def _outcome(
        self, lifetime: str, total: int, read: int, written: int, reason: str | None
    ) -> CacheOutcome:
        reports, multipliers = self._profile.reports_writes, self._profile.write_multipliers
        billed = reports or multipliers.get(lifetime, 1.0) != 1.0
        writes = {lifetime: written} if billed else {}
        return CacheOutcome(total, read, written if reports else None, writes, reason)


def message_ends(blocks: Sequence[Block]) -> list[int]:
    """After how many blocks each message ends that an implicit marker can stand at.

    These are user messages, the last result of a group of tool results, and the last of the developer messages at the
    start; later developer messages and the model's own are not.
    """
    found: list[int] = []
    opening = _opening_end(blocks)
    for place, block in enumerate(blocks, 1):
        if not block.ends_message or block.kind in {"tool", "setting"}:
            continue
        following = blocks[place].role if place < len(blocks) else ""
        last_result = block.role in _TOOL_ROLES and following not in _TOOL_ROLES
        if place == opening or block.role == "user" or last_result:
            found.append(place)
    return found


def _opening_end(blocks: Sequence[Block]) -> int:
    """After how many blocks the system prompt ends; 0 where there is none."""
    end = 0
    for place, block in enumerate(blocks, 1):
        if block.kind == "system":
            end = place
        elif block.kind == "message":
            break
    return end
