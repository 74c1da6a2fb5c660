"""What is read from a store's tables; each function runs inside its caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection

from msgspec import Struct, structs

from agentlab.errors import StoreError
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store.cell_key import CellKey, KeyPart
from agentlab.experiments.store.packing import Packed, unpacked
from agentlab.experiments.store.records import Message, message_from, places_from, run_from

__all__ = ["StoredCell", "select_blob", "select_cells", "select_runs"]


class StoredCell(Struct, frozen=True):
    """Which cell a stored run is of.

    Attributes:
        cell_key: Its key.
        sample_id: Its row of the dataset.
        repeat: Its repeat.
        levels: Its arm: axis to label.
        key: What the key was made of; None where the run was stored without.
    """

    cell_key: str
    sample_id: str
    repeat: int
    levels: dict[str, str]
    key: CellKey | None = None


def select_runs(
    connection: Connection, keys: Iterable[str] | None, where: str, *, messages: bool
) -> dict[str, RunRow]:
    """Runs by their cell's key, in the order they were stored.

    Args:
        connection: In a transaction, so that a run and its calls are read at one moment.
        keys: Which; all where None. Keys that are not stored are left out.
        where: The file, for errors.
        messages: Whether to read what the runs said, most of a store's bytes.
    """
    chosen = () if keys is None else (json.dumps(list(keys)),)
    # One parameter for all keys: SQLite bounds how many there may be.
    only = "WHERE cell_key IN (SELECT value FROM json_each(?))" if chosen else ""
    rows = connection.execute(
        f"SELECT cell_key, payload, places FROM runs {only} ORDER BY run",  # noqa: S608 - our own words
        chosen,
    ).fetchall()
    runs = {key: run_from(payload, where) for key, payload, _ in rows}
    if not messages:
        return runs
    places = {key: places_from(said, where) for key, _, said in rows}
    shared = _messages(connection, {place.hash for said in places.values() for place in said}, where)
    return {
        key: structs.replace(run, messages=tuple(shared[place.hash].placed(place) for place in places[key]))
        for key, run in runs.items()
    }


def select_cells(connection: Connection) -> list[StoredCell]:
    """Which cells are stored, with what their keys were made of."""
    texts: dict[str, str] = dict(connection.execute("SELECT hash, readable FROM part_texts"))
    shared = {hashed: KeyPart(hashed, readable) for hashed, readable in texts.items()}
    return [
        StoredCell(key, sample, repeat, json.loads(levels), _key(hashes, shared) if hashes else None)
        for key, sample, repeat, levels, hashes in connection.execute(
            "SELECT cell_key, sample_id, repeat, levels, key_parts FROM runs ORDER BY run"
        )
    ]


def select_blob(connection: Connection, cell_key: str, kind: str, where: str) -> str | None:
    """A long text of a run; None where none was stored.

    Raises:
        StoreError: Its bytes are damaged, or of a compression this version does not know.
    """
    query = "SELECT codec, size, data FROM blobs JOIN runs USING (run) WHERE cell_key = ? AND kind = ?"
    found = connection.execute(query, (cell_key, kind)).fetchone()
    return (
        None if found is None else unpacked(Packed(*found), f"the {kind} of cell {cell_key[:12]} in {where}")
    )


def _messages(connection: Connection, hashes: set[str], where: str) -> dict[str, Message]:
    rows = connection.execute(
        "SELECT hash, payload FROM messages WHERE hash IN (SELECT value FROM json_each(?))",
        (json.dumps(list(hashes)),),
    )
    shared = {hashed: message_from(payload, where) for hashed, payload in rows}
    if len(shared) < len(hashes):
        raise StoreError(
            f"{where} lacks a message that a run said; the file is damaged, restore it from a copy"
        )
    return shared


def _key(hashes: str, shared: dict[str, KeyPart]) -> CellKey:
    named: dict[str, str] = json.loads(hashes)
    return CellKey({name: shared.get(hashed) or KeyPart(hashed, "") for name, hashed in named.items()})
