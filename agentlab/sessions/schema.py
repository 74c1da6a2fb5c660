"""The tables of a session's file, as the steps that make them.

A new file takes every step, an older one those it has not taken. A step is never changed once a session was made with
it: what is missing goes into the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Final

from agentlab.errors import SessionCorrupt, SessionUnusable

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "SETTINGS_KINDS", "STEPS", "check_schema", "migrate"]

APPLICATION_ID: Final = 0x41474C53
"""Marks an SQLite file as a session of ours ("AGLS"), in the header field SQLite has for that."""

SETTINGS_KINDS: Final = ("titled", "tagged", "configured", "branched")
"""Kinds that must be known to open a session; an index finds them among all entries."""

_OLDEST_SQLITE: Final = (3, 37, 0)  # STRICT tables

_LOG: Final = (
    """CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  branch INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  data TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT""",
    """CREATE INDEX entries_that_set ON entries (kind)
WHERE kind IN ('titled', 'tagged', 'configured', 'branched')""",
    "CREATE TABLE contents (digest TEXT PRIMARY KEY NOT NULL, text BLOB NOT NULL) STRICT",
    """CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are appended, in order'); END""",
    """CREATE TRIGGER entries_not_updated BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    """CREATE TRIGGER entries_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END""",
    """CREATE TRIGGER contents_once BEFORE INSERT ON contents
WHEN EXISTS (SELECT 1 FROM contents WHERE digest = NEW.digest)
BEGIN SELECT RAISE(IGNORE); END""",
    """CREATE TRIGGER contents_not_updated BEFORE UPDATE ON contents
BEGIN SELECT RAISE(ABORT, 'contents are never changed'); END""",
    """CREATE TRIGGER contents_not_deleted BEFORE DELETE ON contents
BEGIN SELECT RAISE(ABORT, 'contents are never deleted'); END""",
)

STEPS: Final[tuple[tuple[str, ...], ...]] = (_LOG,)
"""What brings a file from each version to the next: the first makes version 1 of an empty file."""

SCHEMA_VERSION: Final = len(STEPS)


def migrate(connection: sqlite3.Connection, version: int, steps: Sequence[tuple[str, ...]] = STEPS) -> None:
    """Bring a file to the newest schema. The caller holds the transaction, so it is done whole or not at all.

    Args:
        connection: In a transaction that may write.
        version: The schema it has; 0 for an empty file.
        steps: All steps there are.
    """
    for step in steps[version:]:
        for statement in step:
            connection.execute(statement)
    if version < len(steps):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")


def check_schema(connection: sqlite3.Connection, path: str, steps: Sequence[tuple[str, ...]] = STEPS) -> int:
    """Check that a file holds the tables, indexes and triggers of its version, and nothing else that could act.

    Args:
        connection: To the file, before anything of it was read.
        path: The file, for errors.
        steps: All steps there are.

    Returns:
        Its version, from 1.

    Raises:
        SessionUnusable: It was written by a newer agentlab, or this Python's SQLite is too old.
        SessionCorrupt: It is something else, or was tampered with.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise SessionUnusable(f"sessions need SQLite 3.37 or newer; this Python has {sqlite3.sqlite_version}")
    mark = _number(connection, "application_id")
    version = _number(connection, "user_version")
    if mark != APPLICATION_ID or version < 1:
        raise SessionCorrupt(f"{path} is an SQLite database of something else, not a session")
    if version > len(steps):
        raise SessionUnusable(
            f"{path} was written by a newer agentlab (session version {version}; this one reads up to "
            f"{len(steps)}): upgrade agentlab. Nothing in it was changed."
        )
    found = _schema(connection)
    if found != _expected(tuple(steps[:version])):
        raise SessionCorrupt(
            f"{path} does not hold the tables of a session of version {version}: somebody added, changed or removed "
            "tables, views or triggers. Nothing of it was run; restore it from a copy."
        )
    return version


@cache
def _expected(steps: tuple[tuple[str, ...], ...]) -> frozenset[tuple[object, ...]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, 0, steps)
        return _schema(connection)
    finally:
        connection.close()


def _schema(connection: sqlite3.Connection) -> frozenset[tuple[object, ...]]:
    """Kind, name, table and SQL text of everything a file defines."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset(rows) if len(set(rows)) == len(rows) else frozenset()


def _number(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
