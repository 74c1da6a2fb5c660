"""When a job of many texts may begin the next one, so that it keeps to a sum of money. Pure."""

from __future__ import annotations

import math
from typing import Literal

from agentlab.errors import UsageError

__all__ = ["TextBudget"]


class TextBudget:
    """A budget for texts that cost about the same, and of which nobody knows how much before the first is done.

    A text may be begun where it and those under way fit if each costs as much as the dearest that was done. So the first
    is asked alone, and the budget is exceeded only by texts that are dearer than all before them.

    Args:
        limit_usd: US dollars; None for no limit.

    Attributes:
        spent_usd: US dollars that finished texts cost.

    Raises:
        UsageError: The limit is no amount above 0.
    """

    def __init__(self, limit_usd: float | None) -> None:
        if limit_usd is not None and not (math.isfinite(limit_usd) and limit_usd > 0):
            raise UsageError(f"`budget_usd` is an amount above 0 in US dollars, not {limit_usd}")
        self.limit_usd = limit_usd
        self.spent_usd = 0.0
        self._under_way = 0
        self._dearest: float | None = None

    def may_begin(self) -> Literal["yes", "wait", "no"]:
        """Whether a text may be begun now, or when another is done, or not at all."""
        if self.limit_usd is None:
            return "yes"
        if self._dearest is None:
            return "wait" if self._under_way else "yes"
        if self.spent_usd + (self._under_way + 1) * self._dearest <= self.limit_usd:
            return "yes"
        return "wait" if self._under_way else "no"

    def begin(self) -> None:
        """A text is begun."""
        self._under_way += 1

    def end(self, cost_usd: float | None) -> None:
        """A text is done.

        Args:
            cost_usd: What it cost; None where that is not known, which counts as the dearest.
        """
        self._under_way -= 1
        cost = (self._dearest or 0.0) if cost_usd is None else cost_usd
        self.spent_usd += cost
        if cost > 0:
            self._dearest = max(cost, self._dearest or 0.0)
