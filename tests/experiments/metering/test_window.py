from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.experiments.metering.window import AdaptiveWindow


def window(**options: float) -> AdaptiveWindow:
    return AdaptiveWindow(**{"most": 64, "rng": Random(0), **options})  # type: ignore[arg-type]


def round_trip(found: AdaptiveWindow, now: float, took: float = 0.1) -> float:
    """Fill the window, let every request in and out again; gives the time after it."""
    count = 0
    while (wait := found.wait_s(now)) is not None:
        now += wait
        found.started(now)
        count += 1
    for _ in range(count):
        found.admitted(now, now + took)
    for _ in range(count):
        found.ended()
    return now + took


def test_slow_start_doubles_the_window_each_round_trip_up_to_the_most() -> None:
    found, now = window(), 0.0
    sizes = []
    for _ in range(5):
        now = round_trip(found, now)
        sizes.append(found.size)
    assert sizes == [16, 32, 64, 64, 64]


def test_refusals_of_one_round_trip_shrink_the_window_once() -> None:
    found, now = window(start=32), 0.0
    for _ in range(10):
        found.started(now)
    for _ in range(10):
        found.throttled(0.0, 0.1, 1.0)
    assert found.size == 16
    found.throttled(0.2, 0.3, None)
    assert found.size == pytest.approx(12.8)


def test_the_gate_stays_closed_until_the_longest_wait_asked_for_is_over() -> None:
    found = window()
    found.started(0.0)
    found.throttled(0.0, 1.0, 7.0)
    found.throttled(0.0, 1.0, 2.0)
    wait = found.wait_s(1.0)
    assert wait is not None
    assert 7.0 <= wait <= 7.0 * 1.1
    assert found.wait_s(1.0 + wait) == 0.0


def test_after_a_refusal_the_window_grows_by_half_a_request_a_round_trip() -> None:
    found = window(start=10)
    found.started(0.0)
    found.throttled(0.0, 0.0, None)
    found.ended()
    now, sizes = 1.0, [found.size]
    for _ in range(4):
        now = round_trip(found, now)
        sizes.append(found.size)
    for earlier, later in pairwise(sizes):
        assert later - earlier == pytest.approx(0.5 * int(earlier) / earlier, abs=0.08)  # whole requests


def test_a_window_nobody_fills_does_not_grow() -> None:
    found = window()
    for step in range(50):
        found.started(float(step))
        found.admitted(float(step), step + 0.5)
        found.ended()
    assert found.size == 8


def test_starts_are_spread_over_a_round_trip_and_not_sent_in_one_burst() -> None:
    found = window(start=10)
    found.started(0.0)
    found.admitted(0.0, 1.0)
    found.throttled(0.0, 1.0, 0.0)
    found.ended()
    now, starts = 1.0, 0
    while now < 1.5 and (wait := found.wait_s(now)) is not None:
        now += wait
        found.started(now)
        starts += 1
    assert starts <= found.size * 0.5 * 1.25 + 2


@given(
    st.integers(1, 100),
    st.lists(
        st.tuples(st.sampled_from(["start", "in", "out", "refuse"]), st.floats(0, 3), st.floats(0, 60)),
        max_size=80,
    ),
)
def test_the_window_stays_within_its_bounds_and_one_request_may_always_start_in_the_end(
    most: int, steps: list[tuple[str, float, float]]
) -> None:
    found, now, running = window(most=most), 0.0, []
    for kind, later, asked in steps:
        now += later
        if kind == "start" and found.wait_s(now) == 0.0:
            found.started(now)
            running.append(now)
        elif running and kind == "in":
            found.admitted(running[0], now)
        elif running and kind == "refuse":
            found.throttled(running[0], now, asked)
        elif running and kind == "out":
            running.pop()
            found.ended()
        assert 1 <= found.size <= most
        assert 0 <= found.in_flight == len(running) <= most
    while running:
        running.pop()
        found.ended()
    wait = found.wait_s(now)
    assert wait is not None
    assert found.wait_s(now + wait + 1e-6) == 0.0
