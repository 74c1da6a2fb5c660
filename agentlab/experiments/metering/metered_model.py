"""A model whose calls wait for their turn and keep inside a budget; its events are the inner model's, unchanged.

A call keeps its slot until its end, and the limiter is asked before every attempt, also before those the inner model
makes by itself after a failure: it says `RequestSent` before it sends, and is not asked to go on until the gate is open.
So a call that was refused waits as the others do, and comes first. Money is held back before a slot is asked for: what
waits for money holds no slot, and what holds a slot never waits for money.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final

from msgspec import Struct, structs

from agentlab.errors import BudgetSpent, ModelError
from agentlab.experiments.metering.bounds import CallBound, CallBounds, bounding_name
from agentlab.experiments.metering.budget import Budget, Reservation
from agentlab.experiments.metering.limiter import Limiter, Slot
from agentlab.experiments.metering.stop_signal import StopSignal
from agentlab.http import Clock, Failure, SystemClock
from agentlab.messages import (
    AssistantMessage,
    Event,
    ModelEvent,
    Request,
    RequestSent,
    Retrying,
    TurnFinished,
)
from agentlab.models import Model, ModelStream

__all__ = ["CallMeter", "MeteredModel"]

_PATIENCE_S: Final = 600.0
_THROTTLED: Final = frozenset({429, 503, 529})
_NEVER_SENT: Final = frozenset(
    failure.value
    for failure in (Failure.CONNECT, Failure.CONNECT_TIMEOUT, Failure.POOL_TIMEOUT, Failure.WRITE_TIMEOUT)
)


class CallMeter(Struct, frozen=True, kw_only=True):
    """What one model call took beside its answer.

    Attributes:
        model: `"vendor:model"`.
        queue_s: Seconds it waited, for money and for its turns.
        n_429: Attempts that were answered 429.
        reserved_usd: The most that was held back for it; 0 without a budget.
        cost_usd: What was booked for it; 0 without a budget.
        is_estimate: Whether that is an estimate: the provider did not say what it billed.
    """

    model: str
    queue_s: float
    n_429: int
    reserved_usd: float
    cost_usd: float
    is_estimate: bool


class MeteredModel:
    """A model between an agent and a provider's limits.

    Args:
        inner: The model that answers.
        limiter: Gives the turns; `Limiters.of(inner)`.
        budget: What its calls may cost, together with all others that share it; None for no limit.
        bounds: The cost of its calls at most; of its own where None. Models that wrap one model should share one.
        allow_unpriced: Whether a budget lets a model without a price through.
        stop: When set, no further request starts.
        patience_s: Seconds after which a call that is refused for its rate again and again gives up; until then it is begun
            anew whenever the inner model has. A provider that asks for a longer wait is taken at its word.
        clock: Time.
        on_call: Told of each call when it has ended, however it did.
        on_refused: Told of each call that the budget had no room for.
        others: Meters models that are called inside this one's run, by agents it asks; None shares this one's limiter.

    Raises:
        UsageError: There is a budget, and no price for the model.
    """

    def __init__(
        self,
        inner: Model,
        *,
        limiter: Limiter,
        budget: Budget | None = None,
        bounds: CallBounds | None = None,
        allow_unpriced: bool = False,
        stop: StopSignal | None = None,
        patience_s: float = _PATIENCE_S,
        clock: Clock | None = None,
        on_call: Callable[[CallMeter], None] | None = None,
        on_refused: Callable[[BudgetSpent], None] | None = None,
        others: Callable[[Model], Model] | None = None,
    ) -> None:
        self.inner = inner
        self.limiter = limiter
        self.budget = budget
        if budget is not None and bounds is None:
            bounds = CallBounds(bounding_name(inner), allow_unpriced=allow_unpriced)
        self.bounds = bounds
        self.stop = stop or StopSignal()
        self.patience_s = patience_s
        self.clock = clock or SystemClock()
        self.on_call = on_call
        self.on_refused = on_refused
        self._others = others
        self._allow_unpriced = allow_unpriced

    @property
    def name(self) -> str:
        """`"vendor:model"`."""
        return self.inner.name

    @property
    def model_id(self) -> str:
        """The provider's name of the model."""
        return self.inner.model_id

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call; it waits for money and its turn when the events are asked for.

        The events raise `BudgetSpent` where there is no money for the call, or for more of its answer, with what had
        arrived; and `SweepStopped` where `stop` was set before it was sent.
        """
        call = _MeteredCall(self, request)
        return ModelStream(call.events(), call.partial, call.prefix_pieces)

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keeps connections open between the calls made inside it."""
        return self.inner.session()

    def supports(self, capability: str) -> bool:
        """Whether the model has a capability."""
        return self.inner.supports(capability)

    def governing(self, model: Model) -> Model:
        """Another model that spends of the same budget and ends with the same stop; see `agentlab.models.interface`.

        Raises:
            UsageError: There is a budget, and no price for the model.
        """
        if isinstance(model, MeteredModel) and model.budget is self.budget and model.stop is self.stop:
            return model
        if self._others is not None:
            return self._others(model)
        return MeteredModel(
            model,
            limiter=self.limiter,
            budget=self.budget,
            allow_unpriced=self._allow_unpriced,
            stop=self.stop,
            patience_s=self.patience_s,
            clock=self.clock,
            on_refused=self.on_refused,
        )

    def __repr__(self) -> str:
        return f"MeteredModel({self.inner!r})"


