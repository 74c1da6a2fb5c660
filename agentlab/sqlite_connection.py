"""A connection to an SQLite file that the threads of one process share, and what SQLite's errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Literal

__all__ = ["SharedConnection", "error_name", "meaning_of", "migrated_copy", "open_to_read"]


class SharedConnection:
    """One file, opened once by a process; any of its threads may use it, one at a time.

    Args:
        connection: To the file; without transactions of its own (`isolation_level=None`), and for any thread. It is
            closed by `close`.
        path: The file.
        read_only: Whether it was opened so that nothing of the file may change.
        explained: Turns what SQLite raises in its block into the errors of whoever uses the file.
        refusal: The error of using what is closed, or was opened by a parent process.
        what: What the file is called in these errors, such as `store`.
        child: What a forked process is called in them.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        read_only: bool,
        explained: Callable[[Literal["read", "written"]], AbstractContextManager[None]],
        refusal: Callable[[str], Exception],
        what: str,
        child: str = "process",
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = connection
        self._explained = explained
        self._refusal = refusal
        self._what = what
        self._child = child

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries that belong together: all see the file at one moment."""
        with self._lock, self._explained("read"):
            connection = self._open()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that writes: committed at the end, undone if anything fails."""
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
        """Close the file; a writer merges its log into it. Closing twice is no harm."""
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
            raise self._refusal(f"the {self._what} {self.path} is closed; open it again")
        if self._process != os.getpid():
            # https://www.sqlite.org/howtocorrupt.html section 2.6
            raise self._refusal(
                f"{self.path} was opened by the parent process; a forked {self._child} opens it for itself"
            )
        return self._connection


def open_to_read(path: Path, checked: Callable[[str], sqlite3.Connection]) -> sqlite3.Connection:
    """Open a file to read it, also where its folder may not be written.

    Args:
        path: The file; there is one.
        checked: Opens an address (a `file:` URI) and looks whether what is there can be read.

    Raises:
        sqlite3.Error: It cannot be opened, or not be read.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return checked(address)
    except sqlite3.OperationalError as error:
        log = path.with_name(f"{path.name}-wal")
        denied = error_name(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))
        if not denied or (log.exists() and log.stat().st_size):
            raise
        # In a folder that may not be written SQLite cannot make the files it shares; nobody writes there either.
        return checked(f"{address}&immutable=1")


def migrated_copy(
    connection: sqlite3.Connection, copy: sqlite3.Connection, migrate: Callable[[sqlite3.Connection], object]
) -> sqlite3.Connection:
    """An older file, brought to the newest schema in memory, since the file itself is not to be written.

    Args:
        connection: To the file; closed afterwards.
        copy: To an empty database in memory.
        migrate: Brings the copy to the newest schema, in a transaction.

    Returns:
        The copy.
    """
    connection.backup(copy)
    connection.close()
    try:
        copy.execute("BEGIN")
        migrate(copy)
        copy.execute("COMMIT")
    except BaseException:
        copy.close()
        raise
    return copy


_MEANINGS: Final = {
    "SQLITE_FULL": "the disk is full. Free some space and go on; {safe}",
    "SQLITE_IOERR": "the disk did not take or give the bytes (full, at its quota, removed or faulty); {safe}",
    "SQLITE_READONLY": "the file or its folder may not be written; change its permissions, "
    "or open it with read_only=True",
    "SQLITE_CANTOPEN": "its folder does not let SQLite make or open the file; check the permissions",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy",
    "SQLITE_PERM": "its permissions do not allow it",
    "SQLITE_AUTH": "its permissions do not allow it",
}


def meaning_of(error: sqlite3.Error, *, safe: str, own: Mapping[str, str]) -> str:
    """What an error of SQLite's means to a user, with its own words behind.

    Args:
        error: The error.
        safe: What is safe though the disk failed, as a clause.
        own: Meanings that only this kind of file has, by the names of the errors.
    """
    name = error_name(error)
    meanings = {**_MEANINGS, **own}
    found = next((meaning for kind, meaning in meanings.items() if name.startswith(kind)), None)
    return f"{found.replace('{safe}', safe)} ({error})" if found else f"{error}"


def error_name(error: sqlite3.Error) -> str:
    """The name that SQLite has for an error, such as `SQLITE_BUSY`; empty where it is not SQLite's."""
    return getattr(error, "sqlite_errorname", None) or ""
