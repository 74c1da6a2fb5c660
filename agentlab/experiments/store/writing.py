"""What is written to a store's tables; each function runs inside its caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any, Final

from agentlab.errors import StoreError, UsageError
from agentlab.experiments.rows import RunRow, ScoreRow
from agentlab.experiments.store.canonical import canonical_json
from agentlab.experiments.store.cell_key import CellKey
from agentlab.experiments.store.packing import Packed
from agentlab.experiments.store.records import RunRecord, record_of, rescored

__all__ = ["insert_blob", "insert_run", "update_scores"]

_COLUMNS: Final = (*RunRecord.columns, "key_parts")
_INSERT_RUN: Final = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names


def insert_run(
    connection: Connection, row: RunRow, key: CellKey | None = None, written: Mapping[str, Any] | None = None
) -> bool:
    """Store a run unless its cell has one that stands.

    A run that ended with an error gives way to one that did not, or to a later attempt. Any other stands: the first
    that is stored is the cell's run, whoever else paid for it as well.

    Args:
        connection: In a transaction that may write.
        row: The run.
        key: What its cell's key was made of, so that a later change can be named.
        written: The same run as another version wrote it; its extra fields are kept.

    Returns:
        Whether the run was stored.

    Raises:
        UsageError: The key is another cell's.
    """
    if key is not None and key.digest != row.cell_key:
        raise UsageError(
            f"the parts make the key {key.digest[:12]}, and the run is of cell {row.cell_key[:12]}"
        )
    known = connection.execute(
        "SELECT run, status, attempt FROM runs WHERE cell_key = ?", (row.cell_key,)
    ).fetchone()
    if known is not None:
        run, status, attempt = known
        if status != "error" or (row.status == "error" and row.attempt <= attempt):
            return False
        connection.execute("DELETE FROM blobs WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE run = ?", (run,))
    record = record_of(row, written)
    parts = key.parts if key is not None else {}
    hashes = canonical_json({name: part.hash for name, part in parts.items()}) if parts else None
    connection.execute(_INSERT_RUN, (*record.run, hashes))
    connection.executemany(
        "INSERT OR IGNORE INTO messages (hash, parent_hash, payload) VALUES (?, ?, ?)", record.messages
    )
    connection.executemany(
        "INSERT OR IGNORE INTO part_texts VALUES (?, ?)",
        [(part.hash, part.readable) for part in parts.values()],
    )
    return True


def update_scores(connection: Connection, cell_key: str, scores: Sequence[ScoreRow]) -> None:
    """Store scores of a stored run; a scorer's earlier verdict is replaced, other scorers' stand.

    Raises:
        StoreError: The run is not stored. So for `insert_blob`.
    """
    run = _run_of(connection, cell_key)
    payload = connection.execute("SELECT payload FROM runs WHERE run = ?", (run,)).fetchone()[0]
    connection.execute("UPDATE runs SET payload = ? WHERE run = ?", (rescored(payload, scores), run))


def insert_blob(connection: Connection, cell_key: str, kind: str, blob: Packed) -> None:
    """Store a long text of a stored run; an earlier one of its kind is replaced."""
    connection.execute(
        "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)", (_run_of(connection, cell_key), kind, *blob)
    )


def _run_of(connection: Connection, cell_key: str) -> int:
    found = connection.execute("SELECT run FROM runs WHERE cell_key = ?", (cell_key,)).fetchone()
    if found is None:
        raise StoreError(f"no run of cell {cell_key[:12]} is stored; put the run before what belongs to it")
    return int(found[0])
