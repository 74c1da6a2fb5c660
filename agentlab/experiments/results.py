"""What came of a sweep: frames, comparisons, and what each run said and sent."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from msgspec import structs

from agentlab.agent.trace import Trace
from agentlab.caching.explaining.explain import explain
from agentlab.caching.explaining.explanation import Explanations
from agentlab.errors import UsageError
from agentlab.experiments.engine.progress import Tally
from agentlab.experiments.frames.expectations import judged_rows
from agentlab.experiments.frames.runs import runs_frame
from agentlab.experiments.frames.turns import messages_frame, turns_frame
from agentlab.experiments.rows import RunRow
from agentlab.experiments.statistics import ComparisonFrame, compare, means
from agentlab.experiments.store import Store
from agentlab.short_repr import one_line

__all__ = ["Results"]


class Results:
    """The runs of a sweep that are stored, those of earlier executions among them.

    Args:
        rows: The runs, in the order of the plan.
        axes: Axis to its labels.
        store: The file the traces are in.
        sweep_id: The sweep.
        fresh: Keys of the cells this execution ran.
        planned: Cells the plan has; more than there are rows where the budget or an interrupt ended it.
        primed_usd: What preparing caches cost beside the runs.
        stopped: Why it ended before its last cell; None where it did not.
        keeps: What must last as long as the results: the folder of a store that nobody named.
    """

    def __init__(
        self,
        rows: Sequence[RunRow],
        axes: Mapping[str, Sequence[str]],
        *,
        store: Path,
        sweep_id: str,
        fresh: frozenset[str],
        planned: int,
        primed_usd: float = 0.0,
        stopped: str | None = None,
        keeps: object = None,
    ) -> None:
        self.axes = dict(axes)
        self.store = store
        self.sweep_id = sweep_id
        self.fresh = fresh
        self.planned = planned
        self.primed_usd = primed_usd
        self.stopped = stopped
        self._rows = tuple(rows)
        self._keeps = keeps

    @cached_property
    def rows(self) -> tuple[RunRow, ...]:
        """The runs as plain data, judged by the cache profiles."""
        with Store.open(self.store, read_only=True) as store:

            def trace_of(key: str) -> Trace | None:
                text = store.trace(key)
                return None if text is None else Trace.from_json(text)

            return judged_rows(self._rows, trace_of)

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a run."""
        return runs_frame(
            self.rows, self.axes, sweep_id=self.sweep_id, fresh=self.fresh, store=self.store.name
        )

    @cached_property
    def turns(self) -> pd.DataFrame:
        """One row a model call."""
        return turns_frame(self.rows, self.axes, fresh=self.fresh)

    @cached_property
    def messages(self) -> pd.DataFrame:
        """One row a message, tool or setting a model was shown; equal prefixes stand there once."""
        return messages_frame(self.rows)

    def compare(
        self,
        axis: str | None = None,
        metric: str | None = None,
        baseline: Hashable | None = None,
        by: str | Sequence[str] = (),
    ) -> ComparisonFrame:
        """Paired differences between the levels of an axis; see `agentlab.experiments.statistics.compare`.

        Args:
            axis: The axis; the only one where there is but one.
            metric: The column; the only score where there is but one, else `cost_usd`.
            baseline: The level to compare with; the first where None.
            by: Columns to compare within.

        Raises:
            UsageError: A name is not there; the message says which are.
        """
        return compare(self.df, axis or self._only_axis(), metric or self._metric(), baseline, by)

    def summary(self, metric: str | None = None, by: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Mean of a column for each arm, with its standard error clustered by question group."""
        return means(self.df, metric or self._metric(), list(self.axes) if by is None else by)

    def trace(self, run_id: str) -> Trace:
        """The record of one run.

        Args:
            run_id: `run_id` or `cell_key` of a row of `df`.

        Raises:
            UsageError: There is no such run, or its trace was not kept.
        """
        row = self._row(run_id)
        with Store.open(self.store, read_only=True) as store:
            text = store.trace(row.cell_key)
        if text is None:
            raise UsageError(f"the trace of run {run_id!r} was not kept")
        return Trace.from_json(text)

    def diff(
        self, sample_id: object, a: str, b: str, *, axis: str | None = None, repeat: int = 0
    ) -> Explanations:
        """Where the first prompts of two arms part.

        Args:
            sample_id: The sample.
            a: Label of one arm on the axis.
            b: Label of the other.
            axis: The axis; the only one where there is but one.
            repeat: Which repeat.

        Raises:
            UsageError: There is no such run.
        """
        chosen = axis or self._only_axis()
        first, second = (self._of(str(sample_id), chosen, label, repeat) for label in (a, b))
        found = explain(self.trace(first.run_id).calls[0], self.trace(second.run_id).calls[0])
        return Explanations([] if found is None else [structs.replace(found, names=(a, b))])

    def worst(self, metric: str | None = None) -> RunRow:
        """The run with the lowest value of a column; one that failed, where there is one.

        Raises:
            UsageError: No run has a value of it.
        """
        column = metric or self._metric()
        failed = [row for row in self.rows if row.status == "error"]
        if failed:
            return failed[0]
        values = self.df[column].to_numpy(dtype=float, na_value=math.nan)
        if np.isnan(values).all():
            raise UsageError(f"no run has a value of `{column}`")
        return self.rows[int(np.nanargmin(values))]

    def sql(self, query: str) -> pd.DataFrame:
        """Ask in SQL; the tables are `runs`, `turns` and `messages` (DuckDB, the extra `agentlab[duckdb]`).

        Raises:
            MissingExtra: DuckDB is not installed.
        """
        from agentlab.experiments.store.exporting import sql  # noqa: PLC0415 - loads an optional package

        return sql(query, {"runs": self.df, "turns": self.turns, "messages": self.messages})

    def to_parquet(self, folder: str | Path) -> list[Path]:
        """Write the frames as Parquet files, one each."""
        from agentlab.experiments.store.exporting import to_parquet  # noqa: PLC0415 - loads an optional package

        return to_parquet({"runs": self.df, "turns": self.turns, "messages": self.messages}, folder)

    @property
    def tally(self) -> Tally:
        """Runs, errors, cost and cache share over all rows."""
        tally = Tally()
        for row in self._rows:
            tally.add(row)
        return tally

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return one_line(f"Results({', '.join(self._facts())})")

    def _repr_html_(self) -> str:
        facts = "".join(f"<li>{escape(fact)}</li>" for fact in self._facts())
        return (
            '<div class="mathjax_ignore tex2jax_ignore">'
            f"<strong>Sweep {escape(self.sweep_id)}</strong><ul>{facts}</ul></div>"
        )

    def _facts(self) -> list[str]:
        tally = self.tally
        facts = [f"{len(self._rows):,} of {self.planned:,} runs", f"{len(self.fresh):,} made now"]
        if tally.errors:
            facts.append(f"{tally.errors:,} failed")
        facts.append(f"${tally.usd:.4f} when made")
        if tally.unpriced:
            facts.append(f"{tally.unpriced:,} without a known price, not in that sum")
        if self.primed_usd:
            facts.append(f"${self.primed_usd:.4f} for preparing caches")
        if not math.isnan(tally.hit_share):
            facts.append(f"{tally.hit_share:.0%} of prompt tokens read from a cache")
        if self.stopped:
            facts.append(f"stopped: {self.stopped}")
        return facts

    def _only_axis(self) -> str:
        if len(self.axes) != 1:
            raise UsageError(f"say which axis: {', '.join(self.axes) or 'this sweep has none'}")
        return next(iter(self.axes))

    def _metric(self) -> str:
        scorers = dict.fromkeys(score.scorer for row in self._rows for score in row.scores)
        return f"score_{next(iter(scorers))}" if len(scorers) == 1 else "cost_usd"

    def _row(self, run_id: str) -> RunRow:
        for row in self._rows:
            if run_id in {row.run_id, row.cell_key}:
                return row
        near = difflib.get_close_matches(run_id, [row.run_id for row in self._rows], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; see the column `run_id` of `df`"
        raise UsageError(f"no run is called {run_id!r}{hint}")

    def _of(self, sample_id: str, axis: str, label: str, repeat: int) -> RunRow:
        for row in self._rows:
            if (row.sample_id, row.levels.get(axis), row.repeat) == (sample_id, label, repeat):
                return row
        raise UsageError(f"there is no run of sample {sample_id!r} with {axis} = {label!r}, repeat {repeat}")
