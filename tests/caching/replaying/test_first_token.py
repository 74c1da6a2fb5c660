"""The model of the time to the first token tells the published shape, and can be fitted to what was recorded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.caching.calls import RecordedCall
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.errors import UsageError
from agentlab.messages import Usage


@pytest.mark.parametrize(("tokens", "faster"), [(1024, 0.07), (150_000, 0.67)])
def test_the_defaults_are_the_published_points(tokens: int, faster: float) -> None:
    model = FirstToken()
    cold = model.seconds(uncached=tokens, read=0, written=0)
    warm = model.seconds(uncached=0, read=tokens, written=0)
    assert 1 - warm / cold == pytest.approx(faster, abs=0.002)


def test_a_cost_of_writing_makes_the_first_token_later() -> None:
    model = FirstToken(written_s=1e-5)
    assert model.seconds(uncached=0, read=0, written=1000) > model.seconds(uncached=1000, read=0, written=0)


positive = st.floats(1e-6, 1e-3)


@settings(deadline=None)  # numpy is loaded by the first example
@given(t0=st.floats(0.1, 2), uncached=positive, read=positive, written=positive)
def test_a_fit_finds_the_model_the_times_came_from(
    t0: float, uncached: float, read: float, written: float
) -> None:
    truth = FirstToken(t0, uncached, read, written)
    calls = []
    for total, hit, wrote in [
        (1000, 0, 0),
        (5000, 0, 5000),
        (9000, 8000, 0),
        (20000, 3000, 9000),
        (400, 0, 400),
    ]:
        seconds = truth.seconds(uncached=total - hit - wrote, read=hit, written=wrote)
        usage = Usage(input_tokens=total, cache_read_tokens=hit, cache_write_tokens=wrote)
        calls.append(RecordedCall("", "", "v", "m", usage, ttft_s=seconds))
    found = FirstToken.fitted(calls)
    assert found.t0_s == pytest.approx(t0, rel=1e-3)
    assert found.uncached_s == pytest.approx(uncached, rel=1e-3)
    assert found.read_s == pytest.approx(read, rel=1e-3, abs=1e-9)
    assert found.written_s == pytest.approx(written, rel=1e-2, abs=1e-9)


def test_a_fit_has_no_negative_parameter() -> None:
    calls = [
        RecordedCall("", "", "v", "m", Usage(input_tokens=size), ttft_s=seconds)
        for size, seconds in [(1000, 2.0), (2000, 1.5), (4000, 1.0), (8000, 0.9)]
    ]
    assert min(FirstToken.fitted(calls).__getattribute__(name) for name in FirstToken.__struct_fields__) >= 0


def test_too_few_calls_are_refused() -> None:
    with pytest.raises(UsageError, match="not 0"):
        FirstToken.fitted([RecordedCall("", "", "v", "m")] * 9)
