"""The smallest difference that so many questions can show: what a plan says before it costs anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy.typing as npt

from agentlab.errors import UsageError
from agentlab.experiments.statistics.clustered import clustered_mean
from agentlab.experiments.statistics.distributions import t_quantile

__all__ = [
    "UNKNOWN_BINARY_SD",
    "Pilot",
    "clusters_needed",
    "detectable",
    "minimum_detectable_effect",
    "pilot_spread",
]

UNKNOWN_BINARY_SD: Final = math.sqrt(0.5)
"""Standard deviation of a paired difference of two pass/fail answers, before any data: both arms right half of the time,
and no more alike on one question than on two. Only arms that are right where the other is wrong could do worse (1.0)."""


@dataclass(frozen=True)
class Pilot:
    """How the differences of a few questions spread.

    Attributes:
        sd: Standard deviation of a question's difference, of all questions.
        icc: Correlation of two differences of one cluster, 0 to 1.
    """

    sd: float
    icc: float


def pilot_spread(differences: npt.ArrayLike, clusters: npt.ArrayLike) -> Pilot:
    """Spread of the paired differences of a pilot.

    Args:
        differences: Arm minus baseline, one per question.
        clusters: What each question belongs to.

    Raises:
        UsageError: With fewer than two clusters.
    """
    found = clustered_mean(differences, clusters)
    if found.n_clusters < 2:
        raise UsageError("a pilot needs questions of at least two clusters to show how differences spread")
    effect = 1 + (found.n / found.n_clusters - 1) * float(found.icc)
    return Pilot(sd=float(found.se) * math.sqrt(found.n / effect), icc=float(found.icc))


def detectable(se: float, degrees: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test with this standard error finds with this power.

    Args:
        se: Standard error of the difference.
        degrees: Its degrees of freedom.
        alpha: Of the test.
        power: Chance to find it.
    """
    return float(t_quantile(degrees, 1 - alpha / 2) + t_quantile(degrees, power)) * se


def minimum_detectable_effect(
    n_clusters: int,
    *,
    sd: float | None = None,
    pilot: Pilot | None = None,
    questions_per_cluster: float = 1.0,
    icc: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    comparisons: int = 1,
) -> float:
    """Smallest true difference that a comparison of so many clusters of questions finds.

    Without `sd` and `pilot` it answers for a pass/fail metric of which nothing is known (`UNKNOWN_BINARY_SD`). Pairing
    and repeats make a real comparison sharper than that, so it is what to promise, not what to expect.

    Args:
        n_clusters: Independent clusters; the number of questions where each stands alone.
        sd: Standard deviation of a question's difference between the arms, repeats averaged.
        pilot: Spread found in a pilot, instead of `sd` and `icc`.
        questions_per_cluster: Questions of a cluster, on average.
        icc: Correlation of two questions' differences within a cluster, 0 to 1; 0.0 adds what clusters add to
            precision in full, 1.0 counts each cluster as one question.
        alpha: Chance of a false finding, over all comparisons.
        power: Chance to find a difference of this size.
        comparisons: How many arms are compared in all; Holm's first step divides alpha by it.

    Returns:
        In the units of the metric; infinite with fewer than two clusters, which can show nothing.

    Raises:
        UsageError: If a share is not a share, or both `sd` and `pilot` are given.
    """
    if sd is not None and pilot is not None:
        raise UsageError("give `sd` or `pilot`, not both")
    for name, share in (("alpha", alpha), ("power", power)):
        if not 0 < share < 1:
            raise UsageError(f"`{name}` is a share between 0 and 1; got {share}")
    if questions_per_cluster < 1 or comparisons < 1:
        raise UsageError("`questions_per_cluster` and `comparisons` are at least 1")
    spread = pilot or Pilot(UNKNOWN_BINARY_SD if sd is None else sd, icc)
    if spread.sd < 0 or not 0 <= spread.icc <= 1:
        raise UsageError(
            f"`sd` is not negative and `icc` lies between 0 and 1; got {spread.sd} and {spread.icc}"
        )
    if n_clusters < 2:
        return math.inf
    effect = 1 + (questions_per_cluster - 1) * spread.icc
    se = spread.sd * math.sqrt(effect / (n_clusters * questions_per_cluster))
    return detectable(se, n_clusters - 1, alpha=alpha / comparisons, power=power)


def clusters_needed(
    effect: float,
    *,
    sd: float | None = None,
    pilot: Pilot | None = None,
    questions_per_cluster: float = 1.0,
    icc: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    comparisons: int = 1,
) -> int:
    """Fewest clusters that find a difference of this size; arguments as `minimum_detectable_effect`."""
    if not effect > 0:
        raise UsageError(f"`effect` is the size of a difference, above 0; got {effect}")

    def shown(n_clusters: int) -> float:
        return minimum_detectable_effect(
            n_clusters,
            sd=sd,
            pilot=pilot,
            questions_per_cluster=questions_per_cluster,
            icc=icc,
            alpha=alpha,
            power=power,
            comparisons=comparisons,
        )

    high = 2
    while shown(high) > effect:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) <= effect else (middle, high)
    return high