class _MeteredCall:
    """One call: its slot, its reservation, and what is known of it."""

    def __init__(self, model: MeteredModel, request: Request) -> None:
        self._model = model
        self._request = request
        self.inner = model.inner.stream(request)
        self._slot: Slot | None = None
        self._bound: CallBound | None = None
        self._reservation: Reservation | None = None
        self._queue_s = 0.0
        self._n_429 = 0
        self._tried = 0
        self._began_at = model.clock.monotonic()
        self._on_the_way = False
        """Whether a request was sent that may be billed and has not been."""
        self._began = False
        self._cost: tuple[float, bool] | None = None

    def partial(self) -> AssistantMessage | None:
        """What has arrived."""
        return self.inner.partial()

    def prefix_pieces(self) -> tuple[bytes, ...]:
        """The pieces of the request sent."""
        return self.inner.prefix_pieces()

    async def events(self) -> AsyncGenerator[Event, None]:
        """The inner model's events, and never more of them than there is money for."""
        try:
            await self._reserved()
            await self._in_turn(again=False)
            while True:
                refusal: ModelError | None = None
                async with aclosing(self._attempts()) as events:
                    try:
                        async for event in events:
                            yield event
                    except ModelError as error:
                        if not self._is_worth_waiting(error):
                            raise
                        refusal = error
                if refusal is None:
                    return
                yield self._begun_again(refusal)
        except BudgetSpent as refused:
            if self._model.on_refused is not None:
                self._model.on_refused(refused)
            raise
        finally:
            self._end()

    async def _attempts(self) -> AsyncGenerator[Event, None]:
        """The events of the inner call, which tries by itself a few times."""
        tried = self._tried
        try:
            async with aclosing(self.inner.events) as events:
                async for event in events:
                    await self._before(event)
                    if isinstance(event, RequestSent):
                        self._tried = tried + event.attempt
                        yield structs.replace(event, attempt=self._tried) if tried else event
                        self._on_the_way = True
                    else:
                        yield event
        except ModelError as error:
            self._failed(error)
            raise

    def _is_worth_waiting(self, error: ModelError) -> bool:
        """Whether a call that was refused in the end is begun again when the gate opens."""
        waited = self._model.clock.monotonic() - self._began_at
        waits = waited + (error.retry_after or 0.0)
        return error.status in _THROTTLED and not self._began and waits <= self._model.patience_s

    def _begun_again(self, refusal: ModelError) -> Retrying:
        """Begin the inner call anew; it waits at the gate as any attempt does."""
        self.inner = self._model.inner.stream(self._request)
        slot = self._slot
        wait = slot.gate_s if slot is not None else 0.0
        return Retrying(self._tried, wait, str(refusal), refusal.status, refusal.code, refusal.retry_after)

    async def _reserved(self) -> None:
        model = self._model
        if model.budget is None or model.bounds is None:
            return
        self._bound = model.bounds.of(self._request, at=model.clock.time())
        began = model.clock.monotonic()
        try:
            self._reservation = await model.budget.reserve(self._bound.usd, stop=model.stop)
        finally:
            self._queue_s += model.clock.monotonic() - began

    async def _in_turn(self, *, again: bool) -> None:
        model = self._model
        began = model.clock.monotonic()
        try:
            if again and self._slot is not None:
                await self._slot.again(stop=model.stop)
            else:
                tokens = self._bound.total_tokens if self._bound is not None else 0
                self._slot = await model.limiter.acquire(tokens, stop=model.stop)
        finally:
            self._queue_s += model.clock.monotonic() - began

    async def _before(self, event: Event) -> None:
        """Do what an event asks for before it is handed on."""
        match event:
            case RequestSent():
                if self._tried:
                    await self._in_turn(again=True)
                self._model.stop.check()
            case Retrying():
                self._refused(event.status, event.retry_after, free=event.status is not None)
                if event.status is None and event.code not in _NEVER_SENT and self._bound is not None:
                    self._bound.lose_attempt()
                    self._grow()
            case TurnFinished():
                self._finished(event)
            case _ if isinstance(event, ModelEvent):
                self._began = True
                if self._slot is not None:
                    self._slot.admitted()
                if self._bound is not None and self._bound.see(event):
                    self._grow()

    def _refused(self, status: int | None, asked_s: float | None, *, free: bool) -> None:
        """An attempt came to nothing."""
        self._n_429 += status == 429
        self._on_the_way = not free
        if self._slot is not None and status in _THROTTLED:
            self._slot.throttled(asked_s)

    def _grow(self) -> None:
        assert self._bound is not None
        if self._reservation is not None and not self._reservation.grow(self._bound.usd):
            raise BudgetSpent(
                f"{self._model.name}: the answer was cut: the budget has no room for more of it",
                reason="the budget is spent",
                partial=self.inner.partial(),
            )

    def _finished(self, turn: TurnFinished) -> None:
        self._on_the_way = False
        if self._slot is not None:
            self._slot.admitted()
            self._slot.release(turn.usage.total_tokens)
        if self._bound is not None:
            self._cost = self._bound.actual_usd(turn)

    def _failed(self, error: ModelError) -> None:
        """The call ended with an error: one that came instead of an answer is free, and so is what was never sent."""
        if self._began:
            return
        if error.status is not None or error.code in _NEVER_SENT:
            self._refused(error.status, error.retry_after, free=True)

    def _end(self) -> None:
        """Give back what is held, and report; on every way out, and only once."""
        if self._slot is not None:
            self._slot.release()
        cost, is_estimate, reserved = 0.0, False, 0.0
        if self._reservation is not None and self._bound is not None:
            reserved = self._reservation.most_usd
            if self._cost is not None:
                cost, is_estimate = self._cost
            elif self._on_the_way:
                cost, is_estimate = self._reservation.usd, True
            else:
                cost, is_estimate = self._bound.lost_usd, self._bound.lost_usd > 0
            self._reservation.settle(cost)
        if self._model.on_call is not None:
            self._model.on_call(
                CallMeter(
                    model=self._model.name,
                    queue_s=self._queue_s,
                    n_429=self._n_429,
                    reserved_usd=reserved,
                    cost_usd=cost,
                    is_estimate=is_estimate,
                )
            )
