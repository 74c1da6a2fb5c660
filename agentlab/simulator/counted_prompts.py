"""Requests as their provider counts them: where each block ends, and what begins the answer.

Counted by the profile alone, as `agentlab.caching.calibration` forecasts recordings: what the server bills for a
conversation is what a forecast of that conversation says.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct, field

from agentlab.caching import Prompt
from agentlab.caching.blocks.positions import Positions
from agentlab.caching.policies.answers import Answered, sent_back
from agentlab.caching.policies.profile import Profile
from agentlab.caching.token_counts import with_tail

__all__ = ["CountedPrompt", "CountedPrompts"]

_REMEMBERED: Final = 256
"""Answers of one model among which a request looks for the one it continues."""


class CountedPrompt(Struct, frozen=True):
    """A prompt, and the answered one it continues.

    Attributes:
        prompt: The request, counted.
        continues: The start of it that was prompt and answer before, and when that was; None where there is none, or the
            provider keeps no answers.
    """

    prompt: Prompt
    continues: tuple[Prompt, float] | None = None


class _Answers(Struct):
    answered: deque[Answered] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    positions: Positions = field(default_factory=Positions)


class CountedPrompts:
    """Counts requests. Where a provider keeps answers, one that is sent back is as long as it was when it was made."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], _Answers] = {}

    def of(self, prompt: Prompt, profile: Profile) -> CountedPrompt:
        """Count a request.

        Args:
            prompt: The request.
            profile: Its provider's numbers.
        """
        counts = profile.counts
        known = self._answers.get(prompt.scope)
        found = sent_back(prompt.blocks, reversed(known.answered)) if known is not None else None
        if known is None or found is None or not found.holds_answer or found.count == len(prompt.blocks):
            return CountedPrompt(counts.counted(prompt))
        blocks, answered = prompt.blocks, found.answered
        known.positions.learn(blocks, found.count - 1, answered.tokens)
        sizes = counts.sizes(blocks, prompt.body)
        end = answered.tokens + sum(sizes[found.count :])
        ends = known.positions.ends(blocks, end, sizes=sizes)
        start = Prompt(blocks[: found.count], prompt.scope, {}, answered.tokens, ends=ends[: found.count + 1])
        return CountedPrompt(
            with_tail(prompt, ends, counts.tail_of(blocks, prompt.body)), (start, answered.at)
        )

    def answer(self, prompt: Prompt, counted: Prompt, output_tokens: int, at: float) -> None:
        """Remember an answer of a provider that keeps them.

        Args:
            prompt: The request.
            counted: The same, counted.
            output_tokens: Tokens of the answer.
            at: When it was sent, in seconds.
        """
        known = self._answers.setdefault(prompt.scope, _Answers())
        assert counted.ends is not None
        known.positions.learn(prompt.blocks, len(prompt.blocks) - 1, counted.ends[len(prompt.blocks)])
        known.answered.append(Answered(prompt.blocks, counted.tokens + output_tokens, at))
