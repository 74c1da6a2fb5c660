"""A connection to a store's file: how it is opened, locked and written, and what SQLite's errors mean to a user."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal

from agentlab.errors import StoreError, StoreUnusable, StoreWriteFailed
from agentlab.experiments.store.schema import SCHEMA_VERSION, migrate, version_of
from agentlab.sqlite_connection import SharedConnection, error_name, meaning_of, migrated_copy, open_to_read

__all__ = ["Database", "Synchronous"]

Synchronous = Literal["normal", "full"]
"""When a commit is safe: `normal` from a killed process, `full` from a power cut too (a sync a row, ~20 times dearer)."""

_BUSY_S: Final = 30.0  # how long to wait for another process that writes
_LOG_PAGES: Final = 4000  # 16 MB of log before it is merged: one sync of the disk in some hundred rows
_ATTEMPTS: Final = 40  # at turning the log on, about eight seconds in all


class Database(SharedConnection):
    """One SQLite file, opened once by a process; any of its threads may use it, one at a time.

    Write-ahead logging lets other processes read while one writes, and makes two that write wait for each other. It
    needs a local disk: it is not safe on a network file system, where workers write segments instead.
    """

    def __init__(self, path: Path, *, read_only: bool, synchronous: Synchronous) -> None:
        with _opening(path):
            connection = _read_only(path) if read_only else _writable(path, synchronous)
        super().__init__(
            connection,
            path,
            read_only=read_only,
            explained=partial(_explained, path),
            refusal=StoreError,
            what="store",
            child="worker",
        )

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that writes: committed at the end, undone if anything fails."""
        if self.read_only:
            raise StoreWriteFailed(f"{self.path} was opened read-only; open it with read_only=False to write")
        with super().writing() as connection:
            yield connection


@contextmanager
def _explained(path: Path, done: Literal["read", "written"]) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        kind = StoreWriteFailed if done == "written" else StoreError
        raise kind(f"{path} could not be {done}: {_meaning(error)}") from error


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    if path.is_dir():
        raise StoreUnusable(f"{path} is a folder; a store is one file, such as {path / 'runs.agentlab.db'}")
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path} cannot be opened as a store: {_meaning(error)}") from error


def _writable(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    if not path.parent.is_dir():
        raise StoreUnusable(f"there is no folder {path.parent}; make it, or put the store elsewhere")
    connection = _connect(path.absolute().as_uri())
    try:
        version_of(connection, str(path))  # refused before a byte of the file is changed
        _log_ahead(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection, str(path))
        # A write that reaches the file, so that a full or read-only disk is known before anything is paid for.
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('probe', 'null')")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()  # undoes what was not committed
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn write-ahead logging on. SQLite does not wait for a lock there, so two that open at once try again."""
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not error_name(error).startswith("SQLITE_BUSY") or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.01 * (attempt + 1))
        else:
            return


def _read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StoreUnusable(
            f"there is no store {path}; check the name, or open it with read_only=False to make it"
        )
    return open_to_read(path, lambda address: _readable(address, str(path)))


def _readable(address: str, path: str) -> sqlite3.Connection:
    connection = _connect(address)
    try:
        if version_of(connection, path) < SCHEMA_VERSION:
            connection = migrated_copy(connection, _connect(":memory:"), lambda copy: migrate(copy, path))
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(
        address,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


_SAFE: Final = "every row stored before is safe"
_MEANINGS: Final = {
    "SQLITE_NOTADB": "it is no SQLite database; name another file",
    "SQLITE_BUSY": f"another process held it for more than {_BUSY_S:.0f} seconds; wait for that process, or end it",
    "SQLITE_TOOBIG": "a text in the row is longer than SQLite takes (a billion bytes)",
}


def _meaning(error: sqlite3.Error) -> str:
    return meaning_of(error, safe=_SAFE, own=_MEANINGS)
