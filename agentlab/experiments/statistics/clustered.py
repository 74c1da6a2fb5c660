"""The mean of values that come in clusters, and how sure one can be of it.

Questions on one document, or one repository, are right and wrong together. A standard error that takes them for
independent is too small (Miller, "Adding Error Bars to Evals", arXiv 2411.00640, section 2.2). Plain cluster-robust
errors are too small as well where clusters are few or of unequal size, so two corrections are made:

* each cluster's residual is scaled by its leverage (CR2, Bell and McCaffrey 2002), and
* the t distribution's degrees of freedom are Satterthwaite's for the cluster sizes at hand and the correlation found
  in the data (Imbens and Kolesár 2016), which are at most G - 1, and fewer where a few clusters dominate.

Everything here takes stacks of samples (leading axes), so that thousands of simulated sweeps are one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlab.experiments.statistics.distributions import t_cdf, t_quantile

__all__ = [
    "ClusterSums",
    "ClusteredMean",
    "clustered_mean",
    "mean_of_sums",
    "sum_by_cluster",
    "variance_components",
]

Floats = npt.NDArray[np.float64]

_ROUNDING: Final = 1e-12
"""What is below this share of the largest value is rounding, not a mean or a spread."""


@dataclass(frozen=True)
class ClusterSums:
    """What of the values the estimates need. Leading axes are stacked samples.

    Attributes:
        sums: Sum of each cluster's values, shape (..., G).
        squares: Sum of each cluster's squared values, shape (..., G).
        sizes: Number of values of each cluster, shape (G,).
    """

    sums: Floats
    squares: Floats
    sizes: Floats


@dataclass(frozen=True)
class ClusteredMean:
    """A mean with its clustered standard error; arrays where samples were stacked.

    Attributes:
        mean: The mean over values: every question counts the same.
        se: CR2 standard error; NaN with fewer than two clusters, 0 where the values have no spread.
        degrees: Satterthwaite's degrees of freedom; NaN where `se` is NaN or 0.
        icc: Correlation of two values of one cluster, 0 to 1; 0 where every cluster holds one value.
        n: Number of values.
        n_clusters: Number of clusters.
    """

    mean: Floats
    se: Floats
    degrees: Floats
    icc: Floats
    n: int
    n_clusters: int

    def half_width(self, confidence: float = 0.95) -> Floats:
        """Half the width of the two-sided t interval."""
        return np.asarray(t_quantile(self.degrees, (1 + confidence) / 2) * self.se)

    def p_value(self) -> Floats:
        """Two-sided p of "the mean is 0"; NaN where there is no spread to judge by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(2 * t_cdf(self.degrees, -np.abs(self.mean) / self.se))


def sum_by_cluster(values: npt.ArrayLike, clusters: npt.ArrayLike) -> ClusterSums:
    """Sums by cluster of values whose last axis is the observations.

    Args:
        values: Shape (..., n).
        clusters: Any labels, shape (n,).
    """
    array = np.asarray(values, dtype=np.float64)
    _, codes = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    ordered = array[..., order]
    return ClusterSums(
        sums=np.add.reduceat(ordered, starts, axis=-1),
        squares=np.add.reduceat(ordered**2, starts, axis=-1),
        sizes=np.bincount(codes).astype(np.float64),
    )


def clustered_mean(values: npt.ArrayLike, clusters: npt.ArrayLike) -> ClusteredMean:
    """Mean and clustered standard error of the last axis of `values`.

    Args:
        values: Shape (..., n), without NaN.
        clusters: What each value belongs to, shape (n,).
    """
    array = np.asarray(values, dtype=np.float64)
    centre = array.mean(axis=-1, keepdims=True)  # sums of squares about 0 lose digits where the mean is large
    found = mean_of_sums(sum_by_cluster(array - centre, clusters))
    scale = np.max(np.abs(array), axis=-1)
    se = np.where(found.se <= _ROUNDING * scale, 0.0, found.se)
    mean = found.mean + centre[..., 0]
    return ClusteredMean(
        mean=np.where(np.abs(mean) <= _ROUNDING * scale, 0.0, mean),
        se=se,
        degrees=np.where(se == 0, np.nan, found.degrees),
        icc=found.icc,
        n=found.n,
        n_clusters=found.n_clusters,
    )


def mean_of_sums(given: ClusterSums) -> ClusteredMean:
    """Mean and clustered standard error from sums by cluster, about a centre near the mean."""
    sizes = given.sizes
    n, n_clusters = sizes.sum(), len(sizes)
    mean = given.sums.sum(axis=-1) / n
    within, between = variance_components(given)
    if n_clusters < 2:
        unknown = np.full_like(mean, np.nan)
        return ClusteredMean(mean, unknown, unknown, np.zeros_like(mean), int(n), n_clusters)
    share = sizes / n
    weight = 1 / (1 - share) / n**2
    residual = given.sums - sizes * mean[..., None]
    variance = (weight * residual**2).sum(axis=-1)
    spread = variance > 0
    working = within[..., None] * sizes + between[..., None] * sizes**2
    working = np.where(spread[..., None], working, sizes)  # any positive numbers: the result is dropped
    degrees = np.where(spread, _satterthwaite(weight, share, working), np.nan)
    total = within + between
    icc = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    return ClusteredMean(mean, np.sqrt(variance), degrees, icc, int(n), n_clusters)


def variance_components(given: ClusterSums) -> tuple[Floats, Floats]:
    """Variance within and between clusters, by the moments of a one-way layout; neither is negative.

    Where every cluster holds one value the two cannot be told apart: all is called within.
    """
    sizes = given.sizes
    n, n_clusters = sizes.sum(), len(sizes)
    mean = given.sums.sum(axis=-1) / n
    inside = (given.squares - given.sums**2 / sizes).sum(axis=-1).clip(min=0)
    across = (sizes * (given.sums / sizes - mean[..., None]) ** 2).sum(axis=-1)
    if n_clusters < 2 or n == n_clusters:
        return (across + inside) / max(n - 1, 1), np.zeros_like(mean)
    within = inside / (n - n_clusters)
    typical = (n - (sizes**2).sum() / n) / (n_clusters - 1)
    between = ((across / (n_clusters - 1) - within) / typical).clip(min=0)
    return within, between


def _satterthwaite(weight: Floats, share: Floats, working: Floats) -> Floats:
    """Degrees of freedom of the variance estimate, were the clusters' sums of the variances `working`.

    The estimate is a quadratic form; its degrees are 2 E^2 / Var = tr(BW)^2 / tr(BWBW). The residual sums have the
    covariance W - p w' - w p' + t p p', of which both traces follow from sums over the clusters.
    """
    total = working.sum(axis=-1, keepdims=True)
    shared = total * share**2 - 2 * share * working
    diagonal = working + shared
    mean = (weight * diagonal).sum(axis=-1)
    a = (weight * share**2).sum(axis=-1)
    b = (weight * share * working).sum(axis=-1)
    c = (weight * working**2).sum(axis=-1)
    t = total[..., 0]
    rank_two = 2 * a * c + t**2 * a**2 + 2 * b**2 - 4 * t * a * b
    square = rank_two + (weight**2 * (diagonal**2 - shared**2)).sum(axis=-1)
    return np.asarray(mean**2 / square, dtype=np.float64)
