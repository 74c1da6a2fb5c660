"""What keeps a store from being used is said before anything is paid for, and harms nothing."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agentlab.errors import StoreUnusable, StoreWriteFailed
from agentlab.experiments.store import Segment, Store
from agentlab.experiments.store.schema import APPLICATION_ID, SCHEMA_VERSION
from tests.experiments.store.rows import run_of
from tests.unwritable import as_nobody, disk_of_one_megabyte, fill, open_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody can reach."""
    with open_folder(0o755) as made:
        yield made


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(
        StoreUnusable, match=r"is a folder; a store is one file, such as .*runs\.agentlab\.db"
    ):
        Store.open(tmp_path)


def test_a_store_in_no_folder_is_refused_and_no_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"there is no folder .*runz; make it"):
        Store.open(tmp_path / "runz" / "a.db")
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_not_there_cannot_be_read_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no store"):
        Store.open(tmp_path / "a.db", read_only=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "questions.csv"
    path.write_text("sample_id,input\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="it is no SQLite database; name another file"):
        Store.open(path, read_only=read_only)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["questions.csv"]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "bookmarks.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="an SQLite database of something else"):
        Store.open(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_of_a_newer_agentlab_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "a.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(
        StoreUnusable, match=f"version {SCHEMA_VERSION + 1}; this one reads up to {SCHEMA_VERSION}"
    ):
        Store.open(path, read_only=read_only)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    with Store.open(path) as store:
        assert store.put(run_of(1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


@pytest.mark.parametrize("name", [":memory:", "file:a.db", "a?mode=ro#b.db", "r\u00fcn 1%.db"])
def test_a_name_is_the_name_of_a_file_whatever_sqlite_would_read_in_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(name) as store:
        store.put(run_of(1))
    assert [found.name for found in tmp_path.iterdir()] == [name]
    with Store.open(name, read_only=True) as again:
        assert len(again) == 1


def test_a_damaged_store_is_refused_when_opened_or_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        for sample in range(50):
            store.put(run_of(sample))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    with pytest.raises(StoreUnusable, match="the file is damaged; restore it from a copy"):
        Store.open(path)


def test_a_read_only_file_can_be_read_and_not_opened_for_writing(folder: Path) -> None:
    path = folder / "a.db"
    with Store.open(path) as store:
        store.put(run_of(1))
    path.chmod(0o444)
    folder.chmod(0o777)
    with as_nobody():
        with pytest.raises(StoreUnusable, match="may not be written; change its permissions"):
            Store.open(path)
        with Store.open(path, read_only=True) as reader:
            assert len(reader) == 1


def test_a_read_only_folder_can_be_read_and_not_written(folder: Path) -> None:
    path = folder / "a.db"
    with Store.open(path) as store:
        store.put(run_of(1))
    path.chmod(0o666)
    folder.chmod(0o555)
    try:
        with as_nobody():
            for refused in (path, folder / "b.db"):
                with pytest.raises(StoreUnusable, match="permissions"):
                    Store.open(refused)
            with pytest.raises(StoreUnusable, match=r"the segment .* cannot be made: Permission denied"):
                Segment.of(path)
            with Store.open(path, read_only=True) as reader:
                assert len(reader) == 1
    finally:
        folder.chmod(stat.S_IRWXU)


def test_a_lock_that_is_held_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentlab.experiments.store.database._BUSY_S", 0.05)
    with Store.open(tmp_path / "a.db") as store, closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreWriteFailed, match="another process held it"):
            store.put(run_of(1))
        other.rollback()
        assert store.put(run_of(1))


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with disk_of_one_megabyte(folder) as made:
        yield made


def put_many(place: Store | Segment, stored: list[str]) -> None:
    """Put rows until that fails; `stored` names those that went well."""
    for sample in range(1000):
        place.put(run_of(sample, output="x" * 5000))
        stored.append(run_of(sample).cell_key)


def test_a_full_disk_fails_a_row_whole_and_goes_on_once_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    stored: list[str] = []
    with Store.open(small_disk / "a.db") as store:
        with pytest.raises(StoreWriteFailed, match=r"disk is full\. Free some space"):
            put_many(store, stored)
        assert list(store.get()) == stored
        assert stored
        ballast.unlink()
        assert store.put(run_of(5000))
    with Store.open(small_disk / "a.db", read_only=True) as again:
        assert list(again.get()) == [*stored, run_of(5000).cell_key]


def test_a_full_disk_is_known_when_the_store_is_opened(small_disk: Path) -> None:
    with Store.open(small_disk / "a.db") as store:
        store.put(run_of(1))
    ballast = fill(small_disk)
    for path in (small_disk / "a.db", small_disk / "b.db"):
        with pytest.raises(StoreUnusable, match="full"):
            Store.open(path)
    ballast.unlink()
    with Store.open(small_disk / "a.db") as store:
        assert len(store) == 1


def test_a_segment_on_a_full_disk_keeps_what_was_written_and_goes_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(900_000))
    written: list[str] = []
    with Segment.of(small_disk / "a.db") as segment:
        with pytest.raises(StoreWriteFailed, match="No space left"):
            put_many(segment, written)
        ballast.unlink()
        segment.put(run_of(5000))
        written.append(run_of(5000).cell_key)
    with Store.open(small_disk / "a.db") as store:
        assert store.ingest_segments().stored == len(written)
        assert list(store.get()) == written


LIMITED = """
import resource, sys
from agentlab.errors import StoreWriteFailed
from agentlab.experiments.store import Store
from tests.experiments.store.rows import run_of
with Store.open(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        for sample in range(1000):
            store.put(run_of(sample, output="x" * 5000))
            print(sample, flush=True)
    except StoreWriteFailed as error:
        print(error)
    print(len(store))
"""


def test_a_file_at_its_largest_size_keeps_every_row_that_was_stored(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a.db")],
        capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    *rows, said, count = done.stdout.splitlines()
    assert "every row stored before is safe" in said
    assert rows == [str(number) for number in range(int(count))]
    with Store.open(tmp_path / "a.db") as store:
        assert list(store.get()) == [run_of(sample).cell_key for sample in range(int(count))]
