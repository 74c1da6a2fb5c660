"""A connection to a session's file: how it is made, opened and written, and what SQLite's errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from agentlab.errors import SessionCorrupt, SessionError, SessionNotFound, SessionUnusable, SessionWriteFailed
from agentlab.sessions.schema import SCHEMA_VERSION, check_schema, migrate
from agentlab.sqlite_connection import SharedConnection, error_name, meaning_of, migrated_copy, open_to_read

__all__ = ["Database", "check_pages", "explained", "make_database"]

_BUSY_S: Final = 5.0  # readers hardly ever wait: for the moment in which a log is begun or ended
_WRITE_AHEAD: Final = "wal"
_SMALLEST: Final = 512  # bytes of the smallest page; no database is less


class Database(SharedConnection):
    """One file, opened once by a process; any of its threads may use it, one at a time.

    Only who holds the writer's lock may open it for writing. Readers and the writer do not wait for each other.

    Args:
        path: The file.
        read_only: Whether nothing of it may change.

    Raises:
        SessionNotFound: There is no such file.
        SessionCorrupt: It is damaged, or no session.
        SessionUnusable: It cannot be opened so.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        with explained(path, "opened"):
            if not path.is_file():
                raise SessionNotFound(f"there is no session {path}")
            if (
                path.stat().st_size < _SMALLEST
            ):  # SQLite would take it for new, and throw away the log beside it
                raise SessionCorrupt("it is empty, or almost; restore it from a copy")
            connection = _readable(path) if read_only else _writable(path)
        super().__init__(
            connection,
            path,
            read_only=read_only,
            explained=partial(explained, path),
            refusal=SessionUnusable,
            what="session",
        )


def make_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a file with its first rows; it appears under its name whole, or not at all.

    Args:
        path: Where; nothing may be there.
        fill: Writes the first rows.

    Raises:
        SessionUnusable: There is something already, or the folder cannot be written.
        SessionWriteFailed: The disk did not take it.
    """
    if (
        path.exists() or path.with_name(f"{path.name}-wal").exists()
    ):  # a log left behind would be read into the new file
        raise SessionUnusable(f"there is something at {path} already; nothing was changed")
    made = path.with_suffix(".making")
    _remove(made)
    try:
        with explained(path, "written"):
            connection = _connect(made.absolute().as_uri())
            try:
                connection.execute(f"PRAGMA journal_mode = {_WRITE_AHEAD}")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                migrate(connection, 0)
                fill(connection)
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()
        _put(made, path)
    finally:
        _remove(made)


def _put(made: Path, path: Path) -> None:
    try:
        os.link(made, path)
    except FileExistsError:
        raise SessionUnusable(f"there is something at {path} already; nothing was changed") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise SessionUnusable(f"there is something at {path} already; nothing was changed") from None
        try:
            made.replace(path)
        except OSError as error:
            raise SessionWriteFailed(f"{path} cannot be made: {error.strerror or error}") from error
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Not every system can sync a folder; those that cannot need none.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(made: Path) -> None:
    for end in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            made.with_name(made.name + end).unlink(missing_ok=True)


def _writable(path: Path) -> sqlite3.Connection:
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        version = check_schema(connection, str(path))
        check_pages(connection, "quick_check")  # writing to pages out of order would make it worse
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA user_version = {version}")  # refused where the file may not be written
        connection.rollback()
        # A file system without shared memory refuses the log; its journal is slower and as safe.
        connection.execute(f"PRAGMA journal_mode = {_WRITE_AHEAD}")
        connection.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            connection.execute("BEGIN IMMEDIATE")
            migrate(connection, version)
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def check_pages(connection: sqlite3.Connection, how: str = "integrity_check") -> None:
    """Let SQLite look through the file.

    Args:
        connection: To the file.
        how: `integrity_check`, or `quick_check`, which leaves out whether the indexes fit.

    Raises:
        SessionCorrupt: Its pages are out of order.
    """
    told = [str(row[0]) for row in connection.execute(f"PRAGMA {how}(3)")]
    if told != ["ok"]:
        raise SessionCorrupt(f"its pages are out of order ({'; '.join(told)}); restore it from a copy")


def _readable(path: Path) -> sqlite3.Connection:
    return open_to_read(path, lambda address: _checked(address, path))


def _checked(address: str, path: Path) -> sqlite3.Connection:
    connection = _connect(address)
    try:
        version = check_schema(connection, str(path))
        if version < SCHEMA_VERSION:
            connection = migrated_copy(connection, _connect(":memory:"), lambda copy: migrate(copy, version))
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    # Whatever a file defines is not trusted to call anything, and its pages are looked at before they are used.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


_SAFE: Final = "every entry acknowledged before is safe"
_DAMAGED: Final = "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_MISMATCH", "SQLITE_CONSTRAINT"
_MEANINGS: Final = {
    "SQLITE_NOTADB": "it is no SQLite database",
    "SQLITE_BUSY": f"another program held it for more than {_BUSY_S:.0f} seconds; end that program",
    "SQLITE_TOOBIG": "a text in it is longer than SQLite takes (a billion bytes)",
}


@contextmanager
def explained(path: Path, done: str) -> Iterator[None]:
    """Turn SQLite's errors into ours, and name the file in them.

    Args:
        path: The file.
        done: What was done to it: `opened`, `read` or `written`.
    """
    try:
        yield
    except SessionCorrupt as error:
        if str(path) in str(error):
            raise
        raise SessionCorrupt(f"{path} could not be {done}: {error}") from error
    except UnicodeError as error:  # a message of SQLite's that quotes damaged names
        raise SessionCorrupt(f"{path} could not be {done}: {error}") from error
    except OSError as error:
        kind = SessionWriteFailed if done == "written" else SessionUnusable
        raise kind(f"{path} could not be {done}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        meaning = meaning_of(error, safe=_SAFE, own=_MEANINGS)
        message = f"{path} could not be {done}: {meaning}"
        raise _kind(error_name(error), done)(message) from error


def _kind(name: str, done: str) -> type[SessionError]:
    if name.startswith(_DAMAGED) or not name:
        return SessionCorrupt
    if done == "written":
        return SessionWriteFailed
    # What is asked of a file is always the same: if it cannot be asked, the file is not what it should be.
    return SessionCorrupt if name == "SQLITE_ERROR" else SessionUnusable
