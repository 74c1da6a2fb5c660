"""The published arithmetic of prompt caching, number for number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.projection.reuse import break_even, hit_share
from agentlab.errors import UsageError


def test_one_write_and_one_read_cost_1_35_prompts_and_not_2() -> None:
    twice = break_even(requests=2)
    assert twice.cached == pytest.approx(1.35)
    assert twice.uncached == 2.0
    assert twice.saving == pytest.approx(0.325)


def test_ten_requests_cost_2_15_prompts_and_not_10() -> None:
    ten = break_even(requests=10)
    assert ten.cached == pytest.approx(2.15)
    assert ten.uncached == 10.0
    assert ten.saving == pytest.approx(0.785)


def test_a_prefix_of_221_tokens_is_cheaper_padded_to_1024_for_ten_requests() -> None:
    assert break_even(requests=10, minimum=1024).pad_from_tokens == 221
    padded = 1024 * break_even(requests=10).cached
    assert 10 * 220 < padded < 10 * 221


def test_one_request_alone_is_dearer_cached() -> None:
    once = break_even(requests=1)
    assert once.cached == 1.25
    assert once.saving == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("read", "write", "reads"),
    [(0.1, 1.25, 1), (0.1, 2.0, 2), (0.05, 1.25, 1), (0.5, 1.0, 1), (0.1, 2.5, 2), (1.0, 1.25, math.inf)],
)
def test_a_five_minute_write_pays_after_one_read_and_an_hour_after_two(
    read: float, write: float, reads: float
) -> None:
    assert break_even(read=read, write=write).reads == reads


@given(
    read=st.floats(0.01, 0.9),
    write=st.floats(1.0, 2.5),
    requests=st.integers(1, 200),
    minimum=st.integers(1, 8192),
)
def test_padding_pays_from_exactly_the_length_that_is_given(
    read: float, write: float, requests: int, minimum: int
) -> None:
    found = break_even(read=read, write=write, requests=requests, minimum=minimum)
    padded = minimum * found.cached
    assert requests * found.pad_from_tokens >= padded - 1e-6
    assert requests * (found.pad_from_tokens - 1) < padded + 1e-6


@given(read=st.floats(0.0, 0.99), write=st.floats(1.0, 2.5))
def test_the_reads_that_pay_are_the_fewest(read: float, write: float) -> None:
    reads = break_even(read=read, write=write).reads
    assert isinstance(reads, int)
    assert break_even(read=read, write=write, requests=reads + 1).saving >= -1e-9
    assert reads == 1 or break_even(read=read, write=write, requests=reads).saving < 1e-9


def test_a_judge_reads_some_seventy_percent() -> None:
    rubric, answer = 2000, 800
    assert hit_share(rubric, answer, 100) == pytest.approx(0.707, abs=0.001)
    assert hit_share(rubric, answer, 1) == 0.0


@pytest.mark.parametrize("wrong", [{"requests": 0}, {"minimum": -1}, {"read": -0.1}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        break_even(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        hit_share(0, 0, 1)
