"""Milvus: a server, or Milvus Lite in one file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

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

__all__ = ["MilvusVectorStore"]

_BATCH: Final = 500
_MOST_ROWS: Final = 16_384  # Milvus gives no more at once
_MOST_BYTES: Final = 65_535  # of a text field
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_HIDDEN: Final = -1  # the place of a document that has no vector to be found by
_COLUMNS: Final = ("number", "place", "id", "document", "metadata")


class MilvusVectorStore(BlockingStore):
    """Documents in a collection of Milvus, one entity a vector; exact search (index `FLAT`).

    Milvus keeps at most 65,535 bytes of a document and of its metadata. Milvus Lite holds its file until the process ends,
    also when the store is closed: another store of the same process may be using it.

    Args:
        address: A file for Milvus Lite, its name ending in `.db`, or a server's URI.
        collection: Name of the collection, letters, digits and underscores; made where it is missing.
        token: The server's token, where it asks for one.
        dimensions: Width of the vectors; None where the first document, or the collection, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str | Path,
        collection: str = "documents",
        *,
        token: str = "",
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        if not _NAME.fullmatch(collection):
            raise UsageError(
                f"{collection!r} is no name for a collection of Milvus: letters, digits, underscores"
            )
        self.address = address
        self.collection = collection
        self._token = token
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._client: Any = None

    def _open(self) -> None:
        try:
            from pymilvus import MilvusClient  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("MilvusVectorStore", "pymilvus", "milvus") from None
        self._client = MilvusClient(str(self.address), token=self._token)
        if self._client.has_collection(self.collection):
            fields = self._client.describe_collection(self.collection)["fields"]
            kept = next(field["params"]["dim"] for field in fields if field["name"] == "vector")
            if self._wanted_dimensions not in {None, int(kept)}:
                self._client.close()
                raise UsageError(f"{self.collection!r} has {kept} dimensions, not {self._wanted_dimensions}")
            self._dimensions = int(kept)
            self._client.load_collection(self.collection)
        elif self._dimensions:
            self._create()

    def _create(self) -> None:
        from pymilvus import DataType  # noqa: PLC0415 - an optional package

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("number", DataType.INT64)
        schema.add_field("place", DataType.INT32)
        for name in ("id", "document", "metadata"):
            schema.add_field(name, DataType.VARCHAR, max_length=_MOST_BYTES)
        schema.add_field("fields", DataType.JSON)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimensions)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="COSINE")
        self._client.create_collection(
            self.collection, schema=schema, index_params=index, consistency_level="Strong"
        )

    def _shut(self) -> None:
        self._client.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        for document in documents:
            if max(len(document.document_json.encode()), len(document.metadata_json.encode())) > _MOST_BYTES:
                raise UsageError(
                    f"document {document.id!r} has more than {_MOST_BYTES} bytes, the most that Milvus keeps; split it"
                )
        if not self._client.has_collection(self.collection):
            self._create()
        self._erase([document.id for document in documents])
        rows = [row for document in documents for row in self._rows(document)]
        for start in range(0, len(rows), _BATCH):
            self._client.insert(self.collection, rows[start : start + _BATCH])

    def _rows(self, document: PreparedDocument) -> Iterable[dict[str, Any]]:
        number = self._order.take()
        # An entity must have a vector; the first axis stands for none, in a place that no search looks at.
        vectors = document.vectors if len(document.vectors) else np.eye(1, self._dimensions, dtype=np.float32)
        for place, vector in enumerate(vectors, 0 if len(document.vectors) else _HIDDEN):
            yield {
                "key": f"{number}:{place}",
                "number": number,
                "place": place,
                "id": document.id,
                "document": document.document_json,
                "metadata": document.metadata_json,
                "fields": typed_fields(document.metadata),
                "vector": vector,
            }

    def _erase(self, ids: Sequence[str]) -> int:
        removed = 0
        for condition in _conditions(ids):
            removed += self._counted(f"{condition} and place <= 0")
            self._client.delete(self.collection, filter=condition)
        return removed

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows: list[Row] = []
        for condition in _conditions(ids):
            found = self._client.query(self.collection, filter=condition, output_fields=[*_COLUMNS, "vector"])
            rows += [
                row_of(each, _COLUMNS, 0.0, None if each["place"] == _HIDDEN else each["vector"])
                for each in found
            ]
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        return self._counted("place <= 0")

    def _counted(self, condition: str) -> int:
        found = self._client.query(self.collection, filter=condition, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition = "place >= 0"
        if filter is not None:
            condition += f" and {_expression(typed_condition(filter))}"

        def fetch(count: int) -> list[Row]:
            found = self._client.search(
                self.collection, [query.tolist()], limit=count, filter=condition, output_fields=list(_COLUMNS)
            )
            return [row_of(each["entity"], _COLUMNS, each["distance"]) for each in found[0]]

        return best_hits(fetch, n, threshold, most=_MOST_ROWS)


def _conditions(ids: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(ids), _BATCH):
        yield f"id in [{', '.join(map(_literal, ids[start : start + _BATCH]))}]"


def _expression(condition: TypedCondition) -> str:
    match condition:
        case AllOf(conditions=each):
            return f"({' and '.join(map(_expression, each))})"
        case AnyOf(conditions=each):
            return f"({' or '.join(map(_expression, each))})"
        case Has(field=field):
            return f'(exists fields["{field}"])'
        case Lacks(field=field):
            return f'(not (exists fields["{field}"]))'
        case Compares(field=field, sign=sign, value=value):
            return f'((exists fields["{field}"]) and (fields["{field}"] {sign} {_literal(value)}))'


def _literal(value: str | float | bool) -> str:
    return json.dumps(value, ensure_ascii=False)
