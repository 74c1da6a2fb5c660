"""LanceDB: columnar files on disk or in an object store, exact search, filters by JSON paths."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
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

__all__ = ["LanceDbVectorStore"]

_BATCH: Final = 500  # ids in one condition
_COLUMNS: Final = ("number", "place", "id", "document", "metadata")


class LanceDbVectorStore(BlockingStore):
    """Documents in a table of LanceDB, one row a vector.

    Args:
        address: A folder, `"memory://"`, or an address in an object store, as `lancedb.connect` takes it.
        table: Name of the table; made where it is missing.
        dimensions: Width of the vectors; None where the first document, or the table, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str | Path,
        table: str = "documents",
        *,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.address = address
        self.table = table
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._database: Any = None
        self._table: Any = None
        self._arrow: Any = None

    def _open(self) -> None:
        try:
            import lancedb  # noqa: PLC0415 - an optional package
            import pyarrow  # noqa: ICN001, PLC0415 - an optional package
        except ImportError as error:
            raise missing_extra("LanceDbVectorStore", error.name or "lancedb", "lancedb") from None
        self._arrow = pyarrow
        self._database = lancedb.connect(self.address)
        if self.table in self._database.list_tables().tables:
            self._table = self._database.open_table(self.table)
            kept = self._table.schema.field("vector").type.list_size
            if self._wanted_dimensions not in {None, kept}:
                raise UsageError(f"{self.table!r} has {kept} dimensions, not {self._wanted_dimensions}")
            self._dimensions = kept
        elif self._dimensions:
            self._create()

    def _create(self) -> None:
        self._table = self._database.create_table(self.table, schema=self._schema())

    def _schema(self) -> Any:
        arrow = self._arrow
        return arrow.schema([
            ("number", arrow.int64()),
            ("place", arrow.int32()),
            ("id", arrow.utf8()),
            ("document", arrow.utf8()),
            ("metadata", arrow.utf8()),
            ("fields", arrow.json_()),
            arrow.field("vector", arrow.list_(arrow.float32(), self._dimensions), nullable=True),
        ])  # fmt: skip

    def _shut(self) -> None:
        self._table = self._database = None

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        if self._table is None:
            self._create()
        rows = []
        for document in documents:
            number, fields = self._order.take(), json.dumps(typed_fields(document.metadata))
            # A document without a direction has one row without a vector, which no search finds.
            for place, vector in enumerate(document.vectors.tolist() or [None]):
                rows.append(
                    (
                        number,
                        place,
                        document.id,
                        document.document_json,
                        document.metadata_json,
                        fields,
                        vector,
                    )
                )
        schema = self._schema()
        columns = zip(*rows, strict=True)
        arrays = [
            self._arrow.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)
        ]
        self._remove([document.id for document in documents])
        self._table.add(self._arrow.table(arrays, schema=schema))

    def _remove(self, ids: Sequence[str]) -> None:
        for condition in _conditions(ids):
            self._table.delete(condition)

    def _erase(self, ids: Sequence[str]) -> int:
        stored = sum(self._table.count_rows(f"place = 0 AND {condition}") for condition in _conditions(ids))
        self._remove(ids)
        return int(stored)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows: list[Row] = []
        for condition in _conditions(ids):
            found = self._table.search().where(condition).select([*_COLUMNS, "vector"]).limit(None).to_list()
            rows += [row_of(each, _COLUMNS, 0.0, each["vector"]) for each in found]
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        return int(self._table.count_rows("place = 0"))

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition = "vector IS NOT NULL"
        if filter is not None:
            condition += f" AND {_sql(typed_condition(filter))}"

        def fetch(count: int) -> list[Row]:
            asked = self._table.search(query, vector_column_name="vector").distance_type("cosine")
            asked = asked.bypass_vector_index().where(condition, prefilter=True)
            found = asked.select([*_COLUMNS, "_distance"]).limit(count).to_list()
            return [row_of(each, _COLUMNS, 1.0 - each["_distance"]) for each in found]

        return best_hits(fetch, n, threshold)


def _conditions(ids: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(ids), _BATCH):
        yield f"id IN ({', '.join(map(_quoted, ids[start : start + _BATCH]))})"


def _sql(condition: TypedCondition) -> str:
    match condition:
        case AllOf(conditions=each):
            return f"({' AND '.join(map(_sql, each))})"
        case AnyOf(conditions=each):
            return f"({' OR '.join(map(_sql, each))})"
        case Has(field=field):
            return f"json_exists(fields, '$.{field}')"
        case Lacks(field=field):
            return f"NOT json_exists(fields, '$.{field}')"
        case Compares(field=field, sign=sign, value=value):
            # NULL where the field is missing, which counts as false: nothing in the tree negates it.
            kind = {str: "string", bool: "bool", float: "float"}[type(value)]
            return f"json_get_{kind}(fields, '{field}') {sign.replace('==', '=')} {_literal(value)}"


def _literal(value: str | float | bool) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value).lower()


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
