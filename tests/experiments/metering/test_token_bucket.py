from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments.metering.token_bucket import TokenBucket


def test_a_bucket_lets_one_second_through_at_once_and_then_its_rate() -> None:
    bucket = TokenBucket(120)  # two a second
    assert [bucket.wait_s(1, 0.0), bucket.draw(1, 0.0), bucket.wait_s(1, 0.0), bucket.draw(1, 0.0)][::2] == [
        0,
        0,
    ]
    assert bucket.wait_s(1, 0.0) == pytest.approx(0.5)
    assert bucket.wait_s(1, 0.5) == 0.0


def test_a_draw_larger_than_the_bucket_goes_through_when_it_is_full_and_leaves_a_debt() -> None:
    bucket = TokenBucket(6000)  # a hundred a second
    assert bucket.wait_s(1000, 0.0) == 0.0
    bucket.draw(1000, 0.0)
    assert bucket.wait_s(1, 0.0) == pytest.approx(9.01)


def test_what_was_drawn_too_much_can_be_put_back() -> None:
    bucket = TokenBucket(60, burst=10)
    bucket.draw(10, 0.0)
    bucket.draw(-4, 0.0)
    assert bucket.wait_s(4, 0.0) == 0.0
    assert bucket.wait_s(5, 0.0) == pytest.approx(1.0)


@given(
    st.floats(1, 10_000),
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 50)), min_size=1, max_size=60),
)
def test_no_stretch_of_time_lets_through_more_than_the_bucket_and_its_rate(
    per_minute: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, drawn = TokenBucket(per_minute, burst=50), 0.0, 0.0
    for later, amount in steps:
        now += later
        now += bucket.wait_s(amount, now)
        assert bucket.wait_s(amount, now) == pytest.approx(0.0, abs=1e-6)
        bucket.draw(amount, now)
        drawn += amount
        assert drawn <= 50 + now * per_minute / 60 + 1e-6 * max(1.0, now)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_lets_nothing_through_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        TokenBucket(rate)
