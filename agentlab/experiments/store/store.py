"""The store of runs: one SQLite file, a commit for each finished run, resumable after `kill -9`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import msgspec

from agentlab.errors import StoreError, StoreWriteFailed, UsageError
from agentlab.experiments.rows import RunRow, RunStatus, ScoreRow
from agentlab.experiments.store.cell_key import CellKey
from agentlab.experiments.store.database import Database, Synchronous
from agentlab.experiments.store.fixture import Machine, copy_tables
from agentlab.experiments.store.ingesting import Ingested, ingest
from agentlab.experiments.store.packing import packed
from agentlab.experiments.store.reading import StoredCell, select_blob, select_cells, select_runs
from agentlab.experiments.store.segment import segments_folder
from agentlab.experiments.store.writing import insert_blob, insert_run, update_scores
from agentlab.http import Secret

__all__ = ["Store"]


class Store:
    """Every finished run of a sweep, once each, by the key of its cell.

    A row that `put` returned for is there after a killed process, and several processes may write. Any thread may
    call any method; calls wait for each other. From an asyncio loop that times what it does, hand a row to a thread,
    `await asyncio.to_thread(store.put, row, key)`: it costs a fraction of a millisecond, but once in some hundred rows
    the log is merged and the disk is waited for. Use it on a local disk; where workers share only a network folder,
    they write `Segment` files.

    The file is plain SQLite: tables `runs`, `turns`, `scores`, `messages`, `run_messages` with the columns of the
    frames, for any tool that reads it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(
        cls, path: str | PathLike[str], *, read_only: bool = False, synchronous: Synchronous = "normal"
    ) -> Self:
        """Open a store, or make one. Writes a little, so that what would fail later fails before money is spent.

        Args:
            path: The file; `*.agentlab.db` by custom. Its folder must exist.
            read_only: Never write to it, and fail where it does not exist; for replay.
            synchronous: `normal` survives a killed process; `full` a power cut as well, at a disk sync a row.

        Raises:
            StoreUnusable: The path is a folder or no store, may not be written, is damaged, or of a newer agentlab.
        """
        return cls(Database(Path(path), read_only=read_only, synchronous=synchronous))

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading alone."""
        return self._database.read_only

    def put(self, row: RunRow, key: CellKey | None = None, *, trace: str | None = None) -> bool:
        """Store a finished run, durably and whole. Putting it again changes nothing.

        A cell keeps its first run; only one that ended with an error gives way to one that did not, or to a later
        attempt.

        Args:
            row: The run.
            key: What its cell's key was made of; with it, a later replay can say what changed.
            trace: Its `Trace.to_json()`, where that is to be kept.

        Returns:
            Whether the run was stored; False where the cell already has one that stands.

        Raises:
            StoreWriteFailed: A full disk, a lock held too long, a read-only store. Nothing of the row was stored.
            UsageError: The key is another cell's.
        """
        blob = None if trace is None else packed(trace)
        with self._database.writing() as connection:
            stored = insert_run(connection, row, key)
            if stored and blob is not None:
                insert_blob(connection, row.cell_key, "trace", blob)
        return stored

    def get(self, keys: Iterable[str] | None = None, *, messages: bool = True) -> dict[str, RunRow]:
        """Read runs.

        Args:
            keys: Keys of the cells; all that are stored where None.
            messages: Whether with what the runs said; a frame of runs alone is read faster without.

        Returns:
            Key to run, in the order they were stored, for those that are there.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._database.reading() as connection:
            return select_runs(connection, keys, str(self.path), messages=messages)

    def statuses(self) -> dict[str, RunStatus]:
        """Key to how its run ended, for every stored cell; fast, for plans and for resuming."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT cell_key, status FROM runs ORDER BY run").fetchall()
        return dict(found)

    def cells(self) -> list[StoredCell]:
        """Which cells are stored and what their keys were made of, for strict replay."""
        with self._database.reading() as connection:
            return select_cells(connection)

    def ingest_segments(self) -> Ingested:
        """Move what workers wrote to segments beside the store into it; see `Segment`.

        Call it as often as you like, also while workers write: a run is stored once.

        Returns:
            How many runs were stored, were known already, or could not be read.

        Raises:
            StoreWriteFailed: See `put`; what was moved before stays.
            StoreError: A segment cannot be read.
        """
        return ingest(self._database, segments_folder(self.path))

    def copy_for_fixture(
        self, path: str | PathLike[str], *, secrets: Iterable[Secret] = (), traces: bool = False
    ) -> Path:
        """Write a copy to commit beside a notebook, for strict replay.

        Keys, home folders and the machine's name are masked; the file has no log beside it, and the same runs give
        the same bytes. Read it with `Store.open(path, read_only=True)`, which leaves them as they are.

        Args:
            path: The new file; one that is there is replaced.
            secrets: Keys in use; others are found by their shape.
            traces: Whether to copy traces too, most of a store's bytes.

        Returns:
            The file.

        Raises:
            StoreUnusable: The folder does not exist.
            StoreWriteFailed: The copy cannot be written, or is the store itself.
        """
        if self.path.exists() and Path(path).exists() and self.path.samefile(path):
            raise StoreWriteFailed(f"{path} is the store itself; name another file for the copy")
        with self._database.reading() as connection:
            return copy_tables(connection, path, machine=Machine.this(), secrets=secrets, traces=traces)

    def put_scores(self, cell_key: str, scores: Sequence[ScoreRow]) -> None:
        """Store what scorers say of a stored run; a scorer's earlier verdict is replaced, other scorers' stand.

        Raises:
            StoreError: The run is not stored.
            StoreWriteFailed: See `put`.
        """
        with self._database.writing() as connection:
            update_scores(connection, cell_key, scores)

    def put_trace(self, cell_key: str, json_text: str) -> None:
        """Store the trace of a stored run, compressed; it replaces an earlier one.

        Args:
            cell_key: Key of the run's cell.
            json_text: `Trace.to_json()`.

        Raises:
            StoreError: The run is not stored.
            StoreWriteFailed: See `put`.
        """
        with self._database.writing() as connection:
            insert_blob(connection, cell_key, "trace", packed(json_text))

    def trace(self, cell_key: str) -> str | None:
        """The trace of a run, for `Trace.from_json`; None where none was stored.

        Raises:
            StoreError: Its bytes are damaged.
        """
        with self._database.reading() as connection:
            return select_blob(connection, cell_key, "trace", str(self.path))

    @property
    def meta(self) -> dict[str, Any]:
        """What was noted about the store itself, such as the prices its costs were made with; a copy."""
        with self._database.reading() as connection:
            noted = connection.execute(
                "SELECT name, value FROM meta WHERE name != 'probe' ORDER BY name"
            ).fetchall()
        return {name: msgspec.json.decode(value) for name, value in noted}

    def note(self, name: str, value: object) -> None:
        """Note something about the store, replacing what was noted under that name.

        Args:
            name: Its name.
            value: Anything JSON can hold.

        Raises:
            UsageError: JSON cannot hold the value.
            StoreWriteFailed: See `put`.
        """
        try:
            text = msgspec.json.encode(value).decode()
        except (TypeError, UnicodeEncodeError) as error:
            raise UsageError(f"what is noted under {name!r} is not JSON: {error}") from error
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, text))

    def __len__(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])

    def __contains__(self, cell_key: object) -> bool:
        with self._database.reading() as connection:
            return (
                connection.execute("SELECT 1 FROM runs WHERE cell_key = ?", (cell_key,)).fetchone()
                is not None
            )

    def __bool__(self) -> bool:
        return True  # an empty store is a store

    def __repr__(self) -> str:
        if self._database.closed:
            return f"Store({str(self.path)!r}, closed)"
        return f"Store({str(self.path)!r}, runs={len(self)}{', read_only=True' if self.read_only else ''})"

    def close(self) -> None:
        """Close the file. Closing twice is no harm; every stored row is safe without it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        raise StoreError("an open store is not sent to another process; send its path, and open it there")
