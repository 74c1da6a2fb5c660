"""The one shape of a dataset: rows with an id, an input, a target and a cluster, checked before anything is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.datasets.columns import STANDARD, near_column
from agentlab.experiments.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["samples_from", "shaped"]

_ID_LENGTH: Final = 12
_NAMED_ROWS: Final = 5


def shaped(frame: pd.DataFrame, source: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame in the shape of a dataset.

    Args:
        frame: Rows as they were read; not changed.
        source: What they are from, for messages.
        columns: Their name to the name here, such as `{"question": "input"}`.

    Returns:
        `sample_id`, `input`, `target`, `cluster_id`, then the other columns in their order.

    Raises:
        UsageError: There are no rows, a column is missing or there twice, an input is empty, or an id is there twice.
    """
    named = _renamed(frame, source, columns)
    if named.empty and not len(named.columns):
        raise UsageError(f"{source} is empty: it has neither rows nor columns")
    if "input" not in named.columns:
        raise UsageError(f"{source} has no column `input`; {_what_there_is(named, 'input')}")
    if named.empty:
        raise UsageError(f"{source} is empty: it has columns and no rows")
    rows: list[dict[str, Any]] = [
        {str(name): _plain(value) for name, value in zip(named.columns, row, strict=True)}
        for row in named.itertuples(index=False, name=None)
    ]
    inputs = _inputs(rows, source)
    ids = _ids(rows, source)
    clusters = [_text(row.get("cluster_id")) or own for row, own in zip(rows, ids, strict=True)]
    made: dict[str, Any] = {
        "sample_id": pd.Series(ids, dtype="str"),
        "input": pd.Series(inputs, dtype="str"),
        "target": pd.Series([row.get("target") for row in rows], dtype=object),
        "cluster_id": pd.Series(clusters, dtype="str"),
    }
    for name in named.columns.difference(list(STANDARD), sort=False):
        made[str(name)] = named[name].reset_index(drop=True).infer_objects()
    return pd.DataFrame(made)


