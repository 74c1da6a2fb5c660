"""What a finished run costs to store and to read again, beside SQLite with nothing around it.

    python -m benchmarks.store [--rounds 5] [--write benchmarks/results]

Stores runs of three calls and nine messages (six of them shared) one commit each, then the same bytes of payload as
one bare `INSERT` a commit into a table of one column, in the same folder and turn about; prints processor time a row and
their ratio. Then reads all of them: whole, without messages, and as the statuses a plan asks for.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from agentlab.experiments.rows import MessageRow, RunRow, ScoreRow, TurnRow
from agentlab.experiments.store import CellKey, KeyPart, Store
from agentlab.experiments.store.canonical import digest
from benchmarks.peers import script
from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.report import installed_versions, table, write
from benchmarks.peers.results import Result, Round

ROWS = 1000
FLOOR: Final = "sqlite3, the same JSON"
OURS: Final = "agentlab store"
BENCHMARK: Final = Benchmark(
    "", "store", "Storing a finished run; microseconds a run", (Case("put", unit="us"),), FLOOR
)
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


def stored(path: Path, cells: Sequence[tuple[RunRow, CellKey]]) -> Round:
    """What it takes to put a row."""
    waiting = iter(cells)
    with Store.open(path) as store:
        return script.timed(lambda: store.put(*next(waiting)), len(cells))


def bare(path: Path, payloads: Sequence[bytes]) -> Round:
    """What it takes to insert as many bytes, a commit each."""
    waiting = iter(payloads)

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = normal")
        connection.execute("CREATE TABLE runs (payload BLOB)")

        def insert() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO runs VALUES (?)", (next(waiting),))
            connection.execute("COMMIT")

        return script.timed(insert, len(payloads))


def seconds(read: Callable[[], object]) -> float:
    """Processor seconds of one reading."""
    start = time.process_time()
    read()
    return time.process_time() - start


def compared(folder: Path, cells: Sequence[tuple[RunRow, CellKey]], rounds: int) -> list[Result]:
    """Store the same runs in a store and in a bare table, in turn."""
    payloads = [msgspec.json.encode(row) for row, _ in cells]
    pairs = [
        (bare(folder / f"bare-{number}.db", payloads), stored(folder / f"{number}.db", cells))
        for number in range(rounds)
    ]
    ways = ((FLOOR, "floor"), (OURS, "ours"))
    return [
        Result("put", way, kind, way, "", tuple(pair[place] for pair in pairs))
        for place, (way, kind) in enumerate(ways)
    ]


def main() -> None:
    """Print the figures, and write the table of storing."""
    asked = script.options(__doc__, rounds=3).parse_args()
    cells = [cell(sample) for sample in range(ROWS // 10 if asked.small else ROWS)]
    payloads = [msgspec.json.encode(row) for row, _ in cells]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = compared(folder, cells, asked.rounds)
        print(table(BENCHMARK, results))
        with Store.open(folder / "0.db", read_only=True) as store:
            whole, rows, statuses = (
                seconds(read) for read in (store.get, lambda: store.get(messages=False), store.statuses)
            )
            decoding = seconds(lambda: [msgspec.json.decode(payload, type=RunRow) for payload in payloads])
        print(
            f"reading {len(cells)} runs: {whole * 1e3:.0f} ms whole, {rows * 1e3:.0f} ms without messages, "
            f"{statuses * 1e3:.1f} ms for statuses; decoding their JSON alone {decoding * 1e3:.0f} ms"
        )
    if asked.write:
        about = (
            f"Processor time of a run, wall clock in brackets: medians of {asked.rounds} rounds of {len(cells)} runs of nine "
            "messages in turn, a commit each, `journal_mode = WAL`, `synchronous = NORMAL`."
        )
        made_with = f"SQLite {sqlite3.sqlite_version}, " + installed_versions("agentlab", "msgspec")
        write(BENCHMARK, results, about=about, made_with=made_with, folder=asked.write)


if __name__ == "__main__":
    main()
