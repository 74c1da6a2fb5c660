"""Qdrant: a server, or the client's own engine in this process."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agentlab.errors import UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector
from agentlab.retrieval.stores.ranked_rows import Row, best_hits, documents_of
from agentlab.retrieval.stores.typed_fields import (
    AllOf,
    AnyOf,
    Compares,
    Has,
    Lacks,
    TypedCondition,
    no_order,
    typed_condition,
    typed_fields,
)

__all__ = ["QdrantVectorStore"]

_VECTOR: Final = "embedding"
_IDS: Final = uuid.UUID(
    "7f2f9c4e-7c0e-5b7e-9d9b-1f1f5a0a4d11"
)  # names the ids of points; any fixed one will do
_BATCH: Final = 256
_RANGES: Final = {">": "gt", "<": "lt", ">=": "gte", "<=": "lte"}


class QdrantVectorStore(BlockingStore):
    """Documents in a collection of Qdrant, one point a document, whose best vector counts.

    Without a server the client keeps everything in this process and scans it; it is meant for up to 20,000 documents.
    Text cannot be filtered by its order.

    Args:
        location: `":memory:"`, a folder as a `Path`, or a server's URL.
        collection: Name of the collection; made where it is missing.
        api_key: The server's key, where it asks for one.
        dimensions: Width of the vectors; None where the first document, or the collection, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        location: str | Path = ":memory:",
        collection: str = "documents",
        *,
        api_key: str | None = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.location = location
        self.collection = collection
        self._api_key = api_key
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._client: Any = None
        self._models: Any = None

    def _open(self) -> None:
        try:
            from qdrant_client import QdrantClient, models  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("QdrantVectorStore", "qdrant-client", "qdrant") from None
        self._models = models
        if isinstance(self.location, Path):
            self._client = QdrantClient(path=str(self.location), force_disable_check_same_thread=True)
        else:
            self._client = QdrantClient(self.location, api_key=self._api_key)
        if self._client.collection_exists(self.collection):
            kept = self._client.get_collection(self.collection).config.params.vectors[_VECTOR].size
            if self._wanted_dimensions not in {None, kept}:
                self._client.close()
                raise UsageError(f"{self.collection!r} has {kept} dimensions, not {self._wanted_dimensions}")
            self._dimensions = kept
        elif self._dimensions:
            self._create()

    def _create(self) -> None:
        models = self._models
        best = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
        vector = models.VectorParams(
            size=self._dimensions, distance=models.Distance.COSINE, multivector_config=best
        )
        self._client.create_collection(self.collection, vectors_config={_VECTOR: vector})

    def _shut(self) -> None:
        self._client.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        if not self._client.collection_exists(self.collection):
            self._create()
        points = [
            self._models.PointStruct(
                id=_point(each.id),
                vector={_VECTOR: each.vectors.tolist()} if len(each.vectors) else {},
                payload={
                    "id": each.id,
                    "document": each.document_json,
                    "metadata": each.metadata_json,
                    "number": self._order.take(),
                    "fields": typed_fields(each.metadata),
                },
            )
            for each in documents
        ]
        for start in range(0, len(points), _BATCH):
            self._client.upsert(self.collection, points[start : start + _BATCH], wait=True)

    def _erase(self, ids: Sequence[str]) -> int:
        points = [record.id for record in self._records(ids, with_vectors=False)]
        if points:
            self._client.delete(self.collection, self._models.PointIdsList(points=points), wait=True)
        return len(points)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows: list[Row] = []
        for record in self._records(ids, with_vectors=True):
            vectors: list[Any] = list((record.vector or {}).get(_VECTOR, []))
            rows += [
                _row(record, place=place, vector=vector) for place, vector in enumerate(vectors or [None])
            ]
        return documents_of(rows, self._dimensions or 0)

    def _records(self, ids: Sequence[str], *, with_vectors: bool) -> list[Any]:
        points = [_point(each) for each in ids]
        found: list[Any] = []
        for start in range(0, len(points), _BATCH):
            found += self._client.retrieve(
                self.collection,
                points[start : start + _BATCH],
                with_vectors=with_vectors,
                with_payload=True,
            )
        return found

    def _size(self) -> int:
        return int(self._client.count(self.collection, exact=True).count)

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        condition = None if filter is None else self._condition(typed_condition(filter))
        chosen = None if condition is None else self._models.Filter(must=[condition])

        def fetch(count: int) -> list[Row]:
            found = self._client.query_points(
                self.collection,
                query=[query.tolist()],
                using=_VECTOR,
                query_filter=chosen,
                limit=count,
                with_payload=True,
                with_vectors=True,
                score_threshold=None if threshold is None else threshold - SCORE_SLACK,
            )
            # The client's own engine multiplies matrices, where equal vectors may differ in the last bit.
            return [_row(point, score=_best_score(point, query)) for point in found.points]

        return best_hits(fetch, n, threshold)

    def _condition(self, condition: TypedCondition) -> Any:
        models = self._models
        match condition:
            case AllOf(conditions=each):
                return models.Filter(must=[self._condition(one) for one in each])
            case AnyOf(conditions=each):
                return models.Filter(should=[self._condition(one) for one in each])
            case Has(field=field):
                return models.Filter(must_not=[self._condition(Lacks(field))])
            case Lacks(field=field):
                return models.IsEmptyCondition(is_empty=models.PayloadField(key=f"fields.{field}"))
            case Compares(field=field, sign="!=", value=value):
                return models.Filter(must_not=[self._condition(Compares(field, "==", value))])
            case Compares(field=field, sign="==", value=bool() | str() as value):
                return models.FieldCondition(key=f"fields.{field}", match=models.MatchValue(value=value))
            case Compares(value=str()):
                raise no_order("Qdrant", condition)
            case Compares(field=field, sign=sign, value=value):
                bounds = {"gte": value, "lte": value} if sign == "==" else {_RANGES[sign]: value}
                return models.FieldCondition(key=f"fields.{field}", range=models.Range(**bounds))


def _point(name: str) -> str:
    """Points are named by UUIDs; the document's own id is in the payload."""
    return str(uuid.uuid5(_IDS, name))


def _row(record: Any, *, score: float = 0.0, place: int = 0, vector: Sequence[float] | None = None) -> Row:
    kept = record.payload
    return Row(score, kept["number"], place, kept["id"], kept["document"], kept["metadata"], vector)


def _best_score(point: Any, query: Vector) -> float:
    vectors = np.array(point.vector[_VECTOR], dtype=np.float64)
    return float((vectors * query.astype(np.float64)).sum(axis=1).max())
