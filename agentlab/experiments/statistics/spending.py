"""How much of alpha each look may spend, and the boundary that spends it.

Looking at a comparison five times and stopping at the first p < 0.05 finds a difference that is not there in 14 % of
cases. A spending function says how much of alpha has been given away when a share t of the data is in; the boundary of
each look follows from it and from the shares looked at so far, so looks need not be planned (Lan and DeMets 1983).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agentlab.experiments.statistics.distributions import normal_cdf, normal_quantile

__all__ = ["SPENDING", "Spending", "boundaries", "obrien_fleming_spent", "pocock_spent"]

Floats = npt.NDArray[np.float64]
Spending = Literal["obrien_fleming", "pocock"]

_POINTS: Final = 201
_FAR: Final = 8.5
"""Standard deviations beyond which a normal density holds nothing that double precision shows."""


def obrien_fleming_spent(share: float, alpha: float) -> float:
    """Almost nothing early, nearly all of alpha left for the end: the last look costs little."""
    if share <= 0:
        return 0.0
    return float(4 * normal_cdf(normal_quantile(alpha / 4) / np.sqrt(min(share, 1.0))))


def pocock_spent(share: float, alpha: float) -> float:
    """About the same at every look: stops earlier, and pays with a stricter last look."""
    return float(alpha * np.log1p((np.e - 1) * min(max(share, 0.0), 1.0)))


SPENDING: Final[Mapping[Spending, Callable[[float, float], float]]] = MappingProxyType(
    {"obrien_fleming": obrien_fleming_spent, "pocock": pocock_spent}
)


def boundaries(shares: Sequence[float], alpha: float, spending: Spending) -> list[float]:
    """The |z| that stops each look; two-sided, all looks together reject a true null with chance alpha.

    The density of the score process is carried from look to look on a grid, and each boundary is found by bisection
    (Armitage, McPherson and Rowe 1969).

    Args:
        shares: Share of the data in at each look, rising, above 0 and at most 1.
        alpha: Chance of a false finding over all looks.
        spending: Which function spends it.
    """
    found: list[float] = []
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    at, mass = np.zeros(1), np.ones(1)  # where the score may be without having stopped, and how likely
    before, spent = 0.0, 0.0
    for share in shares:
        step = np.sqrt(share - before)
        due = SPENDING[spending](share, alpha)
        edge = _edge(at, mass, step, due - spent, _FAR * np.sqrt(share))
        found.append(float(edge / np.sqrt(share)))
        grid = edge * points
        density = np.exp(-0.5 * ((grid[:, None] - at) / step) ** 2) / (step * np.sqrt(2 * np.pi))
        at, mass = grid, (density @ mass) * weights * edge
        before, spent = share, due
    return found


def _edge(at: Floats, mass: Floats, step: float, chance: float, far: float) -> float:
    """Where the score leaves with this chance on the next step."""
    low, high = 0.0, float(far)
    for _ in range(60):
        middle = (low + high) / 2
        leaving = mass @ (normal_cdf((at - middle) / step) + normal_cdf((-at - middle) / step))
        low, high = (middle, high) if leaving > chance else (low, middle)
    return high
