from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import SweepStopped, UsageError
from agentlab.experiments.metering import Limiters, Slot, StopSignal
from agentlab.http import ManualClock
from agentlab.models import model
from tests.experiments.metering.virtual_time import LoopClock, run_virtually

pytestmark = pytest.mark.anyio


def test_turns_are_given_in_the_order_they_were_asked_for() -> None:
    async def main() -> list[int]:
        limiter, order = Limiters(3, clock=LoopClock()).limiter(("a",)), []

        async def one(place: int) -> None:
            slot = await limiter.acquire()
            order.append(place)
            await asyncio.sleep(1.0 + place % 3)
            slot.release()

        await asyncio.gather(*(one(place) for place in range(20)))
        return order

    assert run_virtually(main()) == list(range(20))


def test_a_request_that_is_sent_again_comes_before_those_that_wait() -> None:
    async def main() -> list[str]:
        limiter, order = Limiters(8, clock=LoopClock()).limiter(("a",)), []

        async def refused(name: str) -> None:
            slot = await limiter.acquire()
            await asyncio.sleep(0.1 if name == "first" else 0.2 if name == "second" else 0.3)
            slot.throttled(5.0)
            await slot.again()
            order.append(name)
            slot.release()

        async def new() -> None:
            slot = await limiter.acquire()
            order.append("new")
            slot.release()

        await asyncio.gather(
            refused("first"), refused("second"), *(refused("more") for _ in range(6)), new(), new()
        )
        return order

    assert run_virtually(main()) == ["first", "second", *["more"] * 6, "new", "new"]


def test_a_slow_provider_does_not_hold_up_a_fast_one() -> None:
    async def finished_by(names: tuple[str, ...]) -> float:
        limiters = Limiters(16, clock=LoopClock())

        async def one(name: str) -> None:
            slot = await limiters.limiter((name,)).acquire()
            slot.admitted()
            try:
                await asyncio.sleep(30.0 if name == "slow" else 0.1)
            finally:
                slot.release()

        slow, fast = [], []
        for place in range(800):
            fast.append(asyncio.create_task(one("fast")))
            if "slow" in names and place < 64:
                slow.append(asyncio.create_task(one("slow")))
        await asyncio.gather(*fast)
        took = asyncio.get_running_loop().time()
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        assert limiters.in_flight == 0
        return took

    alone, beside = run_virtually(finished_by(("fast",))), run_virtually(finished_by(("fast", "slow")))
    assert beside <= 2.2 * alone  # half of the places, and no more than that


def test_a_provider_with_two_models_has_the_same_share_as_one_with_a_single_model() -> None:
    async def main() -> dict[str, int]:
        limiters, held = Limiters(12, clock=LoopClock()), {"a": 0, "b": 0}

        async def one(key: tuple[str, ...]) -> None:
            slot = await limiters.limiter(key).acquire()
            held[key[0]] += 1
            await asyncio.sleep(100.0)
            slot.release()

        keys = [("a", "one"), ("a", "two"), ("b", "one")]
        first = await limiters.limiter(("c",)).acquire()
        blockers = [await limiters.limiter((f"c{place}",)).acquire() for place in range(11)]
        tasks = [asyncio.create_task(one(key)) for key in keys for _ in range(20)]
        await asyncio.sleep(1.0)
        for slot in (first, *blockers):
            slot.release()
        await asyncio.sleep(1.0)
        found = dict(held)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    assert run_virtually(main()) == {"a": 6, "b": 6}


def test_after_a_refusal_nothing_starts_until_the_wait_asked_for_is_over() -> None:
    async def main() -> list[float]:
        clock = LoopClock()
        limiter, starts = Limiters(64, clock=clock).limiter(("a",)), []
        slots = [await limiter.acquire() for _ in range(4)]
        await asyncio.sleep(1.0)
        slots[0].throttled(20.0)
        for slot in slots:
            slot.release()

        async def one() -> None:
            slot = await limiter.acquire()
            starts.append(clock.monotonic())
            slot.release()

        await asyncio.gather(*(one() for _ in range(50)))
        return starts

    starts = run_virtually(main())
    assert len(starts) == 50
    assert min(starts) >= 21.0


