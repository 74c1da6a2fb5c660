"""Moves what workers wrote to segments into the store, once, while they may still be writing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.errors import StoreError, UsageError
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store.database import Database
from agentlab.experiments.store.packing import packed
from agentlab.experiments.store.segment import End, Header, Line, line_from
from agentlab.experiments.store.writing import insert_blob, insert_run

__all__ = ["Ingested", "ingest"]

_LINE_END: Final = b"\n"
_LINES_AT_ONCE: Final = 200  # in a transaction: other writers wait that long


class Ingested(Struct, frozen=True):
    """What came out of segments.

    Attributes:
        stored: Runs that are now in the store.
        known: Runs whose cell had one already.
        unreadable: Lines that cannot be read; their file is kept.
    """

    stored: int = 0
    known: int = 0
    unreadable: int = 0

    def __add__(self, other: Ingested) -> Ingested:
        return Ingested(
            self.stored + other.stored, self.known + other.known, self.unreadable + other.unreadable
        )


def ingest(database: Database, folder: Path) -> Ingested:
    """Store every run that is complete in a folder's segments and was not read before.

    How far a segment was read is committed with the rows read, so a killed ingestion neither loses nor repeats one.
    A file whose worker is done with it is removed; one whose worker was killed stays, and is not read again.

    Raises:
        StoreWriteFailed: The store cannot be written; what was ingested before stays.
        StoreError: A segment cannot be opened.
    """
    total = Ingested()
    for path in sorted(folder.glob("*.jsonl")):
        total += _ingest_file(database, path)
    return total


def _ingest_file(database: Database, path: Path) -> Ingested:
    try:
        with path.open("rb") as file:
            header = line_from(file.readline())
            if not isinstance(header, Header):
                return Ingested()  # not begun, or no segment
            start = file.tell()
            with database.reading() as connection:
                before = _read_before(connection, header) or (start, 0)
            file.seek(before[0])
            total, ended = _ingest_rest(database, header, file.readline, *before)
    except FileNotFoundError:
        return Ingested()  # another process ingested it meanwhile
    except OSError as error:
        raise StoreError(f"the segment {path} could not be read: {error.strerror}") from error
    if ended:
        path.unlink(missing_ok=True)
    return total


def _ingest_rest(
    database: Database, header: Header, readline: Callable[[], bytes], place: int, unreadable: int
) -> tuple[Ingested, bool]:
    """Store what follows in a segment; says too whether nothing of it is left to be read."""
    total, ended, lines = Ingested(), False, [b""] * _LINES_AT_ONCE
    while len(lines) == _LINES_AT_ONCE:
        lines = list(islice(iter(readline, b""), _LINES_AT_ONCE))
        if lines and not lines[-1].endswith(_LINE_END):
            lines.pop()  # still being written
        if not lines:
            break
        ended = isinstance(line_from(lines[-1]), End)
        with database.writing() as connection:
            found = _ingest_lines(connection, lines)
            # The last mark is left to be read again: it says that the file may go.
            place += sum(map(len, lines)) - (len(lines[-1]) if ended else 0)
            unreadable += found.unreadable
            values = (header.segment, place, unreadable)
            connection.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", values)
        total += found
    return total, ended and not unreadable


def _read_before(connection: Connection, header: Header) -> tuple[int, int] | None:
    query = "SELECT bytes_read, unreadable FROM segments WHERE segment = ?"
    found: tuple[int, int] | None = connection.execute(query, (header.segment,)).fetchone()
    return found


def _ingest_lines(connection: Connection, lines: list[bytes]) -> Ingested:
    total = Ingested()
    for text in lines:
        line = line_from(text)
        if isinstance(line, Line):
            total += _ingest_line(connection, line)
        elif line is None and text.strip():
            total += Ingested(unreadable=1)
    return total


def _ingest_line(connection: Connection, line: Line) -> Ingested:
    try:
        row = msgspec.json.decode(line.row, type=RunRow)
        stored = insert_run(connection, row, line.key, msgspec.json.decode(line.row))
    except (msgspec.MsgspecError, UsageError):
        return Ingested(unreadable=1)
    if stored and line.trace is not None:
        insert_blob(connection, row.cell_key, "trace", packed(line.trace))
    return Ingested(stored=1) if stored else Ingested(known=1)