def samples_from(frame: pd.DataFrame, needs: Iterable[str] = ()) -> tuple[Sample, ...]:
    """The rows of a shaped frame as samples.

    Args:
        frame: From `shaped`.
        needs: Columns that scorers and templates read; each must be there and filled in every row.

    Raises:
        UsageError: A needed column is missing, or empty in some row.
    """
    rows: list[dict[str, Any]] = [
        {str(name): _plain(value) for name, value in zip(frame.columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]
    for column in dict.fromkeys(needs):
        _check_filled(frame, rows, column)
    return tuple(
        Sample(
            sample_id=row["sample_id"],
            input=row["input"],
            target=row["target"],
            cluster_id=row["cluster_id"],
            columns=row,
        )
        for row in rows
    )


def _renamed(frame: pd.DataFrame, source: str, columns: Mapping[str, str]) -> pd.DataFrame:
    for theirs in columns:
        if theirs not in frame.columns:
            raise UsageError(f"{source} has no column `{theirs}` to rename; {_what_there_is(frame, theirs)}")
    named = frame.rename(columns=dict(columns))
    names = [str(name) for name in named.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"{source} has the column `{twice[0]}` twice (after renaming); drop or rename one of them"
        )
    return named


def _what_there_is(frame: pd.DataFrame, wanted: str) -> str:
    names = [str(name) for name in frame.columns]
    if not names:
        return "it has no columns at all"
    there = f"it has {', '.join(f'`{name}`' for name in names)}"
    near = near_column(wanted, names)
    if near is None:
        return f'{there}. Name yours: `columns={{"<yours>": "{wanted}"}}`'
    if wanted in STANDARD:
        return f'{there}. If `{near}` is meant: `columns={{"{near}": "{wanted}"}}`'
    return f"{there}. Did you mean `{near}`?"


def _inputs(rows: Sequence[dict[str, Any]], source: str) -> list[str]:
    inputs = [row["input"] for row in rows]
    empty = [place for place, value in enumerate(inputs, 1) if value is None or not str(value).strip()]
    if empty:
        raise UsageError(
            f"{source} has no input in {_rows(empty)}; fill or drop {'it' if len(empty) == 1 else 'them'}"
        )
    other = [place for place, value in enumerate(inputs, 1) if isinstance(value, list | dict)]
    if other:
        raise UsageError(
            f"{source} has an input that is no text in {_rows(other)} ({type(inputs[other[0] - 1]).__name__}); an input "
            "is the prompt's text, or what a template is filled with"
        )
    return [str(value) for value in inputs]


def _ids(rows: Sequence[dict[str, Any]], source: str) -> list[str]:
    """The ids of the rows, made from their content where they have none, so that they survive another order."""
    given = "sample_id" in rows[0]
    ids = [_text(row["sample_id"]) if given else _content_hash(row) for row in rows]
    missing = [place for place, value in enumerate(ids, 1) if not value]
    if missing:
        raise UsageError(
            f"{source} has no `sample_id` in {_rows(missing)}; fill it, or drop the column to have ids made"
        )
    places: dict[str, list[int]] = {}
    for place, value in enumerate(ids, 1):
        places.setdefault(value, []).append(place)
    doubles = {value: found for value, found in places.items() if len(found) > 1}
    if not doubles:
        return ids
    if given:
        told = "; ".join(
            f"{value!r} in {_rows(found)}" for value, found in list(doubles.items())[:_NAMED_ROWS]
        )
        raise UsageError(
            f"{source} has {len(doubles)} sample id{'s'[: len(doubles) > 1]} more than once: {told}. Each row needs an "
            "id of its own"
        )
    told = "; ".join(_rows(found) for found in list(doubles.values())[:_NAMED_ROWS])
    raise UsageError(
        f"{source} has rows that are equal in every column: {told}. Drop them, or tell them apart with a column "
        "`sample_id`"
    )


def _content_hash(row: dict[str, Any]) -> str:
    """A hash of a row's filled cells, whatever the order of the columns and whether a file wrote 5 or "5"."""
    content = {
        name: value if isinstance(value, list | dict) else _written(value)
        for name, value in row.items()
        if value is not None
    }
    written = msgspec.json.encode(content, order="deterministic", enc_hook=str)
    return hashlib.sha256(written).hexdigest()[:_ID_LENGTH]


def _check_filled(frame: pd.DataFrame, rows: Sequence[dict[str, Any]], column: str) -> None:
    if column not in frame.columns:
        raise UsageError(
            f"the dataset has no column `{column}`, which is needed; {_what_there_is(frame, column)}"
        )
    empty = [place for place, row in enumerate(rows, 1) if row[column] is None]
    if len(empty) == len(rows):
        others = frame.drop(columns=[column])
        raise UsageError(
            f"the dataset has nothing in `{column}`, which is needed; {_what_there_is(others, column)}"
        )
    if empty:
        raise UsageError(
            f"the dataset has no `{column}` in {_rows(empty)}, which is needed; fill or drop them"
        )


def _plain(value: Any) -> Any:
    """A cell as plain data that JSON can hold; None where it is missing."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if pd.isna(value):
        return None
    if isinstance(value, date):  # a Timestamp and a datetime are dates too
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _text(value: Any) -> str:
    """An id as text."""
    return "" if value is None else _written(value).strip()


def _written(value: Any) -> str:
    """A value as text; a whole number that a missing value elsewhere made a float is the integer it was."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _rows(places: Sequence[int]) -> str:
    """Row numbers in words, counted from 1."""
    named = ", ".join(map(str, places[:_NAMED_ROWS]))
    more = f" and {len(places) - _NAMED_ROWS} more" if len(places) > _NAMED_ROWS else ""
    return f"row{'s'[: len(places) > 1]} {named}{more}"