async def test_a_wait_that_is_cancelled_takes_no_turn_and_a_turn_given_to_it_goes_on() -> None:
    limiters = Limiters(1)
    limiter = limiters.limiter(("a",))
    held = await limiter.acquire()
    first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    held.release()  # gives the turn to the first, which has not run yet
    first.cancel()
    slot = await second
    slot.release()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert limiters.in_flight == 0


async def test_stopping_ends_every_wait_and_lets_none_begin() -> None:
    limiters, stop = Limiters(1), StopSignal()
    limiter = limiters.limiter(("a",))
    held = await limiter.acquire(stop=stop)
    waiting = asyncio.create_task(limiter.acquire(stop=stop))
    await asyncio.sleep(0)
    stop.set()
    stop.set("a later reason")
    with pytest.raises(SweepStopped, match="stopped by the user"):
        await waiting
    held.release()
    with pytest.raises(SweepStopped):
        await limiter.acquire(stop=stop)
    assert limiters.in_flight == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fine", "refused", "fails", "cancelled"]),
            st.sampled_from(["a", "b"]),
            st.floats(0, 5),
            st.none() | st.floats(0, 20),
        ),
        max_size=40,
    ),
    st.integers(1, 8),
)
def test_no_slot_is_ever_lost_whatever_becomes_of_the_calls(
    calls: list[tuple[str, str, float, float | None]], concurrency: int
) -> None:
    async def one(limiters: Limiters, how: str, key: str, lasts: float, asked: float | None) -> None:
        async with asyncio.timeout(lasts if how == "cancelled" else None):
            slot: Slot = await limiters.limiter((key,)).acquire()
            try:
                assert limiters.in_flight <= concurrency
                await asyncio.sleep(lasts)
                if how == "refused":
                    slot.throttled(asked)
                    await slot.again()
                elif how == "fine":
                    slot.admitted()
            finally:
                slot.release()
                slot.release()

    async def main() -> None:
        limiters = Limiters(concurrency, clock=LoopClock())
        with suppress(TimeoutError):
            results = await asyncio.gather(*(one(limiters, *call) for call in calls), return_exceptions=True)
            assert all(isinstance(result, TimeoutError | None) for result in results), results
        assert limiters.in_flight == 0
        assert limiters._timer is None
        for key in "ab":
            assert not limiters.limiter((key,))._waiting

    run_virtually(main())


def test_tokens_a_minute_count_what_a_call_took_and_not_what_was_thought() -> None:
    async def main() -> list[float]:
        clock, starts = LoopClock(), []
        limiter = Limiters(64, tpm=60_000, clock=clock).limiter(("a",))  # a thousand a second

        async def one(taken: float) -> None:
            slot = await limiter.acquire(1000)
            starts.append(round(clock.monotonic(), 3))
            slot.release(taken)

        for taken in (100, 100, 1000):
            await one(taken)
        await one(1000)
        return starts

    assert run_virtually(main()) == [0.0, 0.1, 0.2, 1.2]


async def test_models_of_one_vendor_address_and_name_share_a_limiter_and_accounts_do_not() -> None:
    limiters = Limiters()
    one, same, other = (
        model(name, api_key="sk-nothing", base_url="http://127.0.0.1:1")
        for name in ("openai:gpt-5.6", "openai:gpt-5.6", "openai:gpt-5.6-mini")
    )
    assert limiters.of(one) is limiters.of(same)
    assert limiters.of(one) is not limiters.of(other)
    assert limiters.of(one) is not limiters.of(one, account="second key")


async def test_a_clock_that_jumps_is_waited_on_and_not_the_machine() -> None:
    clock = ManualClock()
    limiter = Limiters(8, clock=clock).limiter(("a",))
    slot = await limiter.acquire()
    slot.throttled(3600.0)
    await slot.again()
    assert clock.monotonic() >= 3600.0
    slot.release()


def test_a_concurrency_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1, not 0"):
        Limiters(0)
    with pytest.raises(UsageError, match="above 0"):
        Limiters(8, rpm=0)
