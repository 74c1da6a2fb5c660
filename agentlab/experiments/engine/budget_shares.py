"""Deals one budget out to batches, so that all workers together never spend more than there is.

A batch is given a share before it is sent, and what it did not spend comes back with its report. One that its share was
too small for is sent again with more: twice as much each time, in the end all there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agentlab.experiments.metering import Budget, Reservation

__all__ = ["BudgetShares", "Share"]

_EXACT: Final = 1 - 1e-9
"""A share is rounded down, since what is held back is rounded up."""


@dataclass(frozen=True)
class Share:
    """What a batch may spend.

    Attributes:
        usd: The amount; None without a budget.
        is_all: Whether it is everything that is left.
    """

    usd: float | None
    is_all: bool
    reservation: Reservation | None = None


class BudgetShares:
    """The driver's one budget.

    Args:
        budget: All there is; None for no limit.
    """

    def __init__(self, budget: Budget | None) -> None:
        self._budget = budget

    def take(self, *, at_least: float, among: int, is_alone: bool) -> Share | None:
        """Hold a share back.

        Args:
            at_least: What would be too little, in US dollars.
            among: Batches that what is free is to be dealt to.
            is_alone: Whether no other batch is on its way, so that nothing more will come back.

        Returns:
            The share; None where there is too little now, and more may come back.
        """
        if self._budget is None:
            return Share(None, is_all=True)
        free = self._budget.free_usd
        usd = max(free / among, min(at_least, free))
        if usd < at_least and not is_alone:
            return None
        usd *= _EXACT
        is_all = is_alone and usd >= free * _EXACT
        held = self._budget.try_reserve(usd)
        if held is None:
            return Share(0.0, is_all=True) if is_alone else None
        return Share(usd, is_all, held)

    def give_back(self, share: Share, spent_usd: float | None) -> None:
        """Book what a batch spent.

        Args:
            share: What it was given.
            spent_usd: What it spent; None where nobody knows, which counts as all of it.
        """
        if share.reservation is not None:
            share.reservation.settle(share.reservation.usd if spent_usd is None else spent_usd)
