"""Turns at a provider: who may send the next request, and when.

One `Limiters` stands over a process. It has a `Limiter` for each account and model, each with a window of its own, and shares the
requests in flight between them: a free place goes to the provider that holds the fewest, so that a slow provider, whose
requests last, cannot take all of them from a fast one. Within a limiter, first come is first served.

No process needs to know of another: windows that learn from refusals share a provider's limit by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import Final

from agentlab.errors import UsageError
from agentlab.experiments.metering.stop_signal import StopSignal
from agentlab.experiments.metering.token_bucket import TokenBucket
from agentlab.experiments.metering.window import AdaptiveWindow
from agentlab.http import Clock, SystemClock
from agentlab.models import Model, WireModel

__all__ = ["Limiter", "LimiterKey", "Limiters", "Slot"]

LimiterKey = tuple[str, ...]
"""What a provider counts apart: vendor first, then address, account and model."""

_CONCURRENCY: Final = 64
_AT_ONCE_S: Final = 1e-6  # below what any timer keeps


class Slot:
    """Leave for one request. Tell it what became of the request, and release it.

    Attributes:
        started_at: When its request was last let go, on the clock's monotonic time.
        is_admitted: Whether the provider let that request in.
    """

    def __init__(self, limiter: Limiter, tokens: float, started_at: float) -> None:
        self._limiter = limiter
        self._tokens = tokens
        self._held = True
        self.is_admitted = False
        self.started_at = started_at

    @property
    def gate_s(self) -> float:
        """Seconds until the request could be sent again, as far as is known."""
        return self._limiter.gate_s

    def admitted(self) -> None:
        """The first event of the answer has come; saying so again does nothing."""
        if self._held and not self.is_admitted:
            self.is_admitted = True
            self._limiter.admitted(self)

    def throttled(self, asked_s: float | None) -> None:
        """The provider refused the request for its rate, or is overloaded; the slot stays held.

        Args:
            asked_s: Seconds it asked to wait; None where it did not say.
        """
        if self._held:
            self._limiter.throttled(self, asked_s)

    async def again(self, *, stop: StopSignal | None = None) -> None:
        """Wait until the request may be sent again; it comes before all that have no slot.

        Args:
            stop: Ends the wait.

        Raises:
            SweepStopped: `stop` was set.
        """
        self.started_at = await self._limiter.wait_again(stop or StopSignal())
        self.is_admitted = False

    def release(self, tokens: float | None = None) -> None:
        """The request has ended, however; releasing again does nothing.

        Args:
            tokens: Tokens it took; None leaves what was estimated.
        """
        if self._held:
            self._held = False
            self._limiter.released(self, self._tokens, tokens)


class Limiter:
    """The turns at one provider, account and model; made by `Limiters`."""

    def __init__(
        self,
        key: LimiterKey,
        owner: Limiters,
        window: AdaptiveWindow,
        *,
        clock: Clock,
        requests: TokenBucket | None,
        tokens: TokenBucket | None,
    ) -> None:
        self.key = key
        self.window = window
        self.granted = 0
        self._owner = owner
        self._clock = clock
        self._requests = requests
        self._tokens = tokens
        self._waiting: deque[tuple[float, asyncio.Future[Slot]]] = deque()
        self._again: deque[asyncio.Future[float]] = deque()

    async def acquire(self, tokens: float = 0.0, *, stop: StopSignal | None = None) -> Slot:
        """Wait for a turn.

        Args:
            tokens: About how many tokens the request will take; counts where the limit in tokens a minute is known.
            stop: Ends the wait.

        Raises:
            SweepStopped: `stop` was set.
        """
        future: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        place = (tokens, future)
        with (stop or StopSignal()).ends(future):
            self._waiting.append(place)
            try:
                self._owner.share()
                return await future
            except BaseException:
                if future.done() and not future.cancelled() and future.exception() is None:
                    future.result().release(0.0)
                elif place in self._waiting:
                    self._waiting.remove(place)
                self._owner.share()
                raise

    @property
    def gate_s(self) -> float:
        """Seconds until a request in flight could be sent again; called by slots."""
        return self.window.gate_s(self._clock.monotonic())

    async def wait_again(self, stop: StopSignal) -> float:
        """Wait until a request in flight may be sent again, and give the time; called by slots."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        with stop.ends(future):
            self._again.append(future)
            try:
                self._owner.share()
                return await future
            except BaseException:
                if future in self._again:
                    self._again.remove(future)
                self._owner.share()
                raise

    def wait_s(self, now: float, *, full: bool) -> float | None:
        """Seconds until the next in line may start; None where there is none, or a request must end first.

        Args:
            now: The time.
            full: Whether there is no place in flight.
        """
        while self._again and self._again[0].done():
            self._again.popleft()
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()
        if self._again:
            gate: float | None = self.window.gate_s(now)
        elif self._waiting and not full:
            gate = self.window.wait_s(now)
        else:
            return None
        if gate is None:
            return None
        requests = self._requests.wait_s(1.0, now) if self._requests else 0.0
        tokens = self._tokens.wait_s(self._waiting[0][0], now) if self._tokens and not self._again else 0.0
        return max(gate, requests, tokens)

    def grant(self, now: float) -> None:
        """Give the next in line its turn."""
        self.granted += 1
        if self._requests:
            self._requests.draw(1.0, now)
        if self._again:
            self.window.sent_again(now)
            self._again.popleft().set_result(now)
            return
        tokens, future = self._waiting.popleft()
        self.window.started(now)
        if self._tokens:
            self._tokens.draw(tokens, now)
        future.set_result(Slot(self, tokens, now))

    def admitted(self, slot: Slot) -> None:
        """Called by the slot."""
        self.window.admitted(slot.started_at, self._clock.monotonic())
        self._owner.share()

    def throttled(self, slot: Slot, asked_s: float | None) -> None:
        """Called by the slot."""
        self.window.throttled(slot.started_at, self._clock.monotonic(), asked_s)

    def released(self, slot: Slot, estimated: float, taken: float | None) -> None:
        """Called by the slot."""
        now = self._clock.monotonic()
        self.window.ended(now - slot.started_at if slot.is_admitted else None)
        if self._tokens and taken is not None:
            self._tokens.draw(taken - estimated, now)
        self._owner.share()


