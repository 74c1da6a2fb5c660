from __future__ import annotations

import asyncio
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import BudgetSpent, SweepStopped, UsageError
from agentlab.experiments.metering import Budget, Reservation, StopSignal
from tests.experiments.metering.virtual_time import run_virtually

pytestmark = pytest.mark.anyio

dollars = st.floats(0, 3, allow_nan=False)


@given(
    st.floats(0, 10),
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "grow", "settle"]), dollars, st.integers(0, 9), st.floats(0, 1)
        ),
        max_size=80,
    ),
)
def test_spent_and_reserved_never_exceed_the_limit_while_bounds_hold(
    limit: float, steps: list[tuple[str, float, int, float]]
) -> None:
    budget, open_ones, spent = Budget(limit), [], 0.0
    for kind, amount, place, share in steps:
        if kind == "reserve":
            made = budget.try_reserve(amount)
            open_ones += [made] if made is not None else []
        elif open_ones and kind == "grow":
            open_ones[place % len(open_ones)].grow(amount)
        elif open_ones and kind == "settle":
            done = open_ones.pop(place % len(open_ones))
            spent += share * done.usd
            done.settle(share * done.usd)
        assert budget._spent + budget._reserved <= budget._limit  # in whole picodollars: exact
        assert budget.in_flight == len(open_ones)
    for each in open_ones:
        each.settle(0.0)
    assert budget.reserved_usd == 0
    assert budget.spent_usd == pytest.approx(spent, abs=1e-9)


@given(st.lists(st.tuples(dollars, st.floats(0, 2), st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_every_call_is_served_or_refused_and_the_books_balance(
    calls: list[tuple[float, float, float, bool]],
) -> None:
    async def main() -> None:
        budget, spent = Budget(5.0), 0.0

        async def one(upper: float, lasts: float, share: float, *, gives_up: bool) -> None:
            nonlocal spent
            with suppress(BudgetSpent, TimeoutError):
                async with asyncio.timeout(0.5 if gives_up else None):
                    held = await budget.reserve(upper)
                try:
                    await asyncio.sleep(lasts)
                finally:
                    spent += share * upper
                    held.settle(share * upper)

        await asyncio.gather(*(one(*call[:3], gives_up=call[3]) for call in calls))
        assert budget.in_flight == 0
        assert budget.reserved_usd == 0
        assert budget.spent_usd == pytest.approx(spent, abs=1e-9)
        assert budget.spent_usd <= 5.0

    run_virtually(main())


async def test_a_call_waits_where_those_in_flight_may_leave_enough() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(0.7)
    second = asyncio.create_task(budget.reserve(0.5))
    await asyncio.sleep(0)
    assert not second.done()
    first.settle(0.2)
    assert (await second).usd == 0.5
    assert (budget.spent_usd, budget.reserved_usd, budget.free_usd) == (0.2, 0.5, pytest.approx(0.3))


async def test_a_call_is_refused_as_soon_as_nothing_in_flight_can_leave_enough() -> None:
    budget = Budget(1.0)
    with pytest.raises(BudgetSpent, match=r"up to \$1\.5000.*budget of \$1\.00 \$0\.0000 is spent; raise"):
        await budget.reserve(1.5)
    first = await budget.reserve(0.7)
    second = asyncio.create_task(budget.reserve(0.5))
    await asyncio.sleep(0)
    first.settle(0.7)
    with pytest.raises(BudgetSpent, match="is spent"):
        await second
    assert budget.free_usd == pytest.approx(0.3)


async def test_a_small_call_does_not_overtake_a_large_one() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(0.6)
    order: list[str] = []

    async def ask(name: str, upper: float) -> None:
        held = await budget.reserve(upper)
        order.append(name)
        held.settle(0.0)

    waiting = [asyncio.create_task(ask("large", 0.9)), asyncio.create_task(ask("small", 0.1))]
    await asyncio.sleep(0)
    assert budget.try_reserve(0.1) is None
    first.settle(0.0)
    await asyncio.gather(*waiting)
    assert order == ["large", "small"]


async def test_a_refused_call_lets_the_smaller_ones_behind_it_through() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(0.6)
    large = asyncio.create_task(budget.reserve(0.9))
    small = asyncio.create_task(budget.reserve(0.4))
    await asyncio.sleep(0)
    first.settle(0.5)
    with pytest.raises(BudgetSpent):
        await large
    assert (await small).usd == 0.4


async def test_a_call_that_gives_up_holds_nothing_and_holds_up_nobody() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(0.6)
    large = asyncio.create_task(budget.reserve(0.9))
    small = asyncio.create_task(budget.reserve(0.4))
    await asyncio.sleep(0)
    large.cancel()
    assert (await small).usd == 0.4
    first.settle(0.0)
    assert (budget.in_flight, budget.reserved_usd) == (1, 0.4)


async def test_a_call_cancelled_as_its_money_is_given_gives_it_back() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(1.0)
    second = asyncio.create_task(budget.reserve(1.0))
    await asyncio.sleep(0)
    first.settle(0.0)  # gives it to the second, which has not run yet
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (budget.in_flight, budget.reserved_usd, budget.spent_usd) == (0, 0, 0)


async def test_stopping_ends_the_wait_at_once() -> None:
    budget, stop = Budget(1.0), StopSignal()
    await budget.reserve(1.0)
    waiting = asyncio.create_task(budget.reserve(1.0, stop=stop))
    await asyncio.sleep(0)
    stop.set("enough was seen")
    with pytest.raises(SweepStopped, match="enough was seen"):
        await waiting
    with pytest.raises(SweepStopped):
        await budget.reserve(0.0, stop=stop)


def test_what_costs_more_than_was_reserved_is_booked_in_full_and_lets_nothing_further_through() -> None:
    budget = Budget(1.0)
    held = budget.try_reserve(0.5)
    assert held is not None
    held.settle(1.5)
    assert budget.spent_usd == 1.5
    assert budget.try_reserve(0.0) is None
    assert budget.free_usd == 0


def test_a_reservation_is_settled_once_and_does_not_grow_after() -> None:
    budget = Budget(1.0)
    held = budget.try_reserve(0.5)
    assert isinstance(held, Reservation)
    assert held.grow(0.8)
    assert not held.grow(1.2)
    assert held.usd == held.most_usd == 0.8
    held.settle(0.25)
    held.settle(0.25)
    assert not held.grow(0.9)
    assert (held.usd, held.most_usd, budget.spent_usd, budget.in_flight) == (0, 0.8, 0.25, 0)


def test_money_spent_before_counts() -> None:
    budget = Budget(1.0, spent_usd=0.75)
    assert budget.try_reserve(0.3) is None
    assert budget.try_reserve(0.25) is not None


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_amounts_that_are_none_are_refused(amount: float) -> None:
    with pytest.raises(UsageError, match="`limit_usd` is an amount"):
        Budget(amount)
    with pytest.raises(UsageError, match="amount is a number of US dollars"):
        Budget(1.0).try_reserve(amount)
