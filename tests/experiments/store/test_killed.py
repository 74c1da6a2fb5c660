"""Processes that are killed while they store lose nothing that they said was stored."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from agentlab.experiments.store import Store, segments_folder
from tests.experiments.store.rows import key_of, run_of

ROOT = Path(__file__).parents[3]
KILLS = 5


@contextmanager
def writer(path: Path, kind: str, first: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writing process; killed at the end, wherever it is."""
    command = [sys.executable, "-m", "tests.experiments.store.writer", str(path), kind, str(first)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes], lines: int) -> list[int]:
    """What a process acknowledged: so many rows, then all that it had said when it was killed."""
    assert process.stdout is not None
    first = [int(process.stdout.readline()) for _ in range(lines)]
    process.kill()
    return first + [int(line) for line in process.stdout.read().split(b"\n") if line.strip()]


def intact(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_every_acknowledged_row_is_there_once_after_kills_at_random_points(tmp_path: Path) -> None:
    chance, path, acknowledged = random.Random(4), tmp_path / "a.db", []
    for kill in range(KILLS):
        with writer(path, "store", 10_000 * kill) as process:
            acknowledged += said(process, chance.randrange(1, 60))
    intact(path)
    with Store.open(path) as store:
        stored = [int(row.sample_id) for row in store.get(messages=False).values()]
        assert len(stored) == len(set(stored))
        assert set(acknowledged) <= set(stored)
        assert (
            len(stored) <= len(acknowledged) + KILLS
        )  # at most the row in flight was stored and not acknowledged
        assert store.get([run_of(acknowledged[0]).cell_key]) == {
            run_of(acknowledged[0]).cell_key: run_of(acknowledged[0], output="x" * 2000)
        }
        assert store.cells()[0].key == key_of(0)


def test_two_processes_write_one_store_and_each_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"  # made by whichever comes first
    with ExitStack() as running:
        processes = [running.enter_context(writer(path, "store", first)) for first in (0, 100_000)]
        acknowledged = {sample for process in processes for sample in said(process, 100)}
    intact(path)
    with Store.open(path) as store:
        stored = {int(row.sample_id) for row in store.get(messages=False).values()}
    assert acknowledged <= stored
    assert len(stored) <= len(acknowledged) + 2


def test_workers_that_are_killed_lose_no_acknowledged_row_of_their_segments(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "a.db", []
    with Store.open(path) as store, ExitStack() as running:
        processes = [running.enter_context(writer(path, "segment", first)) for first in (0, 100_000)]
        for count, process in zip((30, 60), processes, strict=True):
            acknowledged += said(process, count)
            store.ingest_segments()  # while the other one writes
        for process in processes:
            process.wait()
        store.ingest_segments()
        stored = [int(row.sample_id) for row in store.get(messages=False).values()]
        assert len(stored) == len(set(stored))
        assert set(acknowledged) <= set(stored)
        assert store.ingest_segments().stored == 0
    assert len(list(segments_folder(path).iterdir())) == 2  # nobody said that these are complete
