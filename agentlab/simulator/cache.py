"""Tokens of an exchange: what the prompt's cache did, and what the reply costs.

Each vendor caches by its own rule: the profile of vendor and model says which (`agentlab.caching.profiles.registry`). One policy
serves each model for as long as the server lives, so a conversation's second turn finds its first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from agentlab.caching import CachePolicy, LongestPrefix, Prompt, estimate_tokens, split_object
from agentlab.caching.policies.answers import KeepsAnswers
from agentlab.caching.policies.policy import CacheOutcome
from agentlab.caching.profiles.registry import Profile, make_policy, profile_for
from agentlab.errors import UsageError
from agentlab.messages import AssistantPart, Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.cached_contents import CachedContents
from agentlab.simulator.counted_prompts import CountedPrompts
from agentlab.simulator.exchange import Reply, SimRequest

__all__ = [
    "Accounts",
    "PolicyChoice",
    "PolicyFactory",
    "output_usage",
    "plain_policy",
    "policy_factory",
    "profile_of",
    "prompt_of",
    "scope_of",
]

PolicyFactory = Callable[[SimRequest], CachePolicy]
PolicyChoice = Literal["provider", "longest-prefix"] | PolicyFactory

_CALL_TOKENS: Final = 8
"""Tokens a call costs beside its name and arguments, about what OpenAI and Anthropic bill for the frame."""

_HOME: Final = {
    "anthropic": "anthropic",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "gemini": "gemini",
    "ollama": "ollama",
}
"""Whose rule a vendor without a row follows: that of the wire's own vendor, where the wire has but one."""


def plain_policy(request: SimRequest) -> CachePolicy:
    """The longest common prefix for every wire; those with markers cache only marked prompts, and report writes."""
    marked = request.wire in {"anthropic", "bedrock_converse"}
    return LongestPrefix(reports_writes=marked, needs_marker=marked)


def policy_factory(choice: PolicyChoice, *, strict: bool = True, seed: int = 0) -> PolicyFactory:
    """What makes the policy of a model from its first request.

    Args:
        choice: `provider` is the vendor's own rule; `longest-prefix` reads whatever an earlier prompt began with, however
            short; a function is taken as it is.
        strict: Whether the vendor's rule leaves chance out.
        seed: Source of chance.

    Raises:
        UsageError: There is no policy of that name.
    """
    if callable(choice):
        return choice
    if choice == "longest-prefix":
        return plain_policy
    if choice != "provider":
        raise UsageError(f"a cache policy is `provider`, `longest-prefix` or a function, not {choice!r}")
    return lambda request: make_policy(profile_of(request), model=request.model, seed=seed, strict=strict)


def profile_of(request: SimRequest) -> Profile:
    """The cache of the vendor and model a request is for."""
    found = profile_for(request.vendor, request.model)
    if found.name == "unknown" and request.wire in _HOME:
        return profile_for(_HOME[request.wire], request.model)
    return found


def scope_of(request: SimRequest) -> tuple[str, ...]:
    """What separates the caches of a server: vendor, model, cache key."""
    key = request.json.get("prompt_cache_key")
    return (request.vendor, request.model, key if isinstance(key, str) else "")


def prompt_of(request: SimRequest, first_byte_s: float = 0.0) -> Prompt:
    """A request as a cache sees it."""
    blocks = split_object(request.wire, request.json)
    return Prompt(
        blocks, scope_of(request), request.json, first_byte_s=first_byte_s, last_byte_s=first_byte_s
    )


class Accounts:
    """Reports the usage of each exchange.

    Args:
        policy: Makes the cache policy of a model, from its first request.
        contents: Gemini's cache resources.
    """

    def __init__(self, policy: PolicyFactory = plain_policy, contents: CachedContents | None = None) -> None:
        self._make = policy
        self._policies: dict[tuple[str, str, str], CachePolicy] = {}
        self._contents = contents or CachedContents()
        self._prompts = CountedPrompts()
        self._last = -math.inf

    def account(self, request: SimRequest, reply: Reply, now: float, *, first_byte_s: float = 0.0) -> Usage:
        """The usage to report; fields the reply sets itself win.

        Args:
            request: The request.
            reply: What is said to it.
            now: Virtual time in seconds. Requests of one moment are taken one after the other, as they came.
            first_byte_s: Seconds until the answer begins; what it wrote can be read from then on.

        Raises:
            CacheRefused: The provider would not take the request for how it uses the cache.
        """
        said = output_usage(reply.content)
        outcome = self._outcome(request, prompt_of(request, first_byte_s), now, said.output_tokens or 0)
        usage = msgspec.structs.replace(
            said,
            input_tokens=outcome.input_tokens,
            cache_read_tokens=outcome.read_tokens,
            cache_write_tokens=outcome.write_tokens,
            cache_write_5m_tokens=outcome.write_5m_tokens,
            cache_write_1h_tokens=outcome.write_1h_tokens,
        )
        return usage if reply.usage is None else usage.merged(reply.usage)

    def _outcome(self, request: SimRequest, prompt: Prompt, now: float, output_tokens: int) -> CacheOutcome:
        self._last = max(now, math.nextafter(self._last, math.inf))
        if isinstance(request.json.get("cachedContent"), str):
            return self._contents.account(prompt)
        key = (request.vendor, request.wire, request.model)
        policy = self._policies.get(key)
        if policy is None:
            policy = self._policies[key] = self._make(request)
        profile = profile_of(request)
        counted = self._prompts.of(prompt, profile)
        if counted.continues is not None and isinstance(policy, KeepsAnswers):
            policy.keep(*counted.continues)
        outcome = policy.account(counted.prompt, self._last)
        if profile.keeps_answers and prompt.blocks:
            self._prompts.answer(prompt, counted.prompt, output_tokens, self._last)
        return outcome


def output_usage(content: tuple[AssistantPart, ...]) -> Usage:
    """Output and reasoning tokens of a reply's parts."""
    reasoning = sum(estimate_tokens(part.text) for part in content if isinstance(part, Reasoning))
    said = sum(estimate_tokens(part.text) for part in content if isinstance(part, Text | Refusal))
    called = sum(
        estimate_tokens(part.name) + estimate_tokens(part.arguments_json) + _CALL_TOKENS
        for part in content
        if isinstance(part, ToolCall)
    )
    return Usage(output_tokens=reasoning + said + called, reasoning_tokens=reasoning)
