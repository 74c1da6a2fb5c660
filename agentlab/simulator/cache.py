"""Tokens of an exchange: what the prompt's cache did, and what the reply costs.

Which rule a provider's cache follows is a `CachePolicy`; one instance serves each vendor for as long as the server
lives, so a conversation's second turn finds its first.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from agentlab.caching import CachePolicy, LongestPrefix, Prompt, estimate_tokens, split_object
from agentlab.messages import AssistantPart, Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.exchange import Reply, SimRequest

__all__ = ["Accounts", "PolicyFactory", "output_usage", "plain_policy"]

PolicyFactory = Callable[[SimRequest], CachePolicy]

_CALL_TOKENS = 8
"""Tokens a call costs beside its name and arguments, about what OpenAI and Anthropic bill for the frame."""


def plain_policy(request: SimRequest) -> CachePolicy:
    """The longest common prefix for every wire; the Anthropic wire caches only marked prompts, and reports writes."""
    marked = request.wire == "anthropic"
    return LongestPrefix(reports_writes=marked, needs_marker=marked)


class Accounts:
    """Reports the usage of each exchange.

    Args:
        policy: Makes the cache policy of a vendor, from its first request.
    """

    def __init__(self, policy: PolicyFactory = plain_policy) -> None:
        self._make = policy
        self._policies: dict[tuple[str, str], CachePolicy] = {}

    def account(self, request: SimRequest, reply: Reply, now: float) -> Usage:
        """The usage to report; fields the reply sets itself win.

        Args:
            request: The request.
            reply: What is said to it.
            now: Virtual time in seconds.
        """
        policy = self._policies.get((request.vendor, request.wire))
        if policy is None:
            policy = self._policies[request.vendor, request.wire] = self._make(request)
        key = request.json.get("prompt_cache_key")
        scope = (request.vendor, request.model, key if isinstance(key, str) else "")
        prompt = Prompt(split_object(request.wire, request.json), scope, request.json)
        outcome = policy.account(prompt, now)
        usage = msgspec.structs.replace(
            output_usage(reply.content),
            input_tokens=outcome.input_tokens,
            cache_read_tokens=outcome.read_tokens,
            cache_write_tokens=outcome.write_tokens,
            cache_write_5m_tokens=outcome.write_5m_tokens,
            cache_write_1h_tokens=outcome.write_1h_tokens,
        )
        return usage if reply.usage is None else usage.merged(reply.usage)


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
