"""The tables of a file: older ones are brought forward, newer and foreign ones are refused, and nothing in them acts."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agentlab.errors import SessionCorrupt, SessionUnusable
from agentlab.messages import UserMessage
from agentlab.sessions import Configured, Session, Titled, UserSaid, digest_of
from agentlab.sessions import database as database_module
from agentlab.sessions.schema import SCHEMA_VERSION, STEPS, check_schema, migrate
from tests.sessions.scripted import one_of_each
from tests.sessions.version_1 import FULL_TEXT, make_version_1

LATER = (
    *STEPS,
    ("CREATE TABLE starred (entry INTEGER PRIMARY KEY) STRICT", "ALTER TABLE contents ADD COLUMN seen REAL"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Session.create(tmp_path / "a.sqlite") as session:
        session.append(*one_of_each())
    return session.path


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, open to whoever wants to do it harm."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_a_file_of_version_1_is_read_and_written_today(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    make_version_1(path)
    for read_only in (True, False):
        with Session(path, read_only=read_only) as session:
            session.check()
            assert (session.title, session.tags, session.branch) == ("Of version 1", ("old",), "other")
            assert session.config == {"model": "openai:gpt-5.6"}
            assert [message.text for message in session.history() if isinstance(message, UserMessage)] == [
                "Größe?",
                "Or so?",
            ]
            assert len(session.history("main")) == 3
            assert list(session.texts().values()) == [FULL_TEXT]
            assert session.df["cost_usd"].isna().all()
    with Session(path) as session:
        assert session.append(UserSaid(UserMessage.of("Now."))) == (9,)
        session.check()


def test_the_newest_version_makes_what_a_new_file_holds(path: Path, tmp_path: Path) -> None:
    make_version_1(tmp_path / "old.sqlite")
    schemas = []
    for name in (path, tmp_path / "old.sqlite"):
        Session(name).close()  # brings it forward
        with changing(name) as connection:
            schemas.append(set(connection.execute("SELECT type, name, sql FROM sqlite_master")))
            assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert schemas[0] == schemas[1]


@pytest.fixture
def of_a_later_agentlab(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more step than there is."""
    monkeypatch.setattr(database_module, "SCHEMA_VERSION", len(LATER))
    monkeypatch.setattr(
        database_module, "check_schema", lambda connection, path: check_schema(connection, path, LATER)
    )
    monkeypatch.setattr(
        database_module, "migrate", lambda connection, version: migrate(connection, version, LATER)
    )


