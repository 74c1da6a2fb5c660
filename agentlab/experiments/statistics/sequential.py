"""Stopping a comparison as soon as its answer is known, without finding what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from agentlab.errors import UsageError
from agentlab.experiments.statistics.checking import suggestion
from agentlab.experiments.statistics.clustered import clustered_mean
from agentlab.experiments.statistics.distributions import normal_cdf
from agentlab.experiments.statistics.spending import SPENDING, Spending, boundaries
from agentlab.experiments.statistics.spreadless import spreadless_interval

__all__ = ["SequentialStop", "StopDecision", "StopReason"]

StopReason = Literal["different", "negligible", "finished", "unsure"]


@dataclass(frozen=True)
class StopDecision:
    """What one look says.

    Attributes:
        action: `stop` or `continue`.
        reason: `different` (the interval leaves out 0), `negligible` (it lies within the size that would not matter),
            `finished` (all data are in), or `unsure`.
        why: The same in a sentence, with the numbers.
        delta: Mean difference so far.
        ci_low: Of the repeated interval: all looks' intervals together hold the truth with chance 1 - alpha.
        ci_high: Its upper end. NaN with `ci_low` while there is too little data.
        nominal_alpha: What a single look's p must be below to stop at this look.
        after: The rule to ask next time: it knows of this look.
    """

    action: Literal["stop", "continue"]
    reason: StopReason
    why: str
    delta: float
    ci_low: float
    ci_high: float
    nominal_alpha: float
    after: SequentialStop


@dataclass(frozen=True)
class SequentialStop:
    """A rule asked after each batch whether to go on; it does no I/O and changes nothing.

    Use it where a sweep may end early. Do not use it to extend one: the shares are of the plan as it was made. A batch
    brings whole questions, all their arms and repeats, in an order that has nothing to do with the answers (shuffled);
    a cluster may come in parts.

    Args:
        alpha: Chance of a false finding over all looks, two-sided.
        spending: `obrien_fleming` keeps alpha for the end; `pocock` spends it evenly.
        negligible: Size of a difference that would not matter; stop as well once the interval lies within it. Without
            it only a difference stops.
        largest_difference: Largest size a difference can have, 1 for a pass/fail score. Without it nothing is
            concluded while all differences are the same.
        looks: Shares of the plan that were looked at before.

    Raises:
        UsageError: If an argument is out of range or names no spending function.
    """

    alpha: float = 0.05
    spending: Spending = "obrien_fleming"
    negligible: float | None = None
    largest_difference: float | None = None
    looks: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.spending not in SPENDING:
            raise UsageError(f"no spending function `{self.spending}`; {suggestion(self.spending, SPENDING)}")
        if not 0 < self.alpha < 1:
            raise UsageError(f"`alpha` is a share between 0 and 1, such as 0.05; got {self.alpha}")
        if self.negligible is not None and not self.negligible > 0:
            raise UsageError(f"`negligible` is the size of a difference, above 0; got {self.negligible}")

    def decide(
        self, differences_by_cluster: Mapping[str, Sequence[float]], information_fraction: float
    ) -> StopDecision:
        """Look at everything that is in.

        Args:
            differences_by_cluster: For each cluster the paired differences of its finished questions, arm minus
                baseline, repeats averaged.
            information_fraction: Share of the planned questions that are in, above the last look's and at most 1.

        Raises:
            UsageError: If the share does not rise, or a difference is no number.
        """
        last = self.looks[-1] if self.looks else 0.0
        if not last < information_fraction <= 1:
            raise UsageError(
                f"`information_fraction` rises with each look to at most 1: it was {last} and is {information_fraction}"
            )
        shares = (*self.looks, information_fraction)
        nominal = float(2 * normal_cdf(-boundaries(shares, self.alpha, self.spending)[-1]))
        delta, low, high = self._interval(differences_by_cluster, nominal)
        action, reason, why = self._verdict(low, high, information_fraction)
        return StopDecision(action, reason, why, delta, low, high, nominal, replace(self, looks=shares))

    def _interval(self, given: Mapping[str, Sequence[float]], nominal: float) -> tuple[float, float, float]:
        values = np.array([value for part in given.values() for value in part], dtype=np.float64)
        if not np.isfinite(values).all():
            raise UsageError(
                "a difference is NaN or infinite; leave out questions that an arm has no value for"
            )
        nan = float("nan")
        clusters = [name for name, part in given.items() for _ in part]
        if not len(values):
            return nan, nan, nan
        found = clustered_mean(values, clusters)
        delta = float(found.mean)
        if found.n_clusters < 2:
            return delta, nan, nan
        if found.se > 0:
            half = float(found.half_width(1 - nominal))
            return delta, delta - half, delta + half
        bound = self.largest_difference
        if bound is None:
            return delta, nan, nan
        ends = spreadless_interval(delta, found.n_clusters, low=-bound, high=bound, confidence=1 - nominal)
        return delta, *ends

    def _verdict(
        self, low: float, high: float, share: float
    ) -> tuple[Literal["stop", "continue"], StopReason, str]:
        seen = f"with {share:.0%} of the questions in, the difference lies in [{low:.3g}, {high:.3g}]"
        if low > 0 or high < 0:
            return "stop", "different", f"{seen}, which leaves out 0"
        if self.negligible is not None and -self.negligible < low and high < self.negligible:
            return "stop", "negligible", f"{seen}: smaller than {self.negligible:.3g}, which would not matter"
        if share >= 1:
            return "stop", "finished", f"all questions are in: the difference lies in [{low:.3g}, {high:.3g}]"
        if np.isnan(low):
            return (
                "continue",
                "unsure",
                f"with {share:.0%} of the questions in there is too little to judge by",
            )
        return "continue", "unsure", f"{seen}: not sure yet"
