"""What a turn could have read from the cache: the request before it, had all of it stayed the start and been kept warm."""

from __future__ import annotations

from functools import lru_cache

from agentlab.agent.frames import provider_and_model
from agentlab.caching.policies.profile import Profile
from agentlab.caching.profiles.registry import profile_for
from agentlab.notebook.run.turn import TurnView

__all__ = ["ideal_read"]


def ideal_read(previous: TurnView | None, current: TurnView) -> int | None:
    """Tokens of the prompt that were sent in the turn before, as far as the provider's cache reads such.

    Args:
        previous: The turn before; None for the first, where what the cache holds is not known.
        current: The turn.

    Returns:
        Tokens; None where it cannot be known: either turn's usage is not reported, another model was asked, or the
        provider has no such cache or does not tell what it reads.
    """
    if previous is None or previous.model != current.model or previous.usage is None or current.usage is None:
        return None
    before, now, read = (
        previous.usage.input_tokens,
        current.usage.input_tokens,
        current.usage.cache_read_tokens,
    )
    if before is None or now is None or read is None:
        return None
    profile = _profile(current.model)
    if profile.family in {"none", "resource"} or not profile.reports_reads:
        return None
    # A provider that read more than the rule says knows its cache better than the rule does.
    return max(read, _readable(profile, min(before - profile.tail_tokens, now - profile.recomputed))) or None


def _readable(profile: Profile, shared: int) -> int:
    """Of a shared prefix, what is read: whole intervals, from the minimum on, as the provider rounds them."""
    matched = (shared + profile.hidden_tokens) // profile.granularity * profile.granularity
    matched -= profile.hidden_tokens
    if matched < max(1, profile.min_tokens):
        return 0
    return matched // profile.report_floor * profile.report_floor


@lru_cache(maxsize=256)
def _profile(model: str) -> Profile:
    return profile_for(*provider_and_model(model))
