"""A store of an older version is brought forward, whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import StoreUnusable
from agentlab.experiments.store import Store
from agentlab.experiments.store import schema as schema_module
from agentlab.experiments.store.records import RunRecord, record_of
from agentlab.experiments.store.schema import SCHEMA_VERSION, STEPS, migrate
from tests.experiments.store.rows import key_of, run_of

ROWS = [run_of(sample) for sample in range(3)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as the first version made it, with rows in it."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("BEGIN")
        migrate(connection, str(path), STEPS[:1])
        for row in ROWS:
            record = record_of(row)
            marks = ", ".join("?" * len(record.run))
            connection.execute(
                f"INSERT INTO runs ({', '.join(RunRecord.columns)}) VALUES ({marks})", record.run
            )
            connection.executemany(
                "INSERT OR IGNORE INTO messages (hash, parent_hash, payload) VALUES (?, ?, ?)",
                record.messages,
            )
    return path


def state(path: Path) -> tuple[int, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return version, connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def test_an_older_store_is_migrated_and_keeps_its_rows(old: Path) -> None:
    assert state(old)[0] == 1
    with Store.open(old) as store:
        assert list(store.get().values()) == ROWS
        assert [cell.key for cell in store.cells()] == [None, None, None]
        assert store.put(run_of(9), key_of(9))
        assert store.cells()[-1].key == key_of(9)
    assert state(old)[0] == SCHEMA_VERSION


def test_a_migrated_store_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Store.open(old).close()
    Store.open(tmp_path / "new.db").close()
    assert state(old) == state(tmp_path / "new.db")


def test_an_older_store_is_read_without_changing_it(old: Path) -> None:
    before = old.read_bytes()
    with Store.open(old, read_only=True) as store:
        assert list(store.get().values()) == ROWS
        assert len(store.cells()) == 3
    assert old.read_bytes() == before


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(old)
    broken = ("CREATE TABLE half (done TEXT)", "ALTER TABLE nowhere ADD COLUMN x")

    def half(connection: sqlite3.Connection, path: str) -> int:
        return migrate(connection, path, (*STEPS, broken))

    with monkeypatch.context() as patched:
        patched.setattr("agentlab.experiments.store.database.migrate", half)
        with pytest.raises(StoreUnusable, match="nowhere"):
            Store.open(old)
    assert state(old) == before
    with Store.open(old) as store:
        assert list(store.get().values()) == ROWS


def test_an_sqlite_without_generated_columns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_module.sqlite3, "sqlite_version_info", (3, 30, 1))
    with pytest.raises(StoreUnusable, match=r"stores need SQLite 3\.31 or newer"):
        Store.open(tmp_path / "a.db")
