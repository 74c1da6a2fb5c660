"""What a finished run costs to store and to read again, beside SQLite with nothing around it.

    .venv/bin/python benchmarks/store.py

Stores runs of three calls and nine messages (six of them shared) one commit each, then the same bytes of payload as
one bare `INSERT` a commit into a table of one column, in the same folder and turn about; prints processor time a row and
their ratio. Then reads all of them: whole, without messages, and as the statuses a plan asks for.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from agentlab.experiments.rows import MessageRow, RunRow, ScoreRow, TurnRow
from agentlab.experiments.store import CellKey, KeyPart, Store
from agentlab.experiments.store.canonical import digest

ROWS = 1000
ROUNDS = 3
PREAMBLE = KeyPart.of("You are terse. " * 200, "preamble")


def cell(sample: int) -> tuple[RunRow, CellKey]:
    """A run of usual size, and its key."""
    key = CellKey.of({"preamble": PREAMBLE, "sample": f"question {sample}", "repeat": 0})
    messages = tuple(
        MessageRow(
            hash=digest(f"{place}" if place < 6 else f"{sample} {place}"),
            parent_hash=None,
            role="user",
            kind="message",
            text="what was said " * 40,
            tokens=120,
            segment="history",
        )
        for place in range(9)
    )
    turn = TurnRow(turn=1, provider_name="openai", request_model="gpt-5.6", input_tokens=900, cost_usd=0.01)
    row = RunRow(
        cell_key=key.digest,
        run_id=f"run-{sample}",
        levels={"model": "openai:gpt-5.6", "ordering": "docs_last"},
        sample_id=str(sample),
        cluster_id=str(sample // 5),
        repeat=0,
        output="an answer " * 50,
        turns=tuple(msgspec.structs.replace(turn, turn=number) for number in (1, 2, 3)),
        scores=(ScoreRow(scorer="exact", value=1.0),),
        messages=messages,
    )
    return row, key


def stored(path: Path, cells: list[tuple[RunRow, CellKey]]) -> float:
    """Processor seconds to put all rows."""
    with Store.open(path) as store:
        start = time.process_time()
        for row, key in cells:
            store.put(row, key)
        return time.process_time() - start


def bare(path: Path, payloads: list[bytes]) -> float:
    """Processor seconds to insert as many bytes, a commit each."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = normal")
        connection.execute("CREATE TABLE runs (payload BLOB)")
        start = time.process_time()
        for payload in payloads:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO runs VALUES (?)", (payload,))
            connection.execute("COMMIT")
        return time.process_time() - start


def seconds(read: Callable[[], object]) -> float:
    """Processor seconds of one reading."""
    start = time.process_time()
    read()
    return time.process_time() - start


def main() -> None:
    """Print the figures."""
    cells = [cell(sample) for sample in range(ROWS)]
    payloads = [msgspec.json.encode(row) for row, _ in cells]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [
            (stored(folder / f"{number}.db", cells), bare(folder / f"bare-{number}.db", payloads))
            for number in range(ROUNDS)
        ]
        put, floor = (statistics.median(times) / ROWS * 1e6 for times in zip(*pairs, strict=True))
        print(
            f"put: {put:.0f} us of processor a row; a bare insert of its bytes {floor:.0f} us: {put / floor:.1f} x"
        )
        with Store.open(folder / "0.db", read_only=True) as store:
            whole, rows, statuses = (
                seconds(read) for read in (store.get, lambda: store.get(messages=False), store.statuses)
            )
            decoding = seconds(lambda: [msgspec.json.decode(payload, type=RunRow) for payload in payloads])
        print(
            f"reading {ROWS} runs: {whole * 1e3:.0f} ms whole, {rows * 1e3:.0f} ms without messages, "
            f"{statuses * 1e3:.1f} ms for statuses; decoding their JSON alone {decoding * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
