"""Where the blocks of a prompt end, in the provider's tokens."""

from __future__ import annotations

from itertools import accumulate

from msgspec import Struct

from agentlab.caching.policies.policy import Prompt

__all__ = ["TokenCounts"]


class TokenCounts(Struct, frozen=True):
    """How a provider counts, relative to the estimate of `agentlab.caching.tokens`.

    Attributes:
        per_estimate: Its tokens for one estimated token.
        tools: Tokens it adds where there is a tool at all.
        message: Tokens it adds for each message.
    """

    per_estimate: float = 1.0
    tools: int = 0
    message: int = 0

    def ends(self, prompt: Prompt) -> tuple[int, ...]:
        """Tokens of the first 0, 1, ... blocks of a prompt; the last is the whole prompt.

        Where the provider counted the prompt itself, its count is met exactly, and the blocks are scaled to it. Else a
        prefix has the same length in every prompt that begins with it.
        """
        if prompt.ends is not None:
            return prompt.ends
        if prompt.total is None:
            return self._estimated(prompt)
        sizes = list(accumulate((block.tokens for block in prompt.blocks), initial=0))
        whole = sizes[-1]
        if not whole:
            return (*sizes[:-1], prompt.total) if prompt.blocks else (prompt.total,)
        return tuple(round(prompt.total * size / whole) for size in sizes)

    def _estimated(self, prompt: Prompt) -> tuple[int, ...]:
        per, message = self.per_estimate, self.message
        sizes = [
            block.tokens * per + (message if block.kind == "message" and block.ends_message else 0)
            for block in prompt.blocks
        ]
        first_tool = next((place for place, block in enumerate(prompt.blocks) if block.kind == "tool"), None)
        if first_tool is not None:
            sizes[first_tool] += self.tools
        return tuple(map(round, accumulate(sizes, initial=0)))
