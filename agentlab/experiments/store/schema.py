"""The tables of a store, as the steps that make them.

A new store takes every step, an older one those it has not taken; so what a new store runs is what migrates an old
one. A step is never changed once a store was made with it: what is missing goes into the next.

The JSON in a `payload` is the record: one row written for a finished run, so a commit touches few pages. The columns
beside it, and the tables `turns`, `scores` and `run_messages`, are computed from it when they are read: they cannot
disagree with it. Only sums over a run's calls are stored beside the row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from agentlab.errors import StoreUnusable

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "STEPS", "migrate"]

APPLICATION_ID: Final = 0x41474C42
"""Marks an SQLite file as a store of ours ("AGLB"), in the header field SQLite has for that."""

_OLDEST_SQLITE: Final = (3, 31, 0)  # generated columns


def _fields(columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Column and SQL type, from types to names that are separated by blanks."""
    return [(name, kind) for kind, names in columns.items() for name in names.split()]


def _computed(columns: Mapping[str, str], how: str = "VIRTUAL") -> str:
    """Columns of a table that are read out of its payload."""
    return ",\n  ".join(
        f"{name} {kind} GENERATED ALWAYS AS (json_extract(payload, '$.{name}')) {how}"
        for name, kind in _fields(columns)
    )


def _view(name: str, columns: Mapping[str, str]) -> str:
    """A view with one row for each entry of a list in the payload."""
    fields = ",\n  ".join(
        f"json_extract(entry.value, '$.{field}') AS {field}" for field, _ in _fields(columns)
    )
    return (
        f"CREATE VIEW {name} AS SELECT runs.run, runs.cell_key,\n  {fields}\n"
        f"FROM runs, json_each(runs.payload, '$.{name}') AS entry"
    )


_FOUND_BY: Final = {"TEXT": "sample_id status", "INTEGER": "repeat attempt"}
_RUN_COLUMNS: Final = {
    "TEXT": "run_id cluster_id error_type error_message agent_hash prompt_hash prefix_hash code_version output target "
    "levels finish_reason cache_state price_source price_as_of",
    "INTEGER": "seed n_tool_calls cache_contaminated batch_api",
    "REAL": "started_at duration_s model_time_s tool_time_s queue_s retry_s since_prefix_s",
}
_TURN_COLUMNS: Final = {
    "TEXT": "provider_name request_model response_model response_id finish_reason tool_names prefix_hash parent_hash "
    "cache_miss_reason diverged_at",
    "INTEGER": "turn input_tokens cache_read_input_tokens cache_write_input_tokens output_tokens "
    "reasoning_output_tokens shared_prefix_tokens cache_expected_tokens cache_missed_tokens n_retries n_429",
    "REAL": "cost_usd cost_nocache_usd cost_input_usd cost_cache_read_usd cost_cache_write_usd cost_output_usd "
    "started_at duration_s queue_s retry_s time_to_first_chunk_s time_to_first_text_s",
}
_SCORE_COLUMNS: Final = {"TEXT": "scorer reason error", "REAL": "value cost_usd"}

_RUNS: Final = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"""CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  cell_key TEXT NOT NULL UNIQUE,
  {_computed(_FOUND_BY, "STORED")},
  n_turns INTEGER NOT NULL,
  input_tokens INTEGER,
  cache_read_input_tokens INTEGER,
  cache_write_input_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_output_tokens INTEGER,
  cost_usd REAL,
  cost_nocache_usd REAL,
  places TEXT NOT NULL,
  payload TEXT NOT NULL,
  {_computed(_RUN_COLUMNS)}
)""",
    f"""CREATE TABLE messages (
  message INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  parent_hash TEXT,
  payload TEXT NOT NULL,
  {_computed({"TEXT": "role kind text"})}
)""",
    """CREATE TABLE blobs (
  run INTEGER NOT NULL, kind TEXT NOT NULL, codec TEXT NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (run, kind)
)""",
    _view("turns", _TURN_COLUMNS),
    _view("scores", _SCORE_COLUMNS),
    """CREATE VIEW run_messages AS SELECT runs.run, runs.cell_key, entry.key AS position,
  json_extract(entry.value, '$[0]') AS hash,
  json_extract(entry.value, '$[1]') AS tokens,
  json_extract(entry.value, '$[2]') AS segment
FROM runs, json_each(runs.places) AS entry""",
)
_KEYS_AND_SEGMENTS: Final = (
    "ALTER TABLE runs ADD COLUMN key_parts TEXT",
    "CREATE TABLE part_texts (hash TEXT PRIMARY KEY, readable TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE segments (
  segment TEXT PRIMARY KEY, bytes_read INTEGER NOT NULL, unreadable INTEGER NOT NULL
) WITHOUT ROWID""",
)

STEPS: Final[tuple[tuple[str, ...], ...]] = (_RUNS, _KEYS_AND_SEGMENTS)
"""What brings a store from each version to the next: the first makes version 1 of an empty file."""

SCHEMA_VERSION: Final = len(STEPS)


def migrate(connection: sqlite3.Connection, path: str, steps: Iterable[tuple[str, ...]] = STEPS) -> int:
    """Bring a store to the newest schema, whole or not at all. The caller holds the transaction.

    Args:
        connection: In a transaction that may write.
        path: The file, for errors.
        steps: All steps there are.

    Returns:
        How many steps were taken; 0 where the store was up to date.

    Raises:
        StoreUnusable: The file is a database of something else, or of a newer agentlab.
    """
    version = version_of(connection, path, newest=len(every := tuple(steps)))
    for step in every[version:]:
        for statement in step:
            connection.execute(statement)
    if version < len(every):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(every)}")
    return len(every) - version


def version_of(connection: sqlite3.Connection, path: str, newest: int = SCHEMA_VERSION) -> int:
    """The schema a store has; 0 for an empty file.

    Raises:
        StoreUnusable: The file is a database of something else, or of a newer agentlab.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreUnusable(f"stores need SQLite 3.31 or newer; this Python has {sqlite3.sqlite_version}")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if mark != APPLICATION_ID and (tables or version or mark):
        raise StoreUnusable(
            f"{path} is an SQLite database of something else, not a store of runs; name another file"
        )
    if version > newest:
        raise StoreUnusable(
            f"{path} was written by a newer agentlab (store version {version}; this one reads up to {newest}): "
            "upgrade agentlab, or name another file. Nothing in it was changed."
        )
    return version
