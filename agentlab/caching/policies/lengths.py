"""From what a machine holds of a prompt to the provider's own count."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.caching.blocks.prefix_tree import Held
from agentlab.caching.policies.policy import Prompt

__all__ = ["position"]


def position(prompt: Prompt, ends: Sequence[int], held: Held) -> int:
    """Where the held part of a prompt ends, in the provider's tokens.

    Args:
        prompt: The prompt.
        ends: Tokens of its first 0, 1, ... blocks.
        held: What is held of it.
    """
    start = ends[held.blocks]
    if not held.tokens or held.blocks >= len(prompt.blocks):
        return start
    inside = held.tokens / max(1, prompt.blocks[held.blocks].tokens)
    return start + int((ends[held.blocks + 1] - start) * min(1.0, inside))
