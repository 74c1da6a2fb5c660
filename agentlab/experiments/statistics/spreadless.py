"""What is known when every value is the same: all right, all wrong, no pair that differs.

The t interval then has no width, and says of 30 right answers out of 30 that the model is never wrong. What the data
do say is what the rule of three says: had a share q of the clusters been otherwise, seeing none of them in G clusters
would have had the chance (1 - q)^G. The largest q that leaves half of alpha bounds the mean on each side.
"""

from __future__ import annotations

__all__ = ["spreadless_interval", "spreadless_p"]


def spreadless_interval(
    mean: float, n_clusters: int, *, low: float, high: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval for the mean of values between `low` and `high`, of which every one seen was `mean`.

    Args:
        mean: The one value seen.
        n_clusters: How many independent clusters showed it.
        low: Least value the metric can take.
        high: Largest value it can take.
        confidence: Of the two-sided interval.
    """
    unseen = 1 - ((1 - confidence) / 2) ** (1 / n_clusters)
    return mean - (mean - low) * unseen, mean + (high - mean) * unseen


def spreadless_p(mean: float, n_clusters: int, *, bound: float | None = None) -> float:
    """Two-sided p of "the mean difference is 0" where every difference seen was `mean`.

    Args:
        mean: The one difference seen.
        n_clusters: How many independent clusters showed it.
        bound: Largest size a difference can have (1 for a binary metric): p then agrees with the interval above.
            None where there is no bound: the sign test over clusters, as for a difference at the bound.
    """
    if mean == 0:
        return 1.0
    ratio = 1.0 if bound is None else abs(mean) / bound
    return float(min(1.0, 2 * (1 + ratio) ** -n_clusters))
