"""Everything between an experiment and its providers, made once for one execution of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agentlab.errors import BudgetSpent
from agentlab.experiments.metering.bounds import CallBounds
from agentlab.experiments.metering.budget import Budget
from agentlab.experiments.metering.limiter import Limiters
from agentlab.experiments.metering.metered_model import CallMeter, MeteredModel
from agentlab.experiments.metering.stop_signal import StopSignal
from agentlab.http import Clock
from agentlab.models import Model

__all__ = ["Metering", "MeteringSettings"]


class MeteringSettings(Protocol):
    """What of an experiment's settings is about money and limits."""

    @property
    def budget_usd(self) -> float | None:
        """Most that may be spent; None for no limit."""
        ...

    @property
    def allow_unpriced(self) -> bool:
        """Whether models without a price may be called in spite of a budget."""
        ...

    @property
    def concurrency(self) -> int:
        """Calls in flight at most."""
        ...

    @property
    def rpm(self) -> float | None:
        """Requests a minute, where the limit is known."""
        ...

    @property
    def tpm(self) -> float | None:
        """Tokens a minute, where the limit is known."""
        ...

    @property
    def seed(self) -> int:
        """Source of the jitter."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


class Metering:
    """One budget, one set of limiters and one stop for all models of an execution. Belongs to one event loop.

    Args:
        settings: Money and limits.

    Attributes:
        budget: The budget; None without one.
        limiters: The limiters.
    """

    def __init__(self, settings: MeteringSettings) -> None:
        self.budget = None if settings.budget_usd is None else Budget(settings.budget_usd)
        self.limiters = Limiters(
            settings.concurrency,
            rpm=settings.rpm,
            tpm=settings.tpm,
            clock=settings.clock,
            seed=settings.seed,
        )
        self._settings = settings
        self._signal = StopSignal()
        self._bounds: dict[str, CallBounds] = {}
        self._refused: BudgetSpent | None = None

    def model(self, inner: Model, on_call: Callable[[CallMeter], None] | None = None) -> MeteredModel:
        """A model whose calls wait for a slot and for money.

        Args:
            inner: The model that answers.
            on_call: Told of each call when it has ended.

        Raises:
            UsageError: There is a budget, no price for the model, and unpriced models are not allowed.
        """
        return MeteredModel(
            inner,
            limiter=self.limiters.of(inner),
            budget=self.budget,
            bounds=self._bounds_of(inner),
            stop=self._signal,
            clock=self._settings.clock,
            on_call=on_call,
            on_refused=self._note,
        )

    def stop(self, reason: str = "stopped by the user") -> None:
        """Let no further request start; answers on their way come to their end."""
        self._signal.set(reason)

    @property
    def stopped(self) -> bool:
        """Whether nothing new should begin: it was stopped, or a call found no money."""
        return self._signal.is_set or self._refused is not None

    @property
    def why(self) -> str | None:
        """Why nothing new should begin; None where it may."""
        if self._refused is not None:
            return self._refused.reason
        return self._signal.reason

    def _note(self, refused: BudgetSpent) -> None:
        self._refused = self._refused or refused

    def _bounds_of(self, inner: Model) -> CallBounds | None:
        if self.budget is None:
            return None
        found = self._bounds.get(inner.name)
        if found is None:
            found = CallBounds(inner.name, allow_unpriced=self._settings.allow_unpriced)
            self._bounds[inner.name] = found
        return found
