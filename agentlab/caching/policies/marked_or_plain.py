"""Two rules of one vendor: one for prompts with markers, another for all the rest (Qwen, MiniMax)."""

from __future__ import annotations

from agentlab.caching.policies.policy import CacheOutcome, CachePolicy, Prompt

__all__ = ["MarkedOrPlain"]


class MarkedOrPlain:
    """Chooses by the prompt; the two share no entry.

    Args:
        marked: The rule of prompts with a marker.
        plain: The rule of prompts without.
    """

    def __init__(self, marked: CachePolicy, plain: CachePolicy) -> None:
        self._marked = marked
        self._plain = plain

    def account(self, prompt: Prompt, now: float) -> CacheOutcome:
        """Account by the rule that the prompt chooses."""
        has_marker = any(block.marker is not None for block in prompt.blocks)
        return (self._marked if has_marker else self._plain).account(prompt, now)
