"""Usage: one convention, and missing is never zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import Usage

counts = st.none() | st.integers(0, 10**7)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_read_tokens=counts,
    cache_write_tokens=counts,
    reasoning_tokens=counts,
)


@given(usages, usages)
def test_sum_reports_a_count_exactly_where_one_side_does(one: Usage, other: Usage) -> None:
    total = one + other
    for name in (
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
    ):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is None and theirs is None:
            assert getattr(total, name) is None
        else:
            assert getattr(total, name) == (mine or 0) + (theirs or 0)


@given(usages)
def test_adding_nothing_changes_nothing(usage: Usage) -> None:
    assert usage + Usage() == usage


def test_uncached_is_what_was_neither_read_nor_written() -> None:
    usage = Usage(input_tokens=100, cache_read_tokens=60, cache_write_tokens=30)
    assert usage.uncached_tokens == 10
    assert usage.cache_hit_share == 0.6
    assert Usage(output_tokens=3).uncached_tokens is None
    assert Usage(input_tokens=5).cache_hit_share is None


def test_a_later_report_wins_only_where_it_says_something() -> None:
    start = Usage(input_tokens=10, output_tokens=1, raw={"a": 1})
    assert start.merged(Usage(output_tokens=7, raw={"b": 2})) == Usage(
        input_tokens=10, output_tokens=7, raw={"b": 2}
    )
