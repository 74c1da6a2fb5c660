"""PostgreSQL with the extension pgvector: exact search, filters over jsonb."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from agentlab.errors import StoreUnusable, UsageError
from agentlab.retrieval.filters import Filter, Value
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import PreparedDocument, Vector, read_document
from agentlab.retrieval.stores.sql_filters import Condition, sql_condition

__all__ = ["PostgresVectorStore"]

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,49}")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS {name} (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, metadata JSONB NOT NULL
);
CREATE TABLE IF NOT EXISTS {name}_vectors (
    number BIGINT NOT NULL REFERENCES {name} ON DELETE CASCADE, place INTEGER NOT NULL, vector VECTOR({dimensions}),
    PRIMARY KEY (number, place)
);
"""
_WIDTH: Final = """
SELECT atttypmod FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'vector'
"""
_NEAREST: Final = """
WITH best AS (
    SELECT number, MAX(1 - (vector <=> %s::vector)) AS score FROM {name}_vectors
    WHERE number IN (SELECT number FROM {name} WHERE {condition}) GROUP BY number
    HAVING MAX(1 - (vector <=> %s::vector)) >= %s ORDER BY score DESC, number LIMIT %s
)
SELECT score, id, document, metadata::TEXT FROM best JOIN {name} USING (number) ORDER BY score DESC, number
"""


class PostgresVectorStore(BlockingStore):
    """Documents and vectors in two tables of a PostgreSQL database, `name` and `name_vectors`.

    The extension `vector` (pgvector) must be installed, or installable by the user who connects. Search is exact; with
    millions of vectors give the tables an index of their own and ask them in SQL.

    Args:
        address: A connection string or URI, as `psycopg.connect` takes it.
        name: Name of the tables: lower case letters, digits and underscores.
        dimensions: Width of the vectors; None where the first document, or the table, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str,
        name: str = "documents",
        *,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for tables here: lower case letters, digits, underscores, 50 at most"
            )
        self.name = name
        self._address = address
        self._wanted_dimensions = dimensions
        self._connection: Any = None

    def _open(self) -> None:
        try:
            import psycopg  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("PostgresVectorStore", "psycopg", "pgvector") from None
        try:
            self._connection = psycopg.connect(self._address, autocommit=True)
        except psycopg.Error as error:
            raise StoreUnusable(f"PostgreSQL cannot be reached: {error}") from error
        try:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            kept = self._connection.execute(_WIDTH, [f"{self.name}_vectors"]).fetchone()
        except psycopg.Error as error:
            self._connection.close()
            raise StoreUnusable(f"the database has no pgvector, or cannot be read: {error}") from error
        if kept and self._wanted_dimensions not in {None, kept[0]}:
            self._connection.close()
            raise UsageError(
                f"the table {self.name}_vectors has {kept[0]} dimensions, not {self._wanted_dimensions}"
            )
        self._dimensions = kept[0] if kept else self._wanted_dimensions
        if self._dimensions:
            self._connection.execute(_SCHEMA.format(name=self.name, dimensions=self._dimensions))

    def _shut(self) -> None:
        self._connection.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        self._connection.execute(_SCHEMA.format(name=self.name, dimensions=self._dimensions))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self.name} WHERE id = ANY(%s)", [[each.id for each in documents]])  # noqa: S608 - the name was checked
            cursor.executemany(
                f"INSERT INTO {self.name} (id, document, metadata) VALUES (%s, %s, %s::jsonb) RETURNING number",  # noqa: S608 - the name was checked
                [(each.id, each.document_json, each.metadata_json) for each in documents],
                returning=True,
            )
            numbers = []
            for _ in documents:
                numbers.append(cursor.fetchone()[0])
                cursor.nextset()
            with cursor.copy(f"COPY {self.name}_vectors (number, place, vector) FROM STDIN") as copy:
                for number, each in zip(numbers, documents, strict=True):
                    for place, vector in enumerate(each.vectors):
                        copy.write_row((number, place, _literal(vector)))

    def _erase(self, ids: Sequence[str]) -> int:
        removed = self._connection.execute(f"DELETE FROM {self.name} WHERE id = ANY(%s)", [list(ids)])  # noqa: S608 - the name was checked
        return int(removed.rowcount)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows = self._connection.execute(
            f"SELECT id, document, metadata::TEXT,"  # noqa: S608 - the name was checked
            f" ARRAY(SELECT vector::REAL[] FROM {self.name}_vectors AS v WHERE v.number = d.number ORDER BY place)"
            f" FROM {self.name} AS d WHERE id = ANY(%s)",
            [list(ids)],
        ).fetchall()
        for name, document, metadata, vectors in rows:
            matrix = np.array(vectors, dtype=np.float32).reshape(-1, self._dimensions or 0)
            yield read_document(name, document, metadata, matrix)

    def _size(self) -> int:
        return int(self._connection.execute(f"SELECT COUNT(*) FROM {self.name}").fetchone()[0])  # noqa: S608 - the name was checked

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition, values = sql_condition(filter, _Jsonb())
        least = -2.0 if threshold is None else threshold - SCORE_SLACK
        asked = _literal(query)
        rows = self._connection.execute(
            _NEAREST.format(name=self.name, condition=condition), [asked, *values, asked, least, n]
        )
        return [
            Hit(min(1.0, max(-1.0, score)), name, json.loads(document), json.loads(metadata))
            for score, name, document, metadata in rows
        ]


class _Jsonb:
    """PostgreSQL's jsonb. `CASE` keeps a cast from being tried on values of another kind."""

    def equals(self, key: str, value: Value) -> Condition:
        if value is None:
            return "COALESCE(jsonb_typeof(metadata -> %s), 'null') = 'null'", [key]
        return "COALESCE(metadata -> %s = %s::jsonb, FALSE)", [key, json.dumps(value)]

    def ordered(self, key: str, sign: str, value: str | float) -> Condition:
        if isinstance(value, str):
            kind, found, wanted = "string", '(metadata ->> %s) COLLATE "C"', "%s"
        else:
            kind, found, wanted = "number", "(metadata ->> %s)::numeric", "%s::numeric"
        sql = f"CASE WHEN jsonb_typeof(metadata -> %s) = '{kind}' THEN {found} {sign} {wanted} ELSE FALSE END"
        return sql, [key, key, value]


def _literal(vector: Vector) -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
