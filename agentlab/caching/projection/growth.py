"""How a recorded run grows: what a projection continues."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median

from msgspec import Struct

from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.replaying.layouts import layouts
from agentlab.errors import UsageError

__all__ = ["Growth", "growth_of"]


class Growth(Struct, frozen=True):
    """A run in a few numbers.

    Attributes:
        vendor: Who serves it.
        model: The model.
        at: Unix time of its first call; None where not known.
        calls: How many calls were recorded.
        first_tokens: Tokens of the first prompt.
        tokens_per_turn: Tokens each prompt is longer than the one before, on average.
        output_tokens: Generated tokens of a turn, on average.
        think_time_s: Seconds between calls, the median.
        read_share: What the provider read of what it could have read: all of the prompt before. 1 where it reports
            nothing.
    """

    vendor: str
    model: str
    at: float | None
    calls: int
    first_tokens: float
    tokens_per_turn: float
    output_tokens: float
    think_time_s: float
    read_share: float = 1.0

    def prompt_tokens(self, turn: int) -> float:
        """Tokens of the prompt of a turn, from 1, if nothing is ever taken out."""
        return self.first_tokens + self.tokens_per_turn * (turn - 1)


def growth_of(trace: Calls) -> Growth:
    """Measure a run: provider's counts where there are any, else estimates.

    Args:
        trace: A trace, or a list of `RecordedCall`.

    Raises:
        UsageError: There is no call.
    """
    calls = calls_of(trace)
    if not calls:
        raise UsageError("there are no calls to project from")
    prompts = _prompt_tokens(calls)
    outputs = [count for call in calls if (count := _output_tokens(call)) is not None]
    gaps = [later.at - earlier.at for earlier, later in pairwise(calls)]
    return Growth(
        calls[0].vendor,
        calls[0].model,
        calls[0].at or None,
        len(calls),
        prompts[0],
        (prompts[-1] - prompts[0]) / max(1, len(prompts) - 1),
        mean(outputs) if outputs else 0.0,
        median(gaps) if gaps else 0.0,
        _read_share(calls, prompts),
    )


def _prompt_tokens(calls: Sequence[RecordedCall]) -> list[float]:
    counted = [call.usage.input_tokens if call.usage is not None else None for call in calls]
    if all(count is not None for count in counted):
        return [count or 0 for count in counted]
    return [sum(block.tokens for block in layout.blocks) for layout in layouts(calls)]


def _output_tokens(call: RecordedCall) -> int | None:
    return call.usage.output_tokens if call.usage is not None else call.output_tokens


def _read_share(calls: Sequence[RecordedCall], prompts: Sequence[float]) -> float:
    possible = done = 0.0
    for call, before in zip(calls[1:], prompts, strict=False):
        read = call.usage.cache_read_tokens if call.usage is not None else None
        if read is not None:
            possible += before
            done += min(read, before)
    return done / possible if possible else 1.0
