"""A connection that threads share: turns, transactions, forks, and what SQLite's errors mean."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agentlab.sqlite_connection import SharedConnection, meaning_of, migrated_copy, open_to_read


class Refused(Exception):
    """What is raised in the place of SQLite's errors."""


@contextmanager
def explained(done: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Refused(f"not {done}") from error


def connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, isolation_level=None, check_same_thread=False, uri=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(connect(str(tmp_path / "a.db"))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE counted (n INTEGER)")
        connection.execute("INSERT INTO counted VALUES (0)")
    return tmp_path / "a.db"


@pytest.fixture
def shared(path: Path) -> Iterator[SharedConnection]:
    made = SharedConnection(
        connect(str(path)), path, read_only=False, explained=explained, refusal=Refused, what="ledger"
    )
    with closing(made):
        yield made


def count(connection: sqlite3.Connection) -> int:
    (n,) = connection.execute("SELECT n FROM counted").fetchone()
    return int(n)


def test_threads_write_one_after_the_other(shared: SharedConnection) -> None:
    def add() -> None:
        for _ in range(50):
            with shared.writing() as connection:
                connection.execute("UPDATE counted SET n = ?", (count(connection) + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with shared.reading() as connection:
        assert count(connection) == 200


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError(), sqlite3.OperationalError()])
def test_what_fails_is_undone_and_the_next_transaction_works(
    shared: SharedConnection, failure: BaseException
) -> None:
    with pytest.raises(Refused if isinstance(failure, sqlite3.Error) else type(failure)):  # noqa: PT012, SIM117
        with shared.writing() as connection:
            connection.execute("UPDATE counted SET n = 7")
            raise failure
    with shared.reading() as connection:
        assert count(connection) == 0
    with shared.writing() as connection:
        connection.execute("UPDATE counted SET n = 8")
    with shared.reading() as connection:
        assert count(connection) == 8


def test_queries_that_belong_together_see_one_moment(shared: SharedConnection, path: Path) -> None:
    with closing(connect(str(path))) as other:
        with shared.reading() as connection:
            assert count(connection) == 0
            other.execute("UPDATE counted SET n = 1")
            assert count(connection) == 0
        with shared.reading() as connection:
            assert count(connection) == 1


def test_reading_writes_nothing(shared: SharedConnection) -> None:
    with shared.reading() as connection:
        connection.execute("UPDATE counted SET n = 1")
    with shared.reading() as connection:
        assert count(connection) == 0


def test_what_is_closed_is_not_used_and_may_be_closed_again(shared: SharedConnection, path: Path) -> None:
    states = [shared.closed]
    for _ in range(2):
        shared.close()
        states.append(shared.closed)
    assert states == [False, True, True]
    for use in (shared.reading, shared.writing):
        with pytest.raises(Refused, match=rf"the ledger {path} is closed; open it again"), use():
            pass


def test_a_child_process_neither_uses_nor_closes_what_its_parent_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(str(path))
    shared = SharedConnection(
        connection, path, read_only=True, explained=explained, refusal=Refused, what="ledger", child="worker"
    )
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    for use in (shared.reading, shared.writing):
        with pytest.raises(Refused, match="a forked worker opens it for itself"), use():
            pass
    shared.close()
    assert count(connection) == 0  # the parent's is open still
    connection.close()


class Denied(sqlite3.OperationalError):
    """A file system that lets nobody make the files beside the database."""

    sqlite_errorname = "SQLITE_CANTOPEN_DIRTYWAL"


def denying(address: str) -> sqlite3.Connection:
    if "immutable" not in address:
        raise Denied
    return connect(address)


def test_where_nothing_may_be_made_the_file_is_taken_for_unchanging_unless_there_is_a_log(path: Path) -> None:
    with closing(open_to_read(path, denying)) as connection:
        assert count(connection) == 0
    path.with_name("a.db-wal").write_bytes(b"what a writer has not merged")
    with pytest.raises(Denied):
        open_to_read(path, denying)


def test_an_older_file_is_migrated_in_memory_and_not_on_the_disk(path: Path) -> None:
    before = path.read_bytes()
    older = connect(str(path))
    with closing(
        migrated_copy(older, connect(":memory:"), lambda copy: copy.execute("UPDATE counted SET n = 2"))
    ) as copy:
        assert count(copy) == 2
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        count(older)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_nothing_open(path: Path) -> None:
    copy = connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        migrated_copy(connect(str(path)), copy, lambda copy: copy.execute("UPDATE none SET n = 2"))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        count(copy)


def error_of(name: str | None) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("SQLite's words")
    if name is not None:
        error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_FULL", r"^the disk is full\. Free some space and go on; all is well \(SQLite's words\)$"),
        ("SQLITE_IOERR_WRITE", r"removed or faulty\); all is well \("),
        ("SQLITE_READONLY_DIRECTORY", "open it with read_only=True"),
        ("SQLITE_BUSY_SNAPSHOT", r"^it is held \("),
        ("SQLITE_LOCKED", "^SQLite's words$"),
        (None, "^SQLite's words$"),
    ],
)
def test_an_error_says_what_it_means_for_the_file(name: str | None, said: str) -> None:
    own = {"SQLITE_BUSY": "it is held"}
    told = meaning_of(error_of(name), safe="all is well", own=own)
    assert re.search(said, told), told
