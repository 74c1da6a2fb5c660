"""Leaves out the markers of a plan that do nothing: what they find or keep is never needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn, MarkerRules, Markers, bill
from agentlab.caching.breakpoints.search import Plan

__all__ = ["without_idle"]

_ROUNDING: Final = 1e-12


def without_idle(turns: Sequence[MarkedTurn], rules: MarkerRules, plan: Plan) -> Plan:
    """The plan without markers whose absence changes the cost of no request, the later ones of a request tried first.

    Args:
        turns: The requests.
        rules: The numbers of the model.
        plan: Their markers.
    """
    kept: list[Markers] = list(plan)
    entries: dict[int, Entry] = {}
    for index, turn in enumerate(turns):
        for marker in reversed(plan[index]):
            fewer = [each for each in kept[index] if each != marker]
            if _costs_no_more(turns[index:], rules, entries, kept[index:], fewer):
                kept[index] = fewer
        _, entries = bill(rules, turn, entries, kept[index])
    return tuple(map(tuple, kept))


def _costs_no_more(
    turns: Sequence[MarkedTurn],
    rules: MarkerRules,
    entries: dict[int, Entry],
    plan: Sequence[Markers],
    fewer: Markers,
) -> bool:
    """Whether the first of these requests can have fewer markers, and no request costs more for it."""
    left, right = entries, entries
    for number, (turn, markers) in enumerate(zip(turns, plan, strict=True)):
        before, left = bill(rules, turn, left, markers)
        after, right = bill(rules, turn, right, markers if number else fewer)
        if after.cost_usd > before.cost_usd * (1 + _ROUNDING):
            return False
        if left == right:
            return True
    return True
