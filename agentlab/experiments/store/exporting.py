"""A sweep's frames as Parquet files, and questions to them in SQL."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from agentlab.errors import MissingExtra, StoreWriteFailed, UsageError

__all__ = ["from_parquet", "sql", "to_parquet"]


def to_parquet(
    frames: Mapping[str, pd.DataFrame], folder: str | PathLike[str], *, partition_by: str | None = None
) -> list[Path]:
    """Write frames as Parquet: `<name>.parquet` each, or `<name>/<column>=<value>/part.parquet` where partitioned.

    A file appears whole or not at all. Columns keep their types, categories their order, `df.attrs` its content.

    Args:
        frames: Name to frame, such as `runs`, `turns` and `messages`.
        folder: Where to; made where it does not exist.
        partition_by: A column, such as `sweep_id`; frames that lack it are written in one file.

    Returns:
        The files.

    Raises:
        MissingExtra: `pyarrow` is not installed.
        StoreWriteFailed: The folder cannot be written.
        UsageError: A frame's name is no file name, or no frame has the column.
    """
    _need("pyarrow", "parquet")
    for name in frames:
        _checked(name)
    if partition_by is not None and not any(partition_by in frame.columns for frame in frames.values()):
        raise UsageError(f"no frame has a column {partition_by!r} to partition by")
    written: list[Path] = []
    for name, frame in frames.items():
        storable = _storable(frame)
        if partition_by is None or partition_by not in frame.columns:
            written.append(_write(storable, Path(folder) / f"{name}.parquet"))
            continue
        for value, part in storable.groupby(partition_by, observed=True, sort=True, dropna=False):
            place = Path(folder) / name / f"{partition_by}={_safe(value)}" / "part.parquet"
            written.append(_write(part, place))
    return written


def from_parquet(folder: str | PathLike[str]) -> dict[str, pd.DataFrame]:
    """Read what `to_parquet` wrote.

    Args:
        folder: The folder.

    Returns:
        Name to frame; partitioned frames are put together again, in the order of their folders.

    Raises:
        MissingExtra: `pyarrow` is not installed.
        UsageError: The folder has no frame in it.
    """
    _need("pyarrow", "parquet")
    files: dict[str, list[Path]] = {}
    for path in sorted(Path(folder).rglob("*.parquet")):
        files.setdefault(path.relative_to(folder).parts[0].removesuffix(".parquet"), []).append(path)
    if not files:
        raise UsageError(f"there is no Parquet file in {folder}")
    return {name: _joined([pd.read_parquet(path) for path in paths]) for name, paths in files.items()}


def sql(query: str, frames: Mapping[str, pd.DataFrame | str | PathLike[str]]) -> pd.DataFrame:
    """Ask frames or Parquet files in SQL, by DuckDB.

    Args:
        query: DuckDB's SQL; the frames are its tables.
        frames: Table name to frame, or to a Parquet file or folder of them.

    Returns:
        The answer.

    Raises:
        MissingExtra: `duckdb` is not installed.
        UsageError: The query is refused; the message is DuckDB's, with the tables there are.
    """
    _need("duckdb", "duckdb")
    import duckdb  # noqa: PLC0415 - an extra

    # No extension is fetched: what a query can do must not depend on a network.
    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with closing(duckdb.connect(":memory:", config=offline)) as connection:
        for name, frame in frames.items():
            _checked(name)
            if isinstance(frame, pd.DataFrame):
                connection.register(name, frame)
            else:
                connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {_parquet(Path(frame))}')  # noqa: S608 - checked and quoted
        try:
            return connection.execute(query).df()
        except duckdb.Error as error:
            raise UsageError(f"{error}\n(tables: {', '.join(frames) or 'none'})") from error


def _parquet(path: Path) -> str:
    if not path.exists():
        raise UsageError(f"there is no Parquet file or folder {path}")
    place = str(path / "**" / "*.parquet" if path.is_dir() else path).replace("'", "''")
    return f"read_parquet('{place}', hive_partitioning = false, union_by_name = true)"


def _write(frame: pd.DataFrame, path: Path) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(unfinished, engine="pyarrow")
        unfinished.replace(path)
    except OSError as error:
        raise StoreWriteFailed(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns of mixed Python objects as JSON text: a Parquet column has one type."""
    mixed = [name for name in frame.columns if frame[name].dtype == object and not _of_one_type(frame[name])]
    return (
        frame.assign(**{name: frame[name].map(_as_json, na_action="ignore") for name in mixed})
        if mixed
        else frame
    )


def _of_one_type(column: pd.Series[Any]) -> bool:
    kinds = {type(value) for value in column if value is not None}
    return len(kinds) <= 1 and not kinds & {dict}


def _as_json(value: object) -> str:
    return json.dumps(value, default=str)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    joined = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    joined.attrs = dict(parts[0].attrs)
    return joined


def _checked(name: str) -> None:
    if not name.isidentifier():
        raise UsageError(f"{name!r} is no name for a frame; use letters, digits and underscores")


def _safe(value: object) -> str:
    """A value as the name of a folder."""
    return "".join(sign if sign.isalnum() or sign in "-_." else f"%{ord(sign):02X}" for sign in str(value))


def _need(package: str, extra: str) -> None:
    try:
        __import__(package)
    except ImportError as error:
        raise MissingExtra(f"this needs `{package}`: pip install 'agentlab[{extra}]'") from error
