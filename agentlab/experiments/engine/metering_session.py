"""The limits of one execution: every model it asks waits for the same slots and the same money."""

from __future__ import annotations

from collections.abc import Callable

from agentlab.experiments.metering import Budget, CallBounds, CallMeter, Limiters, MeteredModel, StopSignal
from agentlab.experiments.metering.bounds import bounding_name
from agentlab.experiments.metering.metered_embedding import MeteredEmbedding
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.scoring import AsksModel, PinnedScorer, Scorer
from agentlab.models import Model
from agentlab.retrieval.embeddings.model import EmbeddingModel

__all__ = ["MeteringSession"]


class MeteringSession:
    """Wraps the models of one execution.

    Args:
        settings: The limits.
    """

    def __init__(self, settings: SweepSettings) -> None:
        limit = settings.budget_usd
        self._settings = settings
        self._limiters = Limiters(
            settings.concurrency, rpm=settings.rpm, tpm=settings.tpm, clock=settings.clock, seed=settings.seed
        )
        self._bounds: dict[str, CallBounds] = {}
        self._signal = StopSignal()
        self.budget = Budget(limit) if limit is not None else None
        self.why: str | None = None

    def model(self, inner: Model, on_call: Callable[[CallMeter], None] | None = None) -> MeteredModel:
        """A model whose calls wait for a slot and for money.

        Args:
            inner: The model.
            on_call: Told of each of its calls.
        """
        bounds = None
        if self.budget is not None:
            name = bounding_name(inner)
            bounds = self._bounds.get(name)
            if bounds is None:
                made = CallBounds(name, allow_unpriced=self._settings.allow_unpriced)
                bounds = self._bounds[name] = made
        return MeteredModel(
            inner,
            limiter=self._limiters.of(inner),
            budget=self.budget,
            bounds=bounds,
            allow_unpriced=self._settings.allow_unpriced,
            stop=self._signal,
            clock=self._settings.clock,
            on_call=on_call,
            others=self.model,
        )

    def embedding(self, inner: EmbeddingModel) -> EmbeddingModel:
        """An embedding model whose requests wait for money, out of the same budget.

        Args:
            inner: The model.

        Raises:
            UsageError: There is a budget, and no price for the model.
        """
        return MeteredEmbedding(
            inner, self.budget, stop=self._signal, allow_unpriced=self._settings.allow_unpriced
        )

    def with_budget(self, budget_usd: float | None) -> MeteringSession:
        """A session that waits for the same slots, and has money and a stop of its own.

        Args:
            budget_usd: Its money; None for no limit.
        """
        session = MeteringSession(self._settings)
        session._limiters, session._bounds = self._limiters, self._bounds
        session.budget = Budget(budget_usd) if budget_usd is not None else None
        return session

    def scorer(self, scorer: Scorer) -> Scorer:
        """A scorer as it is now that, where it asks a model, waits for a slot and for money."""
        return PinnedScorer(scorer.metered(self) if isinstance(scorer, AsksModel) else scorer)

    def stop(self, why: str) -> None:
        """Let no further request start; the first reason is kept."""
        self.why = self.why or why
        self._signal.set(why)

    @property
    def stopped(self) -> bool:
        """Whether no further request may start."""
        return self._signal.is_set
