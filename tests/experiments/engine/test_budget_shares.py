"""Shares of one budget: together never more than there is, and never stuck while there is money."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.experiments.engine.budget_shares import BudgetShares, Share
from agentlab.experiments.metering import Budget

MONEY = st.floats(0, 10, allow_nan=False)


@given(
    st.floats(0, 10),
    st.lists(st.tuples(MONEY, st.integers(1, 8), st.floats(0, 1), st.booleans()), max_size=40),
)
def test_what_is_held_and_spent_is_never_more_than_there_is(
    limit: float, steps: list[tuple[float, int, float, bool]]
) -> None:
    budget = Budget(limit)
    shares = BudgetShares(budget)
    flying: list[Share] = []
    for at_least, among, spends, known in steps:
        share = shares.take(at_least=at_least, among=among, is_alone=not flying)
        if share is not None:
            flying.append(share)
            assert share.usd is not None
            assert sum(each.usd or 0.0 for each in flying) <= limit - budget.spent_usd + 1e-9
        elif flying:
            ended = flying.pop(0)
            shares.give_back(ended, spends * (ended.usd or 0.0) if known else None)
        else:
            raise AssertionError("nothing is on its way, and nothing may be sent")
        assert budget.spent_usd + budget.reserved_usd <= limit + 1e-9


def test_a_batch_that_is_alone_is_given_all_there_is_where_it_needs_that() -> None:
    shares = BudgetShares(Budget(1.0))
    share = shares.take(at_least=5.0, among=4, is_alone=True)
    assert share is not None
    assert share.is_all
    assert share.usd is not None
    assert 0.999 < share.usd <= 1.0


def test_a_batch_waits_for_what_others_may_give_back() -> None:
    shares = BudgetShares(Budget(1.0))
    first = shares.take(at_least=0.0, among=2, is_alone=True)
    assert first is not None
    assert not first.is_all
    assert shares.take(at_least=0.8, among=1, is_alone=False) is None
    shares.give_back(first, 0.1)
    later = shares.take(at_least=0.8, among=1, is_alone=True)
    assert later is not None
    assert later.usd is not None
    assert 0.89 < later.usd <= 0.9


def test_what_nobody_knows_counts_as_spent() -> None:
    budget = Budget(1.0)
    shares = BudgetShares(budget)
    share = shares.take(at_least=0.0, among=4, is_alone=True)
    assert share is not None
    shares.give_back(share, None)
    assert budget.spent_usd >= 0.2499


def test_without_a_budget_there_is_nothing_to_share() -> None:
    shares = BudgetShares(None)
    assert shares.take(at_least=1.0, among=4, is_alone=False) == Share(None, is_all=True)
