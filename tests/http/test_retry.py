from __future__ import annotations

from email.utils import formatdate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ConnectionFailed, ServerError
from agentlab.http import Failure, ManualClock, Retry, parse_retry_after

NOW = 1_750_000_000.0


class Top(Random):
    """Draws the upper bound of every range: jitter at its largest."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


TOP = Top()
GIVE_UP = None

# outcome, headers, attempt, elapsed -> the longest delay
TABLE: list[tuple[int | Failure, dict[str, str], int, float, float | None]] = [
    # Backoff doubles and is capped.
    (429, {}, 1, 0, 0.5),
    (429, {}, 2, 0, 1.0),
    (429, {}, 3, 0, 2.0),
    (429, {}, 4, 0, GIVE_UP),
    (429, {}, 99, 0, GIVE_UP),
    (429, {}, 0, 0, 0.5),
    (429, {}, -1100, 0, 0.5),
    # Statuses.
    (408, {}, 1, 0, 0.5),
    (409, {}, 1, 0, 0.5),
    (500, {}, 1, 0, 0.5),
    (502, {}, 1, 0, 0.5),
    (503, {}, 1, 0, 0.5),
    (504, {}, 1, 0, 0.5),
    (529, {}, 1, 0, 0.5),
    (599, {}, 1, 0, 0.5),
    (200, {}, 1, 0, GIVE_UP),
    (301, {}, 1, 0, GIVE_UP),
    (400, {}, 1, 0, GIVE_UP),
    (401, {}, 1, 0, GIVE_UP),
    (403, {}, 1, 0, GIVE_UP),
    (404, {}, 1, 0, GIVE_UP),
    (413, {}, 1, 0, GIVE_UP),
    (422, {}, 1, 0, GIVE_UP),
    (600, {}, 1, 0, GIVE_UP),
    # No response.
    (Failure.CONNECT, {}, 1, 0, 0.5),
    (Failure.CONNECT_TIMEOUT, {}, 2, 0, 1.0),
    (Failure.POOL_TIMEOUT, {}, 3, 0, 2.0),
    (Failure.WRITE_TIMEOUT, {}, 1, 0, 0.5),
    (Failure.BROKEN, {}, 1, 0, 0.5),
    (Failure.READ_TIMEOUT, {}, 1, 0, GIVE_UP),
    (Failure.WALL_CLOCK, {}, 1, 0, GIVE_UP),
    (Failure.MALFORMED, {}, 1, 0, GIVE_UP),
    (Failure.CONNECT, {}, 4, 0, GIVE_UP),
    # The server's own verdict.
    (400, {"x-should-retry": "true"}, 1, 0, 0.5),
    (200, {"x-should-retry": " True "}, 1, 0, 0.5),
    (429, {"x-should-retry": "false"}, 1, 0, GIVE_UP),
    (503, {"x-should-retry": "FALSE", "retry-after": "1"}, 1, 0, GIVE_UP),
    (503, {"x-should-retry": "maybe"}, 1, 0, 0.5),
    (400, {"x-should-retry": "true"}, 4, 0, GIVE_UP),
    # A wait asked for: at least that, at most a quarter more, and no more than the backoff on top.
    (429, {"retry-after": "2"}, 1, 0, 2.5),
    (429, {"retry-after": "1"}, 3, 0, 1.25),
    (429, {"retry-after": "20"}, 1, 0, 20.5),
    (429, {"retry-after": "20"}, 3, 0, 22.0),
    (429, {"retry-after-ms": "200"}, 1, 0, 0.25),
    (429, {"retry-after-ms": "400", "retry-after": "30"}, 1, 0, 0.5),
    (429, {"retry-after-ms": "soon", "retry-after": "2"}, 1, 0, 2.5),
    (503, {"retry-after": formatdate(NOW + 10, usegmt=True)}, 1, 0, 10.5),
    (400, {"retry-after": "1"}, 1, 0, GIVE_UP),
    # More than `max_retry_after` is the caller's to plan with.
    (429, {"retry-after": "60.5"}, 1, 0, GIVE_UP),
    (429, {"retry-after": "3600"}, 1, 0, GIVE_UP),
    (429, {"retry-after-ms": "61000"}, 1, 0, GIVE_UP),
    (429, {"retry-after": formatdate(NOW + 61, usegmt=True)}, 1, 0, GIVE_UP),
    # What says nothing usable is as if it were not there.
    (429, {"retry-after": "0"}, 1, 0, 0.5),
    (429, {"retry-after": "-10"}, 1, 0, 0.5),
    (429, {"retry-after": "nan"}, 1, 0, 0.5),
    (429, {"retry-after": "inf"}, 1, 0, 0.5),
    (429, {"retry-after": formatdate(NOW - 10, usegmt=True)}, 1, 0, 0.5),
    # The time budget.
    (429, {}, 1, 59.5, 0.5),
    (429, {}, 1, 59.6, GIVE_UP),
    (429, {"retry-after": "30"}, 1, 29.5, 30.5),
    (429, {"retry-after": "30"}, 1, 30, GIVE_UP),
    (Failure.CONNECT, {}, 2, 60, GIVE_UP),
]


@pytest.mark.parametrize(("outcome", "headers", "attempt", "elapsed", "delay"), TABLE)
def test_the_decision_table(
    outcome: int | Failure, headers: dict[str, str], attempt: int, elapsed: float, delay: float | None
) -> None:
    decided = Retry().delay(attempt, outcome, headers=headers, elapsed=elapsed, now=NOW, rng=TOP)
    assert decided == (delay if delay is None else pytest.approx(delay, abs=1e-6))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "1e1"}, 10.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-10"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "\u0661"}, 1.0),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW, usegmt=True)}, None),
        ({"retry-after": formatdate(NOW - 1, usegmt=True)}, None),
        ({"retry-after": "Zun, 29 Sep 2024 16:26:57 GMT"}, None),
        ({"retry-after": "Fri, 29 Sep 100000 16:26:57 GMT"}, None),
        ({"retry-after": "Fri, 99 Sep 2030 16:26:57 GMT"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, 253402387139.0 - NOW),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "0", "retry-after": "3"}, 3.0),
        ({"retry-after-ms": "nan", "retry-after": "3"}, 3.0),
    ],
)
def test_what_a_provider_may_write_into_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    parsed = parse_retry_after(headers, NOW)
    assert parsed == (seconds if seconds is None else pytest.approx(seconds, abs=1.0))


@given(value=st.text(), milliseconds=st.text(), now=st.floats(min_value=0, max_value=1e11))
def test_no_header_text_breaks_the_parser(value: str, milliseconds: str, now: float) -> None:
    parsed = parse_retry_after({"retry-after": value, "retry-after-ms": milliseconds}, now)
    assert parsed is None or 0 < parsed < float("inf")


@given(
    seed=st.integers(), attempt=st.integers(1, 3), asked=st.none() | st.floats(min_value=0.01, max_value=30)
)
def test_a_delay_is_within_its_bounds_and_never_before_what_was_asked(
    seed: int, attempt: int, asked: float | None
) -> None:
    headers = {} if asked is None else {"retry-after": repr(asked)}
    delay = Retry().delay(attempt, 429, headers=headers, rng=Random(seed))
    assert delay is not None
    if asked is None:
        assert 0 <= delay <= 0.5 * 2 ** (attempt - 1)
    else:
        assert asked <= delay <= asked * 1.25


def test_a_hundred_clients_told_the_same_wait_do_not_come_back_together() -> None:
    delays = [
        Retry().delay(1, 429, headers={"retry-after": "2"}, rng=Random(seed)) or 0 for seed in range(100)
    ]
    assert min(delays) >= 2.0
    mean = sum(delays) / 100
    deviation = (sum((delay - mean) ** 2 for delay in delays) / 100) ** 0.5
    assert deviation >= 0.1 * (max(delays) - min(delays))


outcomes = st.tuples(
    st.sampled_from([200, 400, 408, 429, 500, 503, 529, *Failure]),
    st.fixed_dictionaries(
        {},
        optional={
            "retry-after": st.sampled_from(["0", "1", "59", "61", "nan", "x"]) | st.integers(0, 100).map(str),
            "retry-after-ms": st.integers(0, 70_000).map(str),
            "x-should-retry": st.sampled_from(["true", "false", "?"]),
        },
    ),
    st.floats(min_value=0, max_value=5),
)
policies = st.builds(
    Retry,
    attempts=st.integers(1, 8),
    total_s=st.floats(min_value=0, max_value=100),
    base_s=st.floats(min_value=0, max_value=4),
    cap_s=st.floats(min_value=0, max_value=20),
    max_retry_after=st.floats(min_value=0, max_value=80),
)


@given(policy=policies, servers=st.lists(outcomes, min_size=1, max_size=12), seed=st.integers())
def test_requests_and_time_stay_within_the_policy(
    policy: Retry, servers: list[tuple[int | Failure, dict[str, str], float]], seed: int
) -> None:
    clock, rng = ManualClock(), Random(seed)
    requests = 0
    waited = 0.0
    for outcome, headers, took in servers:
        requests += 1
        delay = policy.delay(
            requests, outcome, headers=headers, elapsed=clock.monotonic(), now=clock.time(), rng=rng
        )
        if delay is None:
            break
        assert 0 <= delay <= max(policy.cap_s, policy.max_retry_after * 1.25)
        clock.advance(delay)
        waited += delay
        # Every request starts inside the budget; only the answers themselves may take longer.
        assert clock.monotonic() <= policy.total_s + 1e-9
        clock.advance(took)
    assert requests <= max(policy.attempts, 1)
    assert waited <= policy.total_s + 1e-9


def test_a_failure_is_found_again_in_its_error() -> None:
    for failure in Failure:
        assert Failure.of(ConnectionFailed("x", code=failure.value)) is failure
    assert Failure.of(ServerError("x", status=500, code="overloaded_error")) is None
    assert Failure.of(ServerError("x", status=500)) is None
