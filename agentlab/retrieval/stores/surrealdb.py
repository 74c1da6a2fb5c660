"""SurrealDB: a server, or the engine inside the client; exact search by scanning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector
from agentlab.retrieval.stores.ranked_rows import Row, best_hits, documents_of, row_of
from agentlab.retrieval.stores.typed_fields import (
    AllOf,
    AnyOf,
    Compares,
    Has,
    Lacks,
    TypedCondition,
    typed_condition,
    typed_fields,
)

__all__ = ["SurrealVectorStore"]

_TABLES: Final = """
DEFINE TABLE IF NOT EXISTS stored SCHEMALESS;
DEFINE TABLE IF NOT EXISTS vectors SCHEMALESS;
DEFINE INDEX IF NOT EXISTS vectors_name ON vectors FIELDS name;
"""
_COLUMNS: Final = ("number", "place", "name", "document", "metadata")
_SHOWN: Final = ", ".join(_COLUMNS)


class SurrealVectorStore(BlockingStore):
    """Documents in a database of SurrealDB, one record a vector.

    Every search scans the records: exact, and slow above some thousands of documents.

    Args:
        address: `"mem://"`, `"surrealkv://folder"`, or a server's address (`ws://`, `http://`).
        database: Name of the database; made where it is missing.
        namespace: Name of its namespace.
        credentials: What a server is signed in to with, such as `{"username": ..., "password": ...}`.
        dimensions: Width of the vectors; None where the first document, or the database, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str = "mem://",
        database: str = "documents",
        *,
        namespace: str = "agentlab",
        credentials: Mapping[str, str] | None = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.address = address
        self.database = database
        self.namespace = namespace
        self._credentials = credentials
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._client: Any = None

    def _open(self) -> None:
        try:
            from surrealdb import Surreal  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("SurrealVectorStore", "surrealdb", "surrealdb") from None
        self._client = Surreal(self.address)
        if self._credentials is not None:
            self._client.signin(dict(self._credentials))
        self._client.use(self.namespace, self.database)
        self._ask(_TABLES)
        kept = self._ask("SELECT VALUE dimensions FROM ONLY stored:width")
        if kept and self._wanted_dimensions not in {None, kept}:
            self._client.close()
            raise UsageError(f"{self.database!r} has {kept} dimensions, not {self._wanted_dimensions}")
        self._dimensions = kept or self._wanted_dimensions

    def _shut(self) -> None:
        self._client.close()

    def _ask(self, statement: str, **values: Any) -> Any:
        return self._client.query(statement, values)

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        self._ask("UPSERT stored:width SET dimensions = $width", width=self._dimensions)
        self._erase([document.id for document in documents])
        self._ask(
            "INSERT INTO vectors $rows RETURN NONE",
            rows=[row for each in documents for row in self._rows(each)],
        )

    def _rows(self, document: PreparedDocument) -> Iterable[dict[str, Any]]:
        number, fields = self._order.take(), typed_fields(document.metadata)
        vectors: list[list[float] | None] = [*document.vectors.tolist()] or [None]
        for place, vector in enumerate(vectors):
            yield {
                "number": number,
                "place": place,
                "name": document.id,
                "document": document.document_json,
                "metadata": document.metadata_json,
                "fields": fields,
            } | ({} if vector is None else {"vector": vector})

    def _erase(self, ids: Sequence[str]) -> int:
        removed = self._ask("DELETE vectors WHERE name IN $ids RETURN BEFORE", ids=list(ids))
        return len({row["name"] for row in removed})

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        found = self._ask(f"SELECT {_SHOWN}, vector FROM vectors WHERE name IN $ids", ids=list(ids))  # noqa: S608 - ours
        return documents_of(
            [row_of(each, _COLUMNS, 0.0, each.get("vector")) for each in found], self._dimensions or 0
        )

    def _size(self) -> int:
        found = self._ask("SELECT count() FROM vectors WHERE place = 0 GROUP ALL")
        return int(found[0]["count"]) if found else 0

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        values: dict[str, Any] = {"query": query.tolist()}
        condition = "vector != NONE"
        if filter is not None:
            condition += f" AND {_condition(typed_condition(filter), values)}"

        def fetch(count: int) -> list[Row]:
            found = self._ask(
                f"SELECT {_SHOWN}, vector::dot(vector, $query) AS score FROM vectors"  # noqa: S608 - values are bound
                f" WHERE {condition} ORDER BY score DESC, number LIMIT {count}",
                **values,
            )
            return [row_of(each, _COLUMNS, each["score"]) for each in found]

        return best_hits(fetch, n, threshold)


def _condition(condition: TypedCondition, values: dict[str, Any]) -> str:
    """The condition in SurrealQL; `values` gets what it compares with."""
    match condition:
        case AllOf(conditions=each):
            return f"({' AND '.join(_condition(one, values) for one in each)})"
        case AnyOf(conditions=each):
            return f"({' OR '.join(_condition(one, values) for one in each)})"
        case Has(field=field):
            return f"fields.{field} != NONE"
        case Lacks(field=field):
            return f"fields.{field} = NONE"
        case Compares(field=field, sign=sign, value=value):
            name = f"value{len(values)}"
            values[name] = value
            return (
                f"(fields.{field} != NONE AND fields.{field} {sign} ${name})"  # NONE is less than everything
            )