@pytest.mark.usefixtures("of_a_later_agentlab")
def test_a_writer_brings_an_older_file_forward_and_keeps_every_entry(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    make_version_1(path)
    with Session(path, read_only=True) as session:
        before = session.all_entries()
    with Session(path) as session:
        assert session.all_entries() == before
        session.append(Titled("newer"))
    with changing(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(LATER),)
        assert connection.execute("SELECT count(*) FROM starred").fetchone() == (0,)
    with Session(path, read_only=True) as session:
        assert session.title == "newer"
        session.check()


@pytest.mark.usefixtures("of_a_later_agentlab")
def test_a_reader_of_an_older_file_leaves_every_byte_of_it(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    make_version_1(path)
    before = path.read_bytes()
    with Session(path, read_only=True) as session:
        assert (session.title, len(session.history())) == ("Of version 1", 2)
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_the_older_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.sqlite"
    make_version_1(path)
    broken = (
        *STEPS,
        ("CREATE TABLE starred (entry INTEGER) STRICT", "CREATE TABLE starred (again INTEGER) STRICT"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(database_module, "SCHEMA_VERSION", 2)
        patched.setattr(
            database_module, "migrate", lambda connection, version: migrate(connection, version, broken)
        )
        with pytest.raises(SessionCorrupt, match="already exists"):
            Session(path)
    with Session(path) as session:  # nothing of the step is left
        session.check()
        assert session.title == "Of version 1"


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_a_newer_agentlab_is_refused_and_left_alone(path: Path, read_only: bool) -> None:
    with changing(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    said = f"newer agentlab .session version {SCHEMA_VERSION + 1}; this one reads up to {SCHEMA_VERSION}"
    with pytest.raises(SessionUnusable, match=said):
        Session(path, read_only=read_only)
    assert path.read_bytes() == before


HOSTILE = {
    "a trigger that writes": "CREATE TRIGGER also AFTER INSERT ON entries BEGIN INSERT INTO contents VALUES ('x', x'00'); END",
    "a trigger that hides": "CREATE TRIGGER hide BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END",
    "a view": "CREATE VIEW sessions AS SELECT * FROM entries",
    "a table": "CREATE TABLE other (x)",
    "a virtual table": "CREATE VIRTUAL TABLE other USING fts5(x)",
    "an index with a function": "CREATE INDEX other ON entries (hex(data))",
    "no trigger": "DROP TRIGGER entries_not_deleted",
    "no index": "DROP INDEX entries_that_set",
    "no contents": "DROP TABLE contents",
    "another column": "ALTER TABLE entries ADD COLUMN more TEXT",
    "a column with a default that calls": "ALTER TABLE contents ADD COLUMN at TEXT DEFAULT CURRENT_TIMESTAMP",
    "a renamed table": "ALTER TABLE contents RENAME TO entries_",
    "statistics": "ANALYZE",
    "a view in the place of the table": "DROP TABLE entries; CREATE TABLE real_entries (id); "
    "CREATE VIEW entries AS SELECT 1 id, 0 branch, 0.0 at, 'titled' kind, 0 tokens, load_extension('x') data, 0 crc",
    "a table whose text only looks the same": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET "
    "sql = replace(sql, 'crc INTEGER NOT NULL', 'crc INTEGER NOT NULL AS (length(load_extension(data)))') WHERE name = 'entries'",
    "a table that is said twice": "PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM sqlite_master "
    "WHERE name = 'entries_not_updated'",
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("harm", HOSTILE)
def test_a_file_that_defines_anything_else_is_refused_and_left_alone(
    path: Path, harm: str, read_only: bool
) -> None:
    with changing(path) as connection:
        connection.executescript(HOSTILE[harm])
    before = path.read_bytes()
    with pytest.raises(SessionCorrupt, match=re.escape(str(path))):
        Session(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "a.sqlite"
    with changing(path) as connection:
        connection.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, url TEXT)")
    before = path.read_bytes()
    with pytest.raises(SessionCorrupt, match="an SQLite database of something else, not a session"):
        Session(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET data = '{}' WHERE id = 2", "entries are never changed"),
        ("UPDATE entries SET id = 900 WHERE id = 2", "entries are never changed"),
        ("DELETE FROM entries WHERE id = 2", "entries are never deleted"),
        ("INSERT OR REPLACE INTO entries VALUES (2, 0, 1.0, 'titled', 0, '{}', 0)", "appended, in order"),
        ("INSERT INTO entries VALUES (900, 0, 1.0, 'titled', 0, '{}', 0)", "appended, in order"),
        (
            "INSERT INTO entries VALUES (NULL, 0, 'now', 'titled', 0, '{}', 0)",
            "cannot store TEXT value in REAL",
        ),
        ("UPDATE contents SET text = x'00'", "contents are never changed"),
        ("DELETE FROM contents", "contents are never deleted"),
    ],
)
def test_the_file_itself_lets_nothing_be_changed_by_anybody(path: Path, statement: str, said: str) -> None:
    with Session(path) as session:
        session.append(Configured({}), texts={digest_of("kept"): "kept"})
        before, texts = session.all_entries(), session.texts()
    with changing(path) as connection, pytest.raises(sqlite3.IntegrityError, match=said):
        connection.execute(statement)
    with Session(path) as session:
        session.check()
        assert (session.all_entries(), session.texts()) == (before, texts)


def test_replacing_a_text_changes_nothing(path: Path) -> None:

    digest = digest_of("kept")
    with Session(path) as session:
        session.append(Configured({}), texts={digest: "kept"})
    with changing(path) as connection:
        connection.execute("INSERT OR REPLACE INTO contents VALUES (?, x'00')", (digest,))
    with Session(path, read_only=True) as session:
        assert session.text_of(digest) == "kept"


def test_a_connection_trusts_nothing_and_syncs_every_commit(path: Path) -> None:
    with Session(path) as session, session._database.reading() as connection:
        told = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "trusted_schema",
                "cell_size_check",
                "mmap_size",
                "recursive_triggers",
            )
        }
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
        "recursive_triggers": 1,
    }
