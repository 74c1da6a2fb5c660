"""Spans of time, the virtual clock and the pace of answers."""

from __future__ import annotations

import pytest

from agentlab.errors import UsageError
from agentlab.simulator.latency import Latency, VirtualClock, seconds


@pytest.mark.parametrize(
    ("span", "expected"),
    [("90s", 90), ("6m", 360), ("1h30m", 5400), ("250ms", 0.25), ("1 d", 86400), (2.5, 2.5), (0, 0)],
)
def test_a_span_is_read_as_seconds(span: str | float, expected: float) -> None:
    assert seconds(span) == pytest.approx(expected)


@pytest.mark.parametrize("span", ["", "soon", "6", "6 parsecs", "-1s", -1])
def test_what_is_no_span_is_refused(span: str | float) -> None:
    with pytest.raises(UsageError):
        seconds(span)


def test_virtual_time_stands_still_until_advanced() -> None:
    clock = VirtualClock()
    assert clock.now() == clock.now() == 0
    clock.advance("6m")
    clock.advance(1)
    assert clock.now() == 361
    assert clock.timestamp() == 1767225600 + 361


def test_a_real_clock_runs_and_can_be_advanced_too() -> None:
    ticks = iter([100.0, 103.0, 104.0])
    clock = VirtualClock(lambda: next(ticks))
    assert clock.now() == 3
    clock.advance(10)
    assert clock.now() == 14


def test_an_uncached_prompt_takes_longer_to_begin() -> None:
    latency = Latency(first_token_s=0.5, tokens_per_s=100, prefill_tokens_per_s=1000)
    assert latency.before_first(0) == 0.5
    assert latency.before_first(2000) == 2.5
    assert latency.between(50) == 0.5


@pytest.mark.parametrize("options", [{"first_token_s": -1}, {"tokens_per_s": 0}])
def test_an_impossible_pace_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Latency(**options)
