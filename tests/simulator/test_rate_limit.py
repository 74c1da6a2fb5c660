from __future__ import annotations

import pytest

from agentlab.agent import Agent
from agentlab.errors import RateLimited, UsageError
from agentlab.http import Retry
from agentlab.simulator import RateLimit
from agentlab.simulator.rate_limit import RateLimits
from tests.agent.bench import VENDORS, bench_of


def let_in(limit: RateLimit, times: list[float], model: str = "m") -> list[bool]:
    limits = RateLimits(limit)
    return [limits.refusal("vendor", model, at) is None for at in times]


def test_a_burst_is_let_in_and_then_the_rate() -> None:
    assert let_in(RateLimit(2, burst=3), [0.0] * 5) == [True] * 3 + [False] * 2
    assert let_in(RateLimit(2, burst=1), [0.0, 0.4, 0.5, 0.9, 1.0]) == [True, False, True, False, True]
    assert sum(let_in(RateLimit(150), [place / 1000 for place in range(10_000)])) == pytest.approx(
        1650, abs=2
    )


def test_each_model_has_its_own_limit() -> None:
    limits = RateLimits(RateLimit(1))
    assert limits.refusal("openai", "a", 0.0) is None
    assert limits.refusal("openai", "a", 0.0) is not None
    assert limits.refusal("openai", "b", 0.0) is None
    assert limits.refusal("other", "a", 0.0) is None


@pytest.mark.parametrize(("kind", "said"), [("exact", 0.25), ("whole_seconds", 1.0), ("none", None)])
def test_the_wait_is_said_as_asked(kind: str, said: float | None) -> None:
    limits = RateLimits(RateLimit(4, burst=1, retry_after=kind))  # type: ignore[arg-type]
    limits.refusal("vendor", "m", 0.0)
    refused = limits.refusal("vendor", "m", 0.0)
    assert refused is not None
    assert (refused.status, refused.retry_after) == (429, said)


def test_a_limit_may_change_at_any_time() -> None:
    limits = RateLimits()
    assert all(limits.refusal("vendor", "m", 0.0) is None for _ in range(1000))
    limits.limit = RateLimit(1)
    assert [limits.refusal("vendor", "m", 0.0) is None for _ in range(2)] == [True, False]


@pytest.mark.anyio
@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_every_wire_says_429_in_its_own_form_and_lets_in_again_later(vendor: str) -> None:
    with bench_of(rate_limit=RateLimit(0.5, retry_after="whole_seconds")) as bench:
        agent = Agent(bench.model(vendor, retry=Retry(attempts=1)))
        await agent.prompt("Hello.")
        with pytest.raises(RateLimited, match="Rate limit reached") as refused:
            await agent.prompt("Hello.")
        assert (refused.value.status, refused.value.retry_after) == (429, 2.0)
        bench.sim.advance(2)
        await agent.prompt("Hello.")
        assert [request.status for request in bench.requests] == [200, 429, 200]
        assert bench.requests[1].usage is None
        bench.sim.rate_limit = None
        await agent.prompt("Hello.")


@pytest.mark.parametrize(("rate", "burst"), [(0, None), (-1, None), (5, 0.5)])
def test_a_limit_that_lets_nothing_in_is_refused(rate: float, burst: float | None) -> None:
    with pytest.raises(UsageError):
        RateLimit(rate, burst=burst)
