"""Asks a sequential rule, while rows come in, whether a sweep has seen enough."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from agentlab.experiments.plan.stopping import Stopping
from agentlab.experiments.rows import RunRow

__all__ = ["SequentialWatch"]


class SequentialWatch:
    """Rows in, and out comes whether the sweep may stop: every arm has to be decided.

    Args:
        stopping: What is compared, and by which rule.
        arms: Labels of the axis.
        questions: Questions in the plan.
        runs: Runs of one question in one arm of the axis.
    """

    def __init__(self, stopping: Stopping, arms: Sequence[str], questions: int, runs: int) -> None:
        self._stopping = stopping
        self._baseline = stopping.baseline if stopping.baseline is not None else arms[0]
        self._rules = {arm: stopping.rule for arm in arms if arm != self._baseline}
        self._open = set(self._rules)
        self._arms = tuple(arms)
        self._questions = questions
        self._runs = runs
        self._values: dict[tuple[str, str], list[float | None]] = {}
        self._clusters: dict[str, str] = {}
        self._whole = 0
        self._looked = 0
        self.why: str | None = None

    def enough(self, row: RunRow) -> bool:
        """Take a row in.

        Returns:
            Whether every comparison is decided.
        """
        self._clusters[row.sample_id] = row.cluster_id
        arm = row.levels[self._stopping.axis]
        self._values.setdefault((row.sample_id, arm), []).append(_value(row, self._stopping.metric))
        if any(len(self._values.get((row.sample_id, each), ())) < self._runs for each in self._arms):
            return False
        self._whole += 1
        due = self._whole - self._looked >= max(1, self._stopping.every * self._questions)
        if not due or self._whole >= self._questions:
            return False
        self._looked = self._whole
        return self._look()

    def _look(self) -> bool:
        share = self._whole / self._questions
        for arm in sorted(self._open):
            decision = self._rules[arm].decide(self._differences(arm), share)
            self._rules[arm] = decision.after
            if decision.action == "stop":
                self._open.discard(arm)
                self.why = f"{arm} against {self._baseline}: {decision.why}"
        return not self._open

    def _differences(self, arm: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for sample, cluster in self._clusters.items():
            pair = [self._values.get((sample, each), []) for each in (arm, self._baseline)]
            if all(len(values) >= self._runs for values in pair):
                means = [_mean(values) for values in pair]
                if means[0] is not None and means[1] is not None:
                    found.setdefault(cluster, []).append(means[0] - means[1])
        return found


def _value(row: RunRow, metric: str) -> float | None:
    """A row's value of a metric; None where it has none."""
    if row.status == "error":
        return None
    for score in row.scores:
        if metric in {f"score_{score.scorer}", score.scorer}:
            return score.value
    value = getattr(row, metric, None)
    return float(value) if isinstance(value, int | float) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
