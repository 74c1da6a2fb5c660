"""SQLite with the extension sqlite-vec: one file, exact search, filters over JSON."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agentlab.errors import MissingExtra, StoreUnusable, UsageError
from agentlab.retrieval.filters import Filter, Value
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import PreparedDocument, Vector, read_document
from agentlab.retrieval.stores.sql_filters import Condition, sql_condition

__all__ = ["SqliteVectorStore"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS store (dimensions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS vectors (
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE, vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS vectors_of_document ON vectors (document);
"""

# Grouped before the documents are read, so that only what is shown is read. A group of one row keeps its row's order.
_NEAREST: Final = """
WITH best AS (
    SELECT document AS number, MAX(1 - vec_distance_cosine(vector, ?)) AS score FROM vectors {where} GROUP BY document
)
SELECT score, id, documents.document, metadata FROM best JOIN documents USING (number)
WHERE score >= ? ORDER BY score DESC, number LIMIT ?
"""
_PASSING: Final = "WHERE document IN (SELECT number FROM documents WHERE {condition})"

_DRIVERS: Final = ("sqlite3", "pysqlite3")


class SqliteVectorStore(BlockingStore):
    """Documents and vectors in a SQLite file.

    The driver must be able to load extensions: Python's own `sqlite3` where it was built so, else `pysqlite3`
    (`pip install 'agentlab[sqlite]'` brings it on Linux).

    Args:
        path: The file; `":memory:"` keeps nothing.
        dimensions: Width of the vectors; None where the first document, or the file, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.path = path
        self._connection: Any = None
        self._wanted_dimensions = dimensions

    def _open(self) -> None:
        self._connection, error = _connect(self.path)
        try:
            self._connection.executescript("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;" + _SCHEMA)
            kept = self._connection.execute("SELECT dimensions FROM store").fetchone()
        except error as failure:
            self._connection.close()
            raise StoreUnusable(f"{self.path} cannot be used as a store: {failure}") from failure
        if kept and self._wanted_dimensions not in {None, kept[0]}:
            self._connection.close()
            raise UsageError(
                f"{self.path} holds vectors of {kept[0]} dimensions, not {self._wanted_dimensions}"
            )
        self._dimensions = kept[0] if kept else self._wanted_dimensions

    def _shut(self) -> None:
        self._connection.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        with self._connection as connection:
            connection.execute(
                "INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store)", [self._dimensions]
            )
            connection.executemany("DELETE FROM documents WHERE id = ?", [[each.id] for each in documents])
            for each in documents:
                number = connection.execute(
                    "INSERT INTO documents (id, document, metadata) VALUES (?, ?, ?)",
                    [each.id, each.document_json, each.metadata_json],
                ).lastrowid
                rows = [(number, vector.tobytes()) for vector in each.vectors]
                connection.executemany("INSERT INTO vectors VALUES (?, ?)", rows)

    def _erase(self, ids: Sequence[str]) -> int:
        with self._connection as connection:
            removed = connection.execute(
                "DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))]
            )
            return int(removed.rowcount)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows = self._connection.execute(
            "SELECT number, id, document, metadata FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps(list(ids))],
        ).fetchall()
        for number, name, document, metadata in rows:
            vectors = self._connection.execute(
                "SELECT vector FROM vectors WHERE document = ? ORDER BY rowid", [number]
            )
            joined = b"".join(vector for (vector,) in vectors)
            matrix = np.frombuffer(joined, dtype=np.float32).reshape(-1, self._dimensions or 0)
            yield read_document(name, document, metadata, matrix)

    def _size(self) -> int:
        return int(self._connection.execute("SELECT COUNT(*) FROM documents").fetchone()[0])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition, values = sql_condition(filter, _Json())
        where = _PASSING.format(condition=condition) if filter is not None else ""
        least = -2.0 if threshold is None else threshold - SCORE_SLACK
        rows = self._connection.execute(_NEAREST.format(where=where), [query.tobytes(), *values, least, n])
        return [
            Hit(min(1.0, max(-1.0, score)), name, json.loads(document), json.loads(metadata))
            for score, name, document, metadata in rows
        ]


class _Json:
    """SQLite's JSON functions. `json_each` takes the key as a parameter, whatever characters it has."""

    _HAS = "EXISTS (SELECT 1 FROM json_each(metadata) AS pair WHERE pair.key = ? AND {0})"

    def equals(self, key: str, value: Value) -> Condition:
        match value:
            case None:
                sql = self._HAS.format("pair.type <> 'null'")
                return f"NOT {sql}", [key]
            case bool():
                return self._HAS.format("pair.type = ?"), [key, "true" if value else "false"]
            case _:
                return self.ordered(key, "=", value)

    def ordered(self, key: str, sign: str, value: str | float) -> Condition:
        types = "('text')" if isinstance(value, str) else "('integer', 'real')"
        return self._HAS.format(f"pair.type IN {types} AND pair.value {sign} ?"), [key, value]


def _connect(path: str | Path) -> tuple[Any, type[Exception]]:
    """A connection with sqlite-vec in it, and the driver's base error.

    Raises:
        MissingExtra: sqlite-vec, or a driver that loads extensions, is not installed.
        StoreUnusable: The file cannot be opened.
    """
    try:
        import sqlite_vec  # noqa: PLC0415 - an optional package
    except ImportError:
        raise missing_extra("SqliteVectorStore", "sqlite-vec", "sqlite") from None
    for name in _DRIVERS:
        try:
            driver: Any = importlib.import_module(name)
        except ImportError:
            continue
        if not hasattr(driver.Connection, "enable_load_extension"):
            continue
        try:
            connection = driver.connect(path, check_same_thread=False)
        except driver.Error as error:
            raise StoreUnusable(f"{path} cannot be opened: {error}") from error
        connection.enable_load_extension(True)
        sqlite_vec.load(connection)
        connection.enable_load_extension(False)
        return connection, driver.Error
    raise MissingExtra(
        "this Python's sqlite3 cannot load extensions, and `pysqlite3` is not installed: "
        "pip install 'agentlab[sqlite]' brings it on Linux; elsewhere use a Python from python.org or conda"
    )
