"""Rows of a file: CSV, JSONL, JSON, Parquet. What cannot be read is said with its line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from agentlab.errors import MissingExtra, UsageError

__all__ = ["SUFFIXES", "read_file"]


def read_file(path: Path, texts: frozenset[str]) -> pd.DataFrame:
    """The rows of a file.

    Args:
        path: The file; its suffix says what it is.
        texts: Columns whose values stay the text they are written as in a CSV file. In the others, a column of
            numbers becomes numbers.

    Raises:
        UsageError: There is no such file, its kind is unknown, or it cannot be read; the message names the line.
        MissingExtra: It is Parquet, and pyarrow is not installed.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UsageError(f"the dataset `{path}` {what}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"the dataset `{path}` has the suffix {path.suffix!r}; these can be read: {', '.join(SUFFIXES)}"
        )
    try:
        return reader(path, texts)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the dataset `{path}` is not UTF-8 (byte {error.start} of a piece is {error.object[error.start]:#04x}); "
            "save it as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(f"the dataset `{path}` cannot be read: {error.strerror or error}") from None


def _csv(path: Path, texts: frozenset[str]) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as opened:
        lines = csv.reader(opened, strict=True, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        try:
            names = next(lines, [])
            rows = [row for row in _of_equal_length(path, names, lines) if row]
        except csv.Error as error:
            hint = "; cells this long fit in JSONL or Parquet" if "limit" in str(error) else ""
            raise UsageError(f"{path}, line {lines.line_num}: {error}{hint}") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path}, line 1: the column `{twice[0]}` is there twice; rename one of them")
    # An empty cell is a missing value; the words `NA` and `null` are words.
    frame = pd.DataFrame([[cell or None for cell in row] for row in rows], columns=names, dtype=object)
    for name in frame.columns.difference(list(texts)):
        frame[name] = _numbers(frame[name])
    return frame


def _of_equal_length(path: Path, names: list[str], lines: Any) -> Iterator[list[str]]:
    for row in lines:
        if row and len(row) != len(names):
            raise UsageError(
                f"{path}, line {lines.line_num}: {len(row)} cells where the header has {len(names)}; is a comma in a "
                "text not quoted?"
            )
        yield row


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as numbers where all its values are; codes with leading zeros are none."""
    values = [value for value in column if value is not None]
    if not values or any(len(value) > 1 and value[0] == "0" and value[1].isdigit() for value in values):
        return column
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column


def _jsonl(path: Path, _texts: frozenset[str]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    with path.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            written = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not written:
                continue
            row = _parsed(written, f"{path}, line {number}")
            if not isinstance(row, dict):
                raise UsageError(f"{path}, line {number}: a row is a JSON object, not {_kind(row)}")
            rows.append(row)
    return _framed(rows)


def _json(path: Path, _texts: frozenset[str]) -> pd.DataFrame:
    rows = _parsed(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), str(path))
    if not isinstance(rows, list):
        raise UsageError(
            f"{path}: a JSON dataset is a list of objects, not {_kind(rows)}; one object a line is JSONL"
        )
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UsageError(f"{path}, item {number}: a row is a JSON object, not {_kind(row)}")
    return _framed(rows)


def _parsed(written: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(written)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where}: not JSON: {error}") from None


def _framed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame, values as they are: an integer stays one where another row has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _parquet(path: Path, _texts: frozenset[str]) -> pd.DataFrame:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtra(f"reading `{path}` needs pyarrow: pip install 'agentlab[parquet]'") from None
    try:
        return _framed(parquet.read_table(path).to_pylist())
    except ArrowException as error:
        raise UsageError(f"{path}: not readable as Parquet: {error}") from None


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "an object", str: "a text", type(None): "null", bool: "true or false"}
    return names.get(type(value), "a number")


_READERS: Final[dict[str, Callable[[Path, frozenset[str]], pd.DataFrame]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    ".pq": _parquet,
}
SUFFIXES: Final = tuple(_READERS)
