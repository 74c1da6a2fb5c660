"""New files: of nothing, or of entries that were written elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agentlab.errors import SessionCorrupt, SessionUnusable, UsageError
from agentlab.sessions.branches import BranchTree
from agentlab.sessions.database import make_database
from agentlab.sessions.entries import (
    Branched,
    Configured,
    Entry,
    Stored,
    Tagged,
    Titled,
    digest_of,
    entry_from_json,
    entry_to_json,
    kind_of,
)
from agentlab.sessions.lock import WriterLock
from agentlab.sessions.rows import Row, in_order, insert_rows, insert_texts
from agentlab.sessions.tokens import tokens_of

__all__ = ["SUFFIX", "check_rows", "first_rows", "ill_kept", "make_file", "row_of", "session_path"]

SUFFIX: Final = ".sqlite"
"""How the name of a session's file ends."""


def session_path(path: str | Path) -> Path:
    """The file of a session; beside it stand its lock and what else belongs to it, so its name must have a suffix.

    Raises:
        UsageError: The name does not end in `.sqlite`.
    """
    named = Path(path)
    if named.suffix != SUFFIX:
        raise UsageError(f"a session's file is named after its id, <id>{SUFFIX}, not {named.name!r}")
    return named


def make_file(path: Path, rows: Sequence[Row | Stored], texts: Mapping[str, str], now: float) -> None:
    """Make a session's file; it appears whole, or not at all.

    Args:
        path: Where.
        rows: All its entries, with the ids 1, 2, 3, ...
        texts: Texts by their digests.
        now: Unix time, in seconds.

    Raises:
        SessionCorrupt: The entries are no log, or a text does not fit its digest.
        SessionUnusable: There is something already, or the folder cannot be written.
        SessionLocked: Somebody makes it at this moment.
        SessionWriteFailed: The disk did not take it.
    """
    kept = [Row(row.id, row.branch, float(row.at), row.kind, row.tokens, row.raw) for row in rows]
    if not kept:
        raise SessionCorrupt("there is no entry; a session has at least its configuration")
    check_rows(kept)
    digest = ill_kept(texts)
    if digest is not None:
        raise SessionCorrupt(f"the text kept as {digest!r} has another digest")
    if not path.parent.is_dir():
        raise SessionUnusable(f"there is no folder {path.parent}; make it, or keep the session elsewhere")

    def fill(connection: sqlite3.Connection) -> None:
        insert_rows(connection, kept)
        insert_texts(connection, texts)

    lock = WriterLock(path, now)
    try:
        make_database(path, fill)
    finally:
        lock.release()


def first_rows(title: str, tags: Sequence[str], config: Mapping[str, Any], at: float) -> list[Row]:
    """The entries of a new session: its configuration, and its title and tags where it has any."""
    entries: list[Entry] = [Configured(dict(config))]
    entries += [Titled(title)] if title else []
    entries += [Tagged(tuple(tags))] if tags else []
    return [row_of(entry, entry_id, 0, at) for entry_id, entry in enumerate(entries, start=1)]


def row_of(entry: Entry, entry_id: int, branch: int, at: float) -> Row:
    """An entry as the row it becomes.

    Raises:
        UsageError: It is no plain data.
    """
    raw = entry_to_json(entry)
    kind = kind_of(entry)
    return Row(entry_id, branch, at, kind, tokens_of(entry_from_json(raw, kind)), raw)


def check_rows(rows: Sequence[Row]) -> None:
    """Read every entry, and check that together they are a log.

    Raises:
        SessionCorrupt: One cannot be read, is out of order or is on a branch that does not exist.
    """
    tree = BranchTree()
    before: Row | None = None
    for row in rows:
        in_order(row, before)
        entry = row.stored().entry
        if isinstance(entry, Branched):
            tree.add(row.branch, entry, row.id, row.at)
        tree.name_of(row.branch)
        before = row


def ill_kept(texts: Mapping[str, str]) -> str | None:
    """The first digest that is not its text's; None where all are."""
    return next((digest for digest, text in texts.items() if digest_of(text) != digest), None)
