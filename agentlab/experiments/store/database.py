"""A connection to a store's file: how it is opened, locked and written, and what SQLite's errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from agentlab.errors import StoreError, StoreUnusable, StoreWriteFailed
from agentlab.experiments.store.schema import SCHEMA_VERSION, migrate, version_of

__all__ = ["Database", "Synchronous"]

Synchronous = Literal["normal", "full"]
"""When a commit is safe: `normal` from a killed process, `full` from a power cut too (a sync a row, ~20 times dearer)."""

_BUSY_S: Final = 30.0  # how long to wait for another process that writes
_LOG_PAGES: Final = 4000  # 16 MB of log before it is merged: one sync of the disk in some hundred rows
_ATTEMPTS: Final = 40  # at turning the log on, about eight seconds in all


class Database:
    """One SQLite file, opened once by a process; any of its threads may use it, one at a time.

    Write-ahead logging lets other processes read while one writes, and makes two that write wait for each other. It
    needs a local disk: it is not safe on a network file system, where workers write segments instead.
    """

    def __init__(self, path: Path, *, read_only: bool, synchronous: Synchronous) -> None:
        self.path = path
        self.read_only = read_only
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        with _opening(path):
            self._connection = _read_only(path) if read_only else _writable(path, synchronous)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries that belong together: all see the store at one moment."""
        with self._lock, self._explained("read"):
            connection = self._open()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that writes: committed at the end, undone if anything fails."""
        if self.read_only:
            raise StoreWriteFailed(f"{self.path} was opened read-only; open it with read_only=False to write")
        with self._lock, self._explained("written"):
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.rollback()
                raise

    def close(self) -> None:
        """Close the file and merge its log into it. Closing twice is no harm."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._process == os.getpid():
                connection.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._connection is None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"the store {self.path} is closed; open it again")
        if self._process != os.getpid():
            # https://www.sqlite.org/howtocorrupt.html section 2.6
            raise StoreError(
                f"{self.path} was opened by the parent process; a forked worker opens it for itself"
            )
        return self._connection

    @contextmanager
    def _explained(self, done: Literal["read", "written"]) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = StoreWriteFailed if done == "written" else StoreError
            raise kind(f"{self.path} could not be {done}: {_meaning(error)}") from error


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
            if not _name(error).startswith("SQLITE_BUSY") or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.01 * (attempt + 1))
        else:
            return


def _read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StoreUnusable(
            f"there is no store {path}; check the name, or open it with read_only=False to make it"
        )
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _readable(address, str(path))
    except sqlite3.OperationalError as error:
        log = path.with_name(path.name + "-wal")
        denied = _name(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))
        if not denied or (log.exists() and log.stat().st_size):
            raise
        # In a folder that may not be written SQLite cannot make the files it shares; nobody writes there either.
        return _readable(f"{address}&immutable=1", str(path))


def _readable(address: str, path: str) -> sqlite3.Connection:
    connection = _connect(address)
    try:
        if version_of(connection, path) < SCHEMA_VERSION:
            connection = _migrated_copy(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrated_copy(connection: sqlite3.Connection, path: str) -> sqlite3.Connection:
    """An older store, brought to the newest schema in memory, since its file is not to be written."""
    copy = _connect(":memory:")
    connection.backup(copy)
    connection.close()
    copy.execute("BEGIN")
    migrate(copy, path)
    copy.execute("COMMIT")
    return copy


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(
        address,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


_MEANINGS: Final = {
    "SQLITE_FULL": "the disk is full. Free some space and go on; every row stored before is safe",
    "SQLITE_IOERR": "the disk did not take or give the bytes (full, at its quota, removed or faulty); "
    "every row stored before is safe",
    "SQLITE_READONLY": "the file or its folder may not be written; change its permissions, "
    "or open it with read_only=True",
    "SQLITE_CANTOPEN": "its folder does not let SQLite make or open the file; check the permissions",
    "SQLITE_NOTADB": "it is no SQLite database; name another file",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy",
    "SQLITE_BUSY": f"another process held it for more than {_BUSY_S:.0f} seconds; wait for that process, or end it",
    "SQLITE_PERM": "its permissions do not allow it",
    "SQLITE_AUTH": "its permissions do not allow it",
    "SQLITE_TOOBIG": "a text in the row is longer than SQLite takes (a billion bytes)",
}


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def _meaning(error: sqlite3.Error) -> str:
    name = _name(error)
    found = next((meaning for kind, meaning in _MEANINGS.items() if name.startswith(kind)), None)
    return f"{found} ({error})" if found else f"{error}"