class Limiters:
    """All limiters of a process, and the requests in flight they share. Belongs to one event loop.

    Args:
        concurrency: Requests in flight at most, over all providers.
        rpm: Requests a minute for each account and model, where the limit is known; else it is learnt.
        tpm: Tokens a minute, in the same way; input and output together.
        clock: Time.
        seed: Source of the jitter.

    Raises:
        UsageError: `concurrency`, `rpm` or `tpm` is not above 0.
    """

    def __init__(
        self,
        concurrency: int = _CONCURRENCY,
        *,
        rpm: float | None = None,
        tpm: float | None = None,
        clock: Clock | None = None,
        seed: int = 0,
    ) -> None:
        if concurrency < 1:
            raise UsageError(
                f"concurrency is the number of requests in flight: at least 1, not {concurrency}"
            )
        self.clock = clock or SystemClock()
        self.concurrency = concurrency
        self._rpm = rpm
        self._tpm = tpm
        self._random = Random(seed)
        self._limiters: dict[LimiterKey, Limiter] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0.0
        self._buckets()  # a rate that makes no sense is refused here and not at the first call

    def of(self, model: Model, *, account: str = "") -> Limiter:
        """The limiter of a model.

        Args:
            model: The model; models with one vendor, address and name share a limiter.
            account: Tells apart keys with limits of their own.
        """
        if isinstance(model, WireModel):
            return self.limiter((model.vendor.name, model.base_url, account, model.model_id))
        return self.limiter((model.name.partition(":")[0], model.name, account, model.model_id))

    def limiter(self, key: LimiterKey) -> Limiter:
        """The limiter of a key; made when first asked for."""
        found = self._limiters.get(key)
        if found is None:
            window = AdaptiveWindow(most=self.concurrency, rng=self._random)
            requests, tokens = self._buckets()
            found = Limiter(key, self, window, clock=self.clock, requests=requests, tokens=tokens)
            self._limiters[key] = found
        return found

    @property
    def in_flight(self) -> int:
        """Requests in flight."""
        return sum(limiter.window.in_flight for limiter in self._limiters.values())

    def share(self) -> None:
        """Give every turn that can be given now, and see that the next one is given in time."""
        now = self.clock.monotonic()
        while True:
            full = self.in_flight >= self.concurrency
            waits = [(limiter, limiter.wait_s(now, full=full)) for limiter in self._limiters.values()]
            ready = [limiter for limiter, wait in waits if wait is not None and wait <= _AT_ONCE_S]
            if not ready:
                break
            min(ready, key=self._claim).grant(now)
        soonest = min((wait for _, wait in waits if wait is not None), default=None)
        self._wake_at(None if soonest is None else now + soonest)

    def _claim(self, limiter: Limiter) -> tuple[int, int, int]:
        """What a limiter and its provider hold already; the smallest goes first."""
        held = sum(
            other.window.in_flight for other in self._limiters.values() if other.key[0] == limiter.key[0]
        )
        return held, limiter.window.in_flight, limiter.granted

    def _wake_at(self, at: float | None) -> None:
        """Share again at a time; None forgets an earlier one."""
        timer = self._timer
        if timer is not None and not timer.done():
            if at is not None and at == self._timer_at:
                return
            timer.cancel()
        self._timer = None
        if at is not None:
            self._timer_at = at
            self._timer = asyncio.get_running_loop().create_task(self._share_later(at))

    async def _share_later(self, at: float) -> None:
        await self.clock.sleep(max(0.0, at - self.clock.monotonic()))
        self._timer = None
        self.share()

    def _buckets(self) -> tuple[TokenBucket | None, TokenBucket | None]:
        return (
            None if self._rpm is None else TokenBucket(self._rpm),
            None if self._tpm is None else TokenBucket(self._tpm),
        )
