"""Datasets by name, from files, frames and rows: all come out in one shape."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.datasets.built_in import data_file, dataset_names
from agentlab.experiments.datasets.columns import STANDARD
from agentlab.experiments.datasets.files import SUFFIXES, read_file
from agentlab.experiments.datasets.samples import samples_from, shaped
from agentlab.experiments.sample import Sample

__all__ = ["Data", "load_dataset", "samples_of"]

Data = str | Path | pd.DataFrame | Iterable[Mapping[str, Any]]
"""What a dataset can be given as."""


def load_dataset(data: Data, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A dataset in the shape that sweeps take.

        al.load_dataset("arithmetic_tools")
        al.load_dataset("questions.csv", columns={"question": "input", "answer": "target"})

    Args:
        data: Name of a built-in dataset (`dataset_names()`), path of a CSV, TSV, JSONL, JSON or Parquet file, a
            DataFrame, or rows as dicts.
        columns: Your names of columns to the names here.

    Returns:
        A new frame: `sample_id` (text, unique), `input` (text), `target` (as it was; None where there is none),
        `cluster_id` (text), then the other columns. Without a `sample_id` column an id is made from the row's content,
        so it stays when rows are added or sorted. Without a `cluster_id` every row is a cluster of its own.

    Raises:
        UsageError: No dataset has that name, a file cannot be read, a column is missing, rows are empty or double.
        MissingExtra: Reading Parquet needs pyarrow.
    """
    mapping = dict(columns or {})
    if isinstance(data, pd.DataFrame):
        return shaped(data, "the DataFrame", mapping)
    if isinstance(data, Path):
        return _of_file(data, mapping)
    if isinstance(data, str):
        if data in dataset_names():
            return shaped(read_file(data_file(data), frozenset()), f"the dataset `{data}`", mapping)
        if _looks_like_path(data):
            return _of_file(Path(data).expanduser(), mapping)
        raise UsageError(f"there is no dataset `{data}`{_suggestion(data)}")
    return shaped(_of_rows(data), "the list of rows", mapping)


def samples_of(
    data: Data, needs: Iterable[str] = (), *, columns: Mapping[str, str] | None = None
) -> tuple[Sample, ...]:
    """A dataset as samples.

    Args:
        data: As in `load_dataset`; a frame that it gave included.
        needs: Columns that scorers and templates read; each must be there and filled in every row.
        columns: As in `load_dataset`.

    Raises:
        UsageError: As in `load_dataset`, or a needed column is missing or has gaps.
    """
    return samples_from(load_dataset(data, columns=columns), needs)


def _of_file(path: Path, mapping: Mapping[str, str]) -> pd.DataFrame:
    texts = {*STANDARD, *(theirs for theirs, ours in mapping.items() if ours in STANDARD)}
    return shaped(read_file(path, frozenset(texts)), f"the dataset `{path}`", mapping)


def _of_rows(data: Any) -> pd.DataFrame:
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise UsageError(
            f"a dataset is a name, a path, a DataFrame or a list of dicts, not {type(data).__name__}"
        )
    rows = list(data)
    if not rows:
        raise UsageError("the list of rows is empty")
    for place, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise UsageError(f"row {place} of the list is {type(row).__name__}, not a dict of columns")
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _looks_like_path(name: str) -> bool:
    return "/" in name or "\\" in name or Path(name).suffix.lower() in SUFFIXES or Path(name).is_file()


def _suggestion(name: str) -> str:
    names = dataset_names()
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return f"{hint} There are {', '.join(f'`{each}`' for each in names)}; a file is named with its suffix"
