"""When a sweep may end before its last cell."""

from __future__ import annotations

from dataclasses import dataclass

from agentlab.experiments.statistics import SequentialStop

__all__ = ["Stopping"]


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """When a sweep may end before its last cell.

    Attributes:
        rule: The sequential rule; it spends its chance of a false finding over all looks.
        axis: Axis whose levels are compared.
        metric: Score or column that is compared, such as `score_exact`.
        baseline: Level the others are compared with; the first where None.
        every: Share of the questions between two looks.
    """

    rule: SequentialStop
    axis: str
    metric: str
    baseline: str | None = None
    every: float = 0.1
