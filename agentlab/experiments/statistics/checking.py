"""Whether a frame can be compared as asked; where not, a sentence that says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import pandas as pd
from pandas.api.types import is_numeric_dtype

from agentlab.errors import UsageError

__all__ = ["axis_levels", "check_columns", "chosen_baseline", "other_axes", "suggestion", "usable_metrics"]

_NOT_AXES: Final = frozenset(
    {
        "sweep_id", "run_id", "cell_key", "sample_id", "cluster_id", "status", "error_type", "finish_reason",
        "cache_state", "provider_name", "request_model", "response_model", "price_source", "price_as_of", "store",
        "code_version",
    }
)  # fmt: skip
"""Categorical columns of a run that no axis ever is."""

_TEXTS: Final = ("_reason", "_error", "_message", "_hash", "output")
_MANY: Final = 50


def suggestion(name: object, known: Iterable[object]) -> str:
    """What might have been meant, or what there is."""
    names = [str(each) for each in known]
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
    return "there are " + ", ".join(f"`{each}`" for each in names) if names else "there are none"


def usable_metrics(df: pd.DataFrame) -> list[str]:
    """The numeric columns, scores first."""
    numeric = [str(name) for name in df.columns if is_numeric_dtype(df[name])]
    return sorted(numeric, key=lambda name: (not name.startswith("score_"), numeric.index(name)))


def check_columns(df: pd.DataFrame, axes: Sequence[str], metric: str) -> None:
    """Raise a UsageError unless the frame has rows, a question column, the axes and the metric."""
    if not isinstance(df, pd.DataFrame):
        raise UsageError(f"a DataFrame of runs is compared, such as `res.df`; got {type(df).__name__}")
    if df.empty:
        raise UsageError("there is nothing to compare: the frame has no rows")
    if "sample_id" not in df:
        raise UsageError("the frame needs a column `sample_id` that says which question each row answers")
    if metric not in df:
        raise UsageError(f"the frame has no metric `{metric}`; {suggestion(metric, usable_metrics(df))}")
    if len(set(axes)) < len(axes):
        raise UsageError(f"a column is named twice in {', '.join(f'`{axis}`' for axis in axes)}")
    for axis in axes:
        if axis not in df:
            raise UsageError(f"the frame has no axis `{axis}`; {suggestion(axis, _axis_names(df))}")
    _check_questions(df)


def _check_questions(df: pd.DataFrame) -> None:
    if df["sample_id"].isna().any():
        raise UsageError(
            f"{int(df['sample_id'].isna().sum())} rows have no `sample_id`, so they cannot be paired"
        )
    if "cluster_id" in df:
        spread = df.groupby("sample_id", observed=True)["cluster_id"].nunique(dropna=False)
        if (spread > 1).any():
            raise UsageError(
                f"question `{spread.idxmax()}` is in {spread.max()} clusters; a question belongs to one `cluster_id`"
            )


def axis_levels(df: pd.DataFrame, axis: str) -> list[Hashable]:
    """The levels that occur, in the axis' own order: a categorical's, else the order of appearance."""
    column = df[axis]
    present = list(column.dropna().unique())
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [level for level in column.cat.categories if level in set(present)]
    return present


def chosen_baseline(levels: Sequence[Hashable], axis: str, baseline: Hashable | None) -> Hashable:
    """The level the others are compared with: the one named, else the first."""
    if len(levels) < 2:
        only = ", ".join(f"`{level}`" for level in levels) or "nothing"
        raise UsageError(f"`{axis}` needs two levels to compare; the frame has {only}")
    if baseline is None:
        return levels[0]
    if baseline not in levels:
        raise UsageError(f"`{axis}` has no level `{baseline}`; {suggestion(baseline, levels)}")
    return baseline


def other_axes(df: pd.DataFrame, named: Sequence[str]) -> list[str]:
    """Axes of the sweep that vary and that the comparison does not name: it averages over them.

    Raises:
        UsageError: If a question has several rows of one repeat and no axis tells them apart.
    """
    declared = df.attrs.get("agentlab_axes")
    names = _axis_names(df) if declared is None else [name for name in declared if name in df]
    others = [name for name in names if name not in named and len(df[name].unique()) > 1]
    keys = [*named, *others, "sample_id", *(["repeat"] if "repeat" in df else [])]
    twice = df.duplicated(keys, keep=False)
    if twice.any() and "repeat" in df:
        row = df.loc[twice].iloc[0]
        raise UsageError(
            f"{int(twice.sum())} rows share {', '.join(f'`{key}`' for key in keys)} with another, for example question "
            f"`{row['sample_id']}`; {_remedy(df[twice], keys)}"
        )
    return others


def _remedy(copies: pd.DataFrame, keys: Sequence[str]) -> str:
    """What tells rows apart that should be one, if an axis that lost its type does."""
    rest = [str(name) for name in copies.columns if name not in keys and name not in _NOT_AXES]
    words = [name for name in rest if copies[name].dtype in ("object", "str") and not name.endswith(_TEXTS)]
    for name in words:
        if 1 < copies[name].nunique() <= _MANY and not copies.duplicated([*keys, name]).any():
            return f"`{name}` tells them apart: name it in `by`, or make it categorical to average over it"
    return "drop the copies, or make the columns that tell them apart categorical"


def _axis_names(df: pd.DataFrame) -> list[str]:
    declared = df.attrs.get("agentlab_axes")
    if declared is not None:
        return [name for name in declared if name in df]
    return [
        str(name)
        for name in df.columns
        if isinstance(df[name].dtype, pd.CategoricalDtype) and name not in _NOT_AXES
    ]
