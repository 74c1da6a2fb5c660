"""Which rows are which arm."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.style import require
from agentlab.experiments.statistics.checking import axis_levels, other_axes

__all__ = ["arm_label", "arm_rows", "grouping", "with_run_columns"]


def grouping(frame: pd.DataFrame, by: str | Sequence[str] | None) -> list[str]:
    """The columns that tell arms apart: those named, else every axis that varies."""
    names = other_axes(frame, []) if by is None else [by] if isinstance(by, str) else list(by)
    require(frame, names)
    return names


def arm_label(values: Sequence[object]) -> str:
    """The name of an arm in a legend."""
    return ", ".join(str(value) for value in values) or "all runs"


def arm_rows(frame: pd.DataFrame, by: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
    """Label and rows of each arm, in the axes' own order."""
    if not by:
        return [(arm_label(()), frame)]
    places = [{level: place for place, level in enumerate(axis_levels(frame, name))} for name in by]
    groups = list(frame.groupby(list(by), observed=True, sort=False))
    groups.sort(key=lambda group: [order[value] for order, value in zip(places, group[0], strict=True)])
    return [(arm_label(values), rows) for values, rows in groups]


def with_run_columns(turns: pd.DataFrame, runs: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """The turns with columns of their runs.

    Args:
        turns: One row a model call.
        runs: One row a run, to look the columns up in by `run_id`; needed where the turns lack them.
        columns: What is needed, such as an axis.

    Raises:
        UsageError: If neither frame has a column.
    """
    lacking = [name for name in columns if name not in turns]
    if not lacking:
        return turns
    if runs is None:
        names = ", ".join(f"`{name}`" for name in lacking)
        raise UsageError(f"the turns have no column {names}; give the runs as well: `runs=res.df`")
    require(runs, ["run_id", *lacking])
    return turns.merge(runs[["run_id", *lacking]], on="run_id", how="left", validate="many_to_one")
