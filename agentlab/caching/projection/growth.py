"""How a recorded run grows: what a projection continues."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median

from msgspec import Struct

from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.policies.lifetimes import asked_lifetime
from agentlab.caching.profiles.registry import profile_for
from agentlab.caching.replaying.layouts import layouts
from agentlab.caching.replaying.prompt_ends import measured_run, reported_tokens
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
        ttl: The lifetime its requests asked for, by its name at the vendor; None is the default.
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
    ttl: str | None = None

    def prompt_tokens(self, turn: int) -> float:
        """Tokens of the prompt of a turn, from 1, if nothing is ever taken out."""
        return self.first_tokens + self.tokens_per_turn * (turn - 1)


def growth_of(trace: Calls) -> Growth:
    """Measure a run: what the provider counted, else estimates by the factors of its profile.

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
        _lifetime(calls[0]),
    )


def _prompt_tokens(calls: Sequence[RecordedCall]) -> list[int]:
    counted = [reported_tokens(call) for call in calls]
    known = [count for count in counted if count is not None]
    if len(known) == len(calls):
        return known
    profile = profile_for(calls[0].vendor, calls[0].model)
    return [prompt.total for prompt in measured_run(list(layouts(calls)), counted, profile)]


def _lifetime(call: RecordedCall) -> str | None:
    if not call.body and call.request is None:
        return None
    layout = next(layouts([call]))
    return asked_lifetime(profile_for(call.vendor, call.model), layout.blocks, layout.settings) or None


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
