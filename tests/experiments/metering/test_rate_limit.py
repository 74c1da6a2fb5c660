"""Against a provider that lets 150 requests a second in: as many answers as that allows, and few refusals.

All in virtual time; `benchmarks/rate_limit.py` does the same over sockets.
"""

from __future__ import annotations

import asyncio

import pytest

from agentlab.experiments.metering import Limiters, MeteredModel
from agentlab.messages import Request, UserMessage
from agentlab.simulator import Latency, RateLimit, reply
from tests.experiments.metering.asking import Asked
from tests.experiments.metering.in_process import InProcess
from tests.experiments.metering.virtual_time import LoopClock, run_virtually

CALLS = 2400
PER_SECOND = 150.0


async def asked(limit: RateLimit, *, concurrency: int = 1024, processes: int = 1, **latency: object) -> Asked:
    clock, provider = LoopClock(), Asked(limit, **latency)  # type: ignore[arg-type]
    limiters = [Limiters(concurrency, clock=clock, seed=seed) for seed in range(processes)]
    await asyncio.gather(
        *(provider.calls(each.limiter(("vendor",)), CALLS // processes) for each in limiters)
    )
    assert all(each.in_flight == 0 for each in limiters)
    return provider


@pytest.mark.parametrize(
    "limit",
    [
        RateLimit(PER_SECOND),
        RateLimit(PER_SECOND, retry_after="whole_seconds"),
        RateLimit(PER_SECOND, retry_after="none"),
        RateLimit(PER_SECOND, burst=15),
    ],
    ids=["exact", "whole_seconds", "none", "small_burst"],
)
@pytest.mark.parametrize("first_s", [None, 0.01], ids=["whole", "streamed"])
def test_of_150_requests_a_second_at_least_140_are_answered_and_under_a_tenth_refused(
    limit: RateLimit, first_s: float | None
) -> None:
    provider = run_virtually(asked(limit, first_s=first_s))
    assert provider.rate >= 140
    assert provider.refused_share < 0.10


def test_processes_that_know_nothing_of_each_other_share_a_limit() -> None:
    provider = run_virtually(asked(RateLimit(PER_SECOND), processes=4))
    assert provider.rate >= 140
    assert provider.refused_share < 0.10


def test_the_whole_stack_from_model_to_simulator_keeps_to_the_limit() -> None:
    async def main() -> tuple[float, float, int]:
        delays = iter([0.05 + 0.15 * (place * 0.618 % 1) for place in range(10 * CALLS)])
        sim = InProcess(
            lambda _: reply("yes", latency=Latency(first_token_s=next(delays), tokens_per_s=1e6)),
            rate_limit=RateLimit(PER_SECOND, burst=15),
        )
        inner, clock, counted = sim.model("openai-chat:gpt-5.6"), LoopClock(), []
        limiter = Limiters(1024, clock=clock).of(inner)
        model = MeteredModel(
            inner, limiter=limiter, clock=clock, on_call=lambda meter: counted.append(meter.n_429)
        )
        request = Request(model=model.model_id, messages=(UserMessage.of("well?"),))

        async def one() -> None:
            async for _ in model.stream(request).events:
                pass

        await asyncio.gather(*(one() for _ in range(CALLS // 3)))
        refused = sum(entry.status == 429 for entry in sim.log)
        assert sum(counted) == refused
        return CALLS / 3 / clock.monotonic(), refused / len(sim.log), len(counted)

    rate, refused_share, ended = run_virtually(main())
    assert ended == CALLS // 3
    assert rate >= 140
    assert refused_share < 0.10


def test_a_limit_that_rises_is_used_within_seconds() -> None:
    async def main() -> Asked:
        provider = Asked(RateLimit(PER_SECOND, burst=15))
        limiter = Limiters(256, clock=LoopClock()).limiter(("vendor",))

        async def rise() -> None:
            await asyncio.sleep(5.0)
            provider.limits.limit = RateLimit(2 * PER_SECOND, burst=30)

        await asyncio.gather(provider.calls(limiter, CALLS), rise())
        return provider

    provider = run_virtually(main())
    assert provider.answers_between(3.0, 5.0) <= 1.05 * 2 * PER_SECOND
    assert provider.answers_between(8.0, 9.0) >= 0.9 * 2 * PER_SECOND


def test_a_limit_that_falls_is_respected_within_seconds() -> None:
    async def main() -> Asked:
        provider = Asked(RateLimit(2 * PER_SECOND, burst=30))
        limiter = Limiters(256, clock=LoopClock()).limiter(("vendor",))

        async def fall() -> None:
            await asyncio.sleep(3.0)
            provider.limits.limit = RateLimit(PER_SECOND / 3, burst=15)
            provider.requests = provider.refused = 0

        await asyncio.gather(provider.calls(limiter, CALLS // 2), fall())
        return provider

    provider = run_virtually(main())
    assert provider.answers_between(4.0, 6.0) >= 0.8 * 2 * PER_SECOND / 3
    assert provider.refused_share < 0.15


def test_a_rate_known_beforehand_is_kept_without_a_single_refusal() -> None:
    async def main() -> Asked:
        provider = Asked(RateLimit(PER_SECOND, burst=PER_SECOND + 1))
        limiters = Limiters(1024, rpm=60 * PER_SECOND, clock=LoopClock())
        await provider.calls(limiters.limiter(("vendor",)), CALLS)
        return provider

    provider = run_virtually(main())
    assert provider.refused == 0
    assert provider.rate >= 140
