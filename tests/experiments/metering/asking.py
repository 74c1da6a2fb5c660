"""Calls that do nothing but keep to a limiter, and a provider that does nothing but limit them."""

from __future__ import annotations

import asyncio
from random import Random

from agentlab.experiments.metering import Limiter
from agentlab.simulator import RateLimit
from agentlab.simulator.rate_limit import RateLimits

__all__ = ["Asked"]


class Asked:
    """A provider with a limit of requests a second; make it while its loop runs.

    Args:
        limit: The limit.
        latency_s: Shortest and longest time of an answer.
        first_s: Time to the first event; None where the answer comes whole.
    """

    def __init__(
        self,
        limit: RateLimit | None,
        *,
        latency_s: tuple[float, float] = (0.05, 0.2),
        first_s: float | None = None,
    ) -> None:
        self.limits = RateLimits(limit)
        self.requests = 0
        self.refused = 0
        self.ended_at: list[float] = []
        self._latency_s = latency_s
        self._first_s = first_s
        self._random = Random(0)

    async def call(self, limiter: Limiter) -> None:
        """One call, tried until it is let in, as the model and its wrapper do together."""
        loop = asyncio.get_running_loop()
        slot = await limiter.acquire()
        while True:
            self.requests += 1
            refusal = self.limits.refusal("vendor", "model", loop.time())
            if refusal is None:
                break
            self.refused += 1
            await asyncio.sleep(0.002)
            slot.throttled(refusal.retry_after)
            wait = refusal.retry_after
            await asyncio.sleep(self._random.uniform(0.0, 0.5) if wait is None else wait)
            await slot.again()
        whole = self._random.uniform(*self._latency_s)
        first = whole if self._first_s is None else self._first_s
        await asyncio.sleep(first)
        slot.admitted()
        await asyncio.sleep(whole - first)
        slot.release()
        self.ended_at.append(loop.time())

    async def calls(self, limiter: Limiter, count: int) -> None:
        """So many calls, all wanted at once."""
        await asyncio.gather(*(self.call(limiter) for _ in range(count)))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.ended_at) / max(self.ended_at)

    @property
    def refused_share(self) -> float:
        """Share of the requests that were refused."""
        return self.refused / self.requests

    def answers_between(self, since: float, until: float) -> int:
        """Answers that ended in a stretch of time."""
        return sum(since <= at < until for at in self.ended_at)
