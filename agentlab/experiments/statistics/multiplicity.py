"""Several comparisons at once: one of twenty null differences looks real at p < 0.05."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["holm"]


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p values that bound the chance of any false finding (Holm 1979).

    Args:
        p_values: Of one family of comparisons; NaN (not computable) stays NaN and is not counted.

    Returns:
        Each p times the number of comparisons not yet rejected, never falling as p rises, at most 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(given, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return adjusted
