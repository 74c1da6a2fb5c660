"""Where a history is shortened and cut: within its budget, rarely, and by the log alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent.memory.trimming import first_kept
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.pruning import Cut, cut_of
from agentlab.errors import UsageError

SIZES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda each: (max(each), min(each))), max_size=20
)


def sent(sizes: list[int], briefs: list[int], cut: Cut) -> int:
    """Tokens of what a cut leaves."""
    return sum(briefs[cut.dropped : cut.shortened]) + sum(sizes[cut.shortened :])


@given(SIZES, st.integers(1, 1_000), st.integers(0, 4))
def test_what_is_sent_fits_the_budget_and_is_counted_right(
    exchanges: list[tuple[int, int]], limit: int, in_full: int
) -> None:
    sizes, briefs = [each[0] for each in exchanges], [each[1] for each in exchanges]
    cut = cut_of(sizes, briefs, Budgets(history=limit, in_full=in_full))
    assert sent(sizes, briefs, cut) == cut.tokens <= limit
    assert 0 <= cut.dropped <= cut.shortened <= len(sizes)


@given(SIZES, st.integers(1, 1_000), st.integers(0, 4))
def test_the_cut_stays_where_it_is_until_the_budget_is_crossed_again(
    exchanges: list[tuple[int, int]], limit: int, in_full: int
) -> None:
    sizes, briefs = [each[0] for each in exchanges], [each[1] for each in exchanges]
    budgets = Budgets(history=limit, in_full=in_full)
    before = cut_of([], [], budgets)
    for place in range(len(sizes)):
        now = cut_of(sizes[: place + 1], briefs[: place + 1], budgets)
        if before.tokens + sizes[place] <= limit:
            assert (now.dropped, now.shortened, now.crossings) == (
                before.dropped,
                before.shortened,
                before.crossings,
            )
        else:
            assert (now.crossed_at, now.crossings) == (place, before.crossings + 1)
            assert (now.dropped_before, now.shortened_before) == (before.dropped, before.shortened)
        assert now.dropped >= before.dropped
        assert now.shortened >= before.shortened
        before = now


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(1, 1_000))
def test_without_summaries_it_cuts_as_a_memory_does(sizes: list[int], limit: int) -> None:
    budgets = Budgets(history=limit, in_full=0)
    assert cut_of(sizes, sizes, budgets).dropped == first_kept(sizes, limit, budgets.kept_history)


@given(SIZES, st.integers(1, 1_000))
def test_the_newest_exchange_is_sent_wherever_it_fits_shortened(
    exchanges: list[tuple[int, int]], limit: int
) -> None:
    sizes, briefs = [each[0] for each in exchanges], [each[1] for each in exchanges]
    cut = cut_of(sizes, briefs, Budgets(history=limit))
    if sizes and briefs[-1] <= limit:
        assert cut.dropped < len(sizes)


def test_summaries_come_first_and_whole_exchanges_go_only_where_those_free_too_little() -> None:
    much = cut_of([100] * 11, [40] * 11, Budgets(history=1_000))
    assert (much.dropped, much.shortened, much.tokens) == (0, 9, 560)
    little = cut_of([100] * 11, [90] * 11, Budgets(history=1_000))
    assert (little.dropped, little.shortened) == (6, 9)
    assert little.tokens == 3 * 90 + 2 * 100


def test_the_newest_exchanges_keep_their_results_in_full() -> None:
    assert cut_of([100] * 11, [10] * 11, Budgets(history=1_000, in_full=4)).shortened == 7


def test_an_exchange_over_the_whole_budget_is_shortened_and_else_left_out() -> None:
    assert cut_of([2_000], [300], Budgets(history=1_000)).tokens == 300
    assert cut_of([2_000], [1_500], Budgets(history=1_000)).dropped == 1


def test_cuts_are_rare() -> None:
    cut = cut_of([100] * 1_000, [100] * 1_000, Budgets(history=10_000))
    assert cut.crossings <= 1_000 // 50


def test_without_a_limit_nothing_is_cut() -> None:
    cut = cut_of([10**6] * 5, [1] * 5, Budgets(history=None))
    assert (cut.dropped, cut.shortened, cut.crossings) == (0, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"history": 0},
        {"history": 10, "keep": 11},
        {"history": 10, "keep": 0},
        {"attachments": -1},
        {"in_full": -1},
    ],
)
def test_budgets_that_keep_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Budgets(**wrong)
