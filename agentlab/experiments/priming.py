"""What is asked where only the prefix before it matters, and what a provider's rule lets such a prefix do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from agentlab.caching.policies.policy import CachePolicy, CacheRefused, Prompt
from agentlab.caching.policies.profile import Profile
from agentlab.messages import Request, UserMessage

__all__ = ["PRIME_PROMPTS", "idle_limit_s", "prime_request", "readable_tokens"]

PRIME_PROMPTS: Final = ("Ready? Say yes.", "Answer with one word: steady", "Name one colour.", "Hello.")
"""All different from their first word on, because a prefix that several prompts share is not one prompt sent again: some
providers keep whole prompts, and read what prompts have in common only once two were seen to have it."""

_OF_LIFETIME: Final = 0.8


def prime_request(asked: Request, number: int) -> Request:
    """The request of an agent that only primes its prefix.

    Volatile facts are taken to have changed: what stands behind them is no prefix.

    Args:
        asked: Any request of the agent, its parts apart.
        number: Which of the prompts.
    """
    return structs.replace(
        asked,
        messages=(UserMessage.of(PRIME_PROMPTS[number % len(PRIME_PROMPTS)]),),
        prompt_index=0,
        volatile=tuple(f"({number})" for _ in asked.volatile),
        retrieved=(),
        output_schema=None,
    )


def readable_tokens(policy: CachePolicy, primes: Sequence[Prompt]) -> tuple[int, int]:
    """What a provider's rule lets a prompt read of a prefix that other prompts were sent with.

    Args:
        policy: The rule, empty.
        primes: Prompts that share the prefix and nothing more.

    Returns:
        The tokens read at most, and how many prompts are sent before one reads so much; 0 and 0 where none does.
    """
    try:
        read = [
            policy.account(prompt, float(second)).read_tokens or 0 for second, prompt in enumerate(primes)
        ]
    except CacheRefused:
        return 0, 0
    most = max(read)
    return most, read.index(most) if most else 0


def idle_limit_s(profile: Profile, ttl: str | None) -> float:
    """Seconds after which an unused prefix is primed again: most of its lifetime; never where none is known.

    Args:
        profile: The provider's cache.
        ttl: The lifetime that is asked for; the provider's own where None.
    """
    lifetime = profile.ttl.get(ttl or profile.default_ttl, profile.ttl.get(profile.default_ttl))
    return float("inf") if lifetime is None else _OF_LIFETIME * lifetime
