"""Entries as rows of a file: written with a checksum, read with it checked."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from agentlab.errors import SessionCorrupt
from agentlab.sessions.entries import Stored, digest_of, entry_from_json
from agentlab.sessions.schema import SETTINGS_KINDS

__all__ = [
    "LATEST",
    "Row",
    "in_order",
    "insert_rows",
    "insert_texts",
    "last_row",
    "read_row",
    "read_rows",
    "read_text",
    "read_texts",
    "settings_rows",
]

LATEST: Final = 9e9
"""The latest Unix time an entry may have (the year 2255); frames cannot tell later ones."""

_LARGEST: Final = 2**53
_COLUMNS: Final = "id, branch, at, CAST(kind AS BLOB), tokens, CAST(data AS BLOB), crc"
_SETTINGS: Final = ", ".join(f"'{kind}'" for kind in SETTINGS_KINDS)


class Row(Struct, frozen=True, gc=False):
    """An entry as the log keeps it, its JSON not yet read; members as in `Stored`."""

    id: int
    branch: int
    at: float
    kind: str
    tokens: int
    raw: bytes

    def stored(self) -> Stored:
        """The row with its JSON read.

        Raises:
            SessionCorrupt: The JSON is not what it should be.
        """
        try:
            entry = entry_from_json(self.raw, self.kind)
        except SessionCorrupt as error:
            raise SessionCorrupt(f"entry {self.id}: {error}") from error.__cause__
        return Stored(self.id, self.branch, self.at, self.kind, self.tokens, self.raw, entry)


def in_order(row: Row, before: Row | None) -> None:
    """Check that a row can follow another; None for the first.

    Raises:
        SessionCorrupt: It cannot.
    """
    expected = 1 if before is None else before.id + 1
    earliest = 0.0 if before is None else before.at
    if row.id != expected:
        raise SessionCorrupt(f"entry {expected} is missing")
    if not (earliest <= row.at <= LATEST and 0 <= row.tokens < _LARGEST and 0 <= row.branch < row.id):
        raise SessionCorrupt(f"entry {row.id} has a time, a size or a branch that cannot be")


def insert_rows(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Append rows, whose ids follow those that are there."""
    connection.executemany(
        "INSERT INTO entries (id, branch, at, kind, tokens, data, crc) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(r.id, r.branch, r.at, r.kind, r.tokens, r.raw.decode(), _checksum(r)) for r in rows],
    )


def insert_texts(connection: sqlite3.Connection, texts: Mapping[str, str]) -> None:
    """Keep texts by their digests; one that is there already stays as it is."""
    connection.executemany(
        "INSERT INTO contents (digest, text) VALUES (?, ?)",
        [(digest, text.encode("utf-8", "surrogatepass")) for digest, text in texts.items()],
    )


def read_rows(connection: sqlite3.Connection, after: Row | None) -> list[Row]:
    """All rows after one, in order; all there are after None.

    Raises:
        SessionCorrupt: One is missing, or is not what was written.
    """
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM entries WHERE id > ? ORDER BY id",  # noqa: S608 - fixed columns
        (-_LARGEST if after is None else after.id,),
    )
    rows: list[Row] = []
    for fields in found:
        row = _row(fields)
        in_order(row, after)
        rows.append(row)
        after = row
    return rows


def read_row(connection: sqlite3.Connection, entry_id: int) -> Row:
    """One row by its id.

    Raises:
        SessionCorrupt: It is missing, or is not what was written.
    """
    fields = connection.execute(f"SELECT {_COLUMNS} FROM entries WHERE id = ?", (entry_id,)).fetchone()  # noqa: S608 - fixed columns
    if fields is None:
        raise SessionCorrupt(f"entry {entry_id} is missing")
    return _row(fields)


def settings_rows(connection: sqlite3.Connection, after: int) -> list[Row]:
    """The rows after an id that say how the session is called, configured and branched, in order."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM entries INDEXED BY entries_that_set "  # noqa: S608 - fixed names
        f"WHERE kind IN ({_SETTINGS}) AND id > ? ORDER BY id",
        (after,),
    )
    return [_row(fields) for fields in found]


def last_row(connection: sqlite3.Connection) -> Row | None:
    """The newest row; None where there is none."""
    fields = connection.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY id DESC LIMIT 1").fetchone()  # noqa: S608 - fixed columns
    return _row(fields) if fields else None


def read_text(connection: sqlite3.Connection, digest: str) -> str | None:
    """A text by its digest; None where it is not kept.

    Raises:
        SessionCorrupt: It is not what was written.
    """
    found = connection.execute("SELECT text FROM contents WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        return None
    try:
        text: str | None = bytes(found[0]).decode("utf-8", "surrogatepass")
    except (TypeError, UnicodeError):
        text = None
    if text is None or digest_of(text) != digest:
        raise SessionCorrupt(f"the text {digest} is not what was written")
    return text


def read_texts(connection: sqlite3.Connection) -> dict[str, str]:
    """All texts that are kept, by their digests, in the order of keeping.

    Raises:
        SessionCorrupt: One is not what was written.
    """
    found = connection.execute("SELECT CAST(digest AS BLOB) FROM contents ORDER BY rowid").fetchall()
    digests = (bytes(digest).decode("utf-8", "replace") for (digest,) in found)
    return {digest: text for digest in digests if (text := read_text(connection, digest)) is not None}


_TYPES: Final = [int, int, float, bytes, int, bytes, int]


def _row(fields: tuple[Any, ...]) -> Row:
    if list(map(type, fields)) == _TYPES:
        id_, branch, at, kind, tokens, raw, crc = fields
        row = Row(id_, branch, at, kind.decode("utf-8", "replace"), tokens, raw)
        if _checksum(row) == crc:
            return row
    raise SessionCorrupt(f"entry {fields[0]!r} is not what was written: its checksum does not fit")


def _checksum(row: Row) -> int:
    head = f"{row.id} {row.branch} {row.at!r} {row.kind} {row.tokens} "
    return zlib.crc32(row.raw, zlib.crc32(head.encode()))
