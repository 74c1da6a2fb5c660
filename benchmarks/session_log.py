"""What a session of 10,000 messages costs: to open, to append to, to branch, to read as a history.

    python -m benchmarks.session_log [--messages 10000] [--rounds 5] [--write benchmarks/results]

Makes a log of turns with two tool calls each, some 1.5 kB a message, and prints milliseconds: the median and the slowest of
several tries by the wall clock, and the median of processor time, which a busy machine does not stretch. `append` waits for
the disk; what that costs alone is the last line: one `fdatasync` of as many bytes.

The table, written with `--write`, is of appending alone: a session beside `sqlite3` that inserts the same bytes of JSON with
the same pragmas, a commit each, into a table as long, in turn.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from agentlab.messages import AssistantMessage, Text, ToolCall, ToolResult, Usage, UserMessage
from agentlab.sessions import AssistantSaid, Entry, Session, ToolAnswered, UserSaid
from agentlab.sessions.creating import row_of
from agentlab.sessions.rows import Row
from benchmarks.peers import script
from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.report import installed_versions, write
from benchmarks.peers.results import Result, Round

MESSAGES = 10_000
APPENDED = 100
FLOOR: Final = "sqlite3, the same JSON and pragmas"
OURS: Final = "agentlab session"
TRIES = 15
SENTENCE = "The workspace holds three folders of notes, and one of them has the figures of last year. "


def conversation(messages: int) -> Iterator[Entry]:
    """Entries that add up to at least so many messages: prompt, two calls, their results, an answer, and again."""
    for turn in range(messages // 4 + 1):
        calls = tuple(
            ToolCall(f"call_{turn}_{which}", "read", f'{{"path": "notes/{turn}.md"}}') for which in (0, 1)
        )
        yield UserSaid(UserMessage.of(f"Question {turn}: {SENTENCE * 3}"), text=f"Question {turn}")
        yield AssistantSaid(
            AssistantMessage((Text(SENTENCE), *calls)), model="openai:gpt-5.6", usage=Usage(input_tokens=900)
        )
        for call in calls:
            yield ToolAnswered(
                ToolResult(call.id, "read", (Text(SENTENCE * 16),)), call.arguments_json, SENTENCE
            )
        yield AssistantSaid(
            AssistantMessage.of(SENTENCE * 16), model="openai:gpt-5.6", usage=Usage(input_tokens=1200)
        )


def timed(what: str, work: Callable[[], object], tries: int = TRIES) -> None:
    """Print how long something takes."""
    walls, processors = [], []
    for _ in range(tries):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - wall))
        processors.append(1000 * (time.process_time() - processor))
    median, busy = statistics.median(walls), statistics.median(processors)
    print(f"{what:<32} {median:8.2f} ms   slowest {max(walls):8.2f} ms   processor {busy:8.2f} ms")


def synced(file: int, data: bytes) -> None:
    """What a commit asks of the disk, and nothing else."""
    os.write(file, data)
    os.fdatasync(file)


def benchmark_of(messages: int) -> Benchmark:
    """What the table is of."""
    title = f"Appending to a session of {messages:,} messages; microseconds an entry"
    return Benchmark("", "session_log", title, (Case("append", parts=APPENDED, unit="us"),), FLOOR)


def rows_of(messages: int) -> list[Row]:
    """A log of so many messages, as it lies in a session's file."""
    entries = enumerate(conversation(messages), start=1)
    return [row_of(entry, place, 0, 1.8e9 + place) for place, entry in entries]


def bare(path: Path, rows: Sequence[Row]) -> sqlite3.Connection:
    """A file with the same JSON in one table, opened as a session opens its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, data TEXT NOT NULL) STRICT")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO entries (data) VALUES (?)", [(row.raw.decode(),) for row in rows])
    connection.execute("COMMIT")
    return connection


def inserted(connection: sqlite3.Connection, texts: Sequence[str]) -> None:
    """An insert and a commit each."""
    for text in texts:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO entries (data) VALUES (?)", (text,))
        connection.execute("COMMIT")


def appended(session: Session, entries: Sequence[Entry]) -> None:
    """A commit each."""
    for entry in entries:
        session.append(entry)


def compared(folder: Path, messages: int, rounds: int) -> list[Result]:
    """Append to a session and to a bare table of the same JSON, in turn."""
    rows = rows_of(messages)
    Session.restore(folder / "compared.sqlite", rows).close()
    found: dict[str, list[Round]] = {FLOOR: [], OURS: []}
    turns = conversation(APPENDED * (rounds + 1))
    with (
        Session(folder / "compared.sqlite") as session,
        closing(bare(folder / "compared-bare.sqlite", rows)) as connection,
    ):
        session.history()
        for number in range(rounds + 1):
            entries = list(islice(turns, APPENDED))
            texts = [row_of(entry, 1, 0, 1.8e9).raw.decode() for entry in entries]
            took = (
                script.timed(lambda texts=texts: inserted(connection, texts)),  # type: ignore[misc]
                script.timed(lambda entries=entries: appended(session, entries)),  # type: ignore[misc]
            )
            if number:
                found[FLOOR].append(took[0])
                found[OURS].append(took[1])
    kinds = {FLOOR: "floor", OURS: "ours"}
    return [Result("append", way, kinds[way], way, "", tuple(taken)) for way, taken in found.items()]


def everything(folder: Path, messages: int) -> None:
    """Make the session, then time it."""
    path = folder / "long.sqlite"
    rows = rows_of(messages)
    with Session.restore(path, rows) as session:
        said = len(session.history())
    print(f"{len(rows):,} entries, {said:,} messages, {path.stat().st_size / 1e6:.1f} MB")
    timed("open for writing, and close", lambda: Session(path).close())
    timed("open for reading, and close", lambda: Session(path, read_only=True).close())
    turns = conversation(messages)
    with Session(path) as session:
        timed("append, nothing read before", lambda: session.append(next(turns)))
        timed("branch, nothing read before", lambda: session.branch_at(messages // 2))
        session.switch("main")
        timed("history, the first time", session.history, tries=1)
        timed("history, again", session.history)
        timed("append, all read before", lambda: session.append(next(turns)))
        timed("append, then history", lambda: (session.append(next(turns)), session.history()))
        timed("entries, again", session.entries)
        timed("branch, all read before", lambda: session.branch_at(messages // 2))
        timed("branch, then its history", lambda: (session.branch_at(messages // 2), session.history()))
        timed("frame", lambda: session.df, tries=3)
        timed("check", session.check, tries=3)
    with closing(open(folder / "bare", "wb", buffering=0)) as file:  # noqa: PTH123 - closed by closing
        timed("one fdatasync of 8 kB", lambda: synced(file.fileno(), bytes(8192)))


def main() -> None:
    """Print all figures, and write the table of appending."""
    parser = script.options(__doc__, rounds=5)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    asked = parser.parse_args()
    messages = min(asked.messages, 400) if asked.small else asked.messages
    with tempfile.TemporaryDirectory() as folder:
        everything(Path(folder), messages)
        results = compared(Path(folder), messages, asked.rounds)
    if asked.write:
        about = (
            f"Processor time of an entry, wall clock with the disk in brackets: medians of {asked.rounds} rounds of "
            f"{APPENDED} entries in turn, a commit each, `journal_mode = WAL`, `synchronous = FULL`."
        )
        benchmark, made_with = (
            benchmark_of(messages),
            f"SQLite {sqlite3.sqlite_version}, " + installed_versions("agentlab"),
        )
        print(write(benchmark, results, about=about, made_with=made_with, folder=asked.write))


if __name__ == "__main__":
    main()
