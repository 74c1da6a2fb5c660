"""DuckDB: exact search in one file, filters over JSON; needs no extension."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agentlab.errors import StoreUnusable, UsageError
from agentlab.retrieval.filters import Filter, Value
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector, read_document
from agentlab.retrieval.stores.sql_filters import Condition, sql_condition

__all__ = ["DuckDbVectorStore"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS documents (number BIGINT, id VARCHAR, document VARCHAR, metadata JSON);
CREATE TABLE IF NOT EXISTS vectors (number BIGINT, place INTEGER, vector FLOAT[{dimensions}]);
"""
_WIDTH: Final = """
SELECT regexp_extract(data_type, '\\[(\\d+)\\]', 1)::INTEGER FROM duckdb_columns()
WHERE database_name = current_database() AND table_name = 'vectors' AND column_name = 'vector'
"""
_NEAREST: Final = """
WITH best AS (
    SELECT number, MAX(array_inner_product(vector, ?::FLOAT[{dimensions}])) AS score FROM vectors
    WHERE number IN (SELECT number FROM documents WHERE {condition}) GROUP BY number
    HAVING score >= ? ORDER BY score DESC, number LIMIT ?
)
SELECT score, id, document, metadata::VARCHAR FROM best JOIN documents USING (number) ORDER BY score DESC, number
"""


class DuckDbVectorStore(BlockingStore):
    """Documents and vectors in a DuckDB file, beside whatever tables it has.

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
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._connection: Any = None

    def _open(self) -> None:
        try:
            import duckdb  # noqa: PLC0415 - an optional package
            import pyarrow  # noqa: ICN001, PLC0415 - an optional package
        except ImportError as error:
            raise missing_extra("DuckDbVectorStore", error.name or "duckdb", "duckdb") from None
        self._arrow = pyarrow
        try:
            self._connection = duckdb.connect(str(self.path))
        except duckdb.Error as error:
            raise StoreUnusable(f"{self.path} cannot be opened by DuckDB: {error}") from error
        kept = self._connection.execute(_WIDTH).fetchone()
        if kept and self._wanted_dimensions not in {None, kept[0]}:
            self._connection.close()
            raise UsageError(
                f"{self.path} holds vectors of {kept[0]} dimensions, not {self._wanted_dimensions}"
            )
        self._dimensions = kept[0] if kept else self._wanted_dimensions
        if self._dimensions:
            self._connection.execute(_SCHEMA.format(dimensions=self._dimensions))

    def _shut(self) -> None:
        self._connection.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        connection = self._connection
        connection.execute(_SCHEMA.format(dimensions=self._dimensions))
        numbered = [(self._order.take(), each) for each in documents]
        fields = [(number, each.id, each.document_json, each.metadata_json) for number, each in numbered]
        rows = [
            (number, place, vector) for number, each in numbered for place, vector in enumerate(each.vectors)
        ]
        connection.begin()
        try:
            self._remove([each.id for each in documents])
            self._append("documents", ("number", "id", "document", "metadata"), fields)
            self._append("vectors", ("number", "place", "vector"), rows)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _append(self, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """By Arrow: statements row by row take a millisecond each."""
        if rows:
            columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            self._connection.register("appended", self._arrow.table(columns))
            self._connection.execute(f"INSERT INTO {table} SELECT * FROM appended")  # noqa: S608 - ours
            self._connection.unregister("appended")

    def _erase(self, ids: Sequence[str]) -> int:
        self._connection.begin()
        try:
            removed = self._remove(ids)
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        return removed

    def _remove(self, ids: Sequence[str]) -> int:
        self._connection.execute(
            "DELETE FROM vectors WHERE number IN"
            " (SELECT number FROM documents WHERE id IN (SELECT unnest(?::VARCHAR[])))",
            [list(ids)],
        )
        removed = self._connection.execute(
            "DELETE FROM documents WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
        )
        return int(removed.fetchone()[0])

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows = self._connection.execute(
            "SELECT id, document, metadata::VARCHAR,"
            " (SELECT list(vector ORDER BY place) FROM vectors WHERE vectors.number = documents.number)"
            " FROM documents WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [list(ids)],
        ).fetchall()
        for name, document, metadata, vectors in rows:
            matrix = np.array(vectors or [], dtype=np.float32).reshape(-1, self._dimensions or 0)
            yield read_document(name, document, metadata, matrix)

    def _size(self) -> int:
        return int(self._connection.execute("SELECT COUNT(*) FROM documents").fetchone()[0])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition, values = sql_condition(filter, _Json())
        least = -2.0 if threshold is None else threshold - SCORE_SLACK
        rows = self._connection.execute(
            _NEAREST.format(condition=condition, dimensions=self._dimensions),
            [query.tolist(), *values, least, n],
        ).fetchall()
        return [
            Hit(min(1.0, max(-1.0, score)), name, json.loads(document), json.loads(metadata))
            for score, name, document, metadata in rows
        ]


class _Json:
    """DuckDB's JSON functions, which take a key as a JSON pointer, whatever characters it has."""

    def equals(self, key: str, value: Value) -> Condition:
        match value:
            case None:
                return "COALESCE(json_type(metadata, ?), 'NULL') = 'NULL'", [_pointer(key)]
            case bool():
                return self._typed(key, "('BOOLEAN')", "VARCHAR", "=", "true" if value else "false")
            case _:
                return self.ordered(key, "=", value)

    def ordered(self, key: str, sign: str, value: str | float) -> Condition:
        if isinstance(value, str):
            return self._typed(key, "('VARCHAR')", "VARCHAR", sign, value)
        return self._typed(key, "('UBIGINT', 'BIGINT', 'DOUBLE')", "DOUBLE", sign, float(value))

    def _typed(self, key: str, kinds: str, sql_type: str, sign: str, value: str | float) -> Condition:
        sql = (
            f"CASE WHEN json_type(metadata, ?) IN {kinds}"
            f" THEN CAST(json_extract_string(metadata, ?) AS {sql_type}) {sign} ? ELSE FALSE END"
        )
        return sql, [_pointer(key), _pointer(key), value]


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
