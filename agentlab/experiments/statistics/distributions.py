"""The normal and the t distribution: their functions and quantiles, for arrays.

What the estimates need of a special-function library, so that a bench for a notebook does not install a hundred
megabytes for four functions.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["normal_cdf", "normal_quantile", "t_cdf", "t_quantile"]

Floats = npt.NDArray[np.float64]

_STANDARD: Final = NormalDist()
_TINY: Final = 1e-300
_EXACT: Final = 4e-15
_NEAR: Final = 1e-9
"""A step of Newton's below this share of the value leaves an error of about its square."""
_FRACTIONS: Final = 20_000
_STEPS: Final = 1_100
_FEW_DEGREES: Final = 3
"""Below it the expansion is worse than none."""
_MANY_DEGREES: Final = 1e8
"""Beyond it the t distribution differs from that of so many degrees in the seventh digit of a tail of four deviations."""


def normal_cdf(z: npt.ArrayLike) -> Floats:
    """Chance that a standard normal value is at most `z`.

    Args:
        z: Any shape.
    """
    at = np.asarray(z, dtype=np.float64)
    scaled = (-at / math.sqrt(2)).ravel()
    return (0.5 * np.fromiter(map(math.erfc, scaled), np.float64, scaled.size)).reshape(at.shape)


def normal_quantile(chance: float) -> float:
    """The value that a standard normal one stays below with this chance.

    Args:
        chance: 0 to 1.
    """
    if chance in {0.0, 1.0}:
        return math.inf if chance else -math.inf
    return _STANDARD.inv_cdf(chance)


def t_cdf(degrees: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
    """Chance that Student's t is at most `t`; NaN where an argument is.

    Source: Abramowitz and Stegun, 26.7.1, by the incomplete beta function.

    Args:
        degrees: Degrees of freedom, above 0 and not necessarily whole.
        t: Of a shape that fits.
    """
    n, at = np.broadcast_arrays(np.asarray(degrees, np.float64), np.asarray(t, np.float64))
    n = np.minimum(n, _MANY_DEGREES)
    with np.errstate(divide="ignore", over="ignore"):
        square = at * at
        outside = 0.5 * _beta_share(n / 2, 1 / (1 + square / n), 1 / (1 + n / square))
    return np.asarray(np.where(at <= 0, outside, 1 - outside))


def t_quantile(degrees: npt.ArrayLike, chance: float) -> Floats:
    """The value that Student's t stays below with this chance; NaN where `degrees` is.

    Newton's method below the median, where the function is convex: whatever it starts from, the first step leads to the
    side of the median, and each further one stays there and comes nearer.

    Args:
        degrees: Degrees of freedom, above 0 and not necessarily whole; any shape.
        chance: 0 to 1.
    """
    n = np.minimum(np.asarray(degrees, np.float64), _MANY_DEGREES)
    lower = min(chance, 1 - chance)
    at = _expanded(n, normal_quantile(lower))
    if lower > 0:
        for _ in range(_STEPS):
            step = (t_cdf(n, at) - lower) / _t_density(n, at)
            at = at - step
            if not np.any(np.abs(step) > _NEAR * np.abs(at) + _TINY):
                break
    return np.asarray(at if chance <= 0.5 else -at)


def _expanded(n: Floats, z: float) -> Floats:
    """About the quantile, from the normal one (Abramowitz and Stegun, 26.7.5, two terms)."""
    if not math.isfinite(z):
        return np.where(np.isnan(n), np.nan, z)
    wider = (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n * n)
    return np.asarray(z + np.where(n < _FEW_DEGREES, n * 0, wider))


def _t_density(n: Floats, t: Floats) -> Floats:
    scale = _log_gamma((n + 1) / 2) - _log_gamma(n / 2) - 0.5 * np.log(n * np.pi)
    return np.asarray(np.exp(scale - (n + 1) / 2 * np.log1p(t * t / n)))


def _log_gamma(values: Floats) -> Floats:
    given = np.asarray(values)
    return np.fromiter(map(math.lgamma, given.ravel()), np.float64, given.size).reshape(given.shape)


def _beta_share(a: Floats, x: Floats, rest: Floats) -> Floats:
    """The regularized incomplete beta function with second parameter 1/2; `rest` is 1 - x without its rounding."""
    half = np.full_like(a, 0.5)
    near = x < (a + 1) / (a + 2.5)
    first, second = np.where(near, a, half), np.where(near, half, a)
    at, other = np.where(near, x, rest), np.where(near, rest, x)
    with np.errstate(divide="ignore"):
        front = _log_gamma(a + 0.5) - _log_gamma(a) - math.lgamma(0.5)
        front = np.exp(front + first * np.log(at) + second * np.log(other)) / first
    share = front * _continued(first, second, at)
    return np.asarray(np.where(near, share, 1 - share))


def _continued(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8), by Lentz's method."""
    c = np.ones_like(x)
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _FRACTIONS):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + factor * d)
            c = _away_from_zero(1 + factor / c)
            change = c * d
            found = found * change
        if not np.any(np.abs(change - 1) > _EXACT):
            break
    return np.asarray(found)


def _away_from_zero(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)
