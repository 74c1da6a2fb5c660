"""Chroma: a folder, memory or a server; a graph index (HNSW) that searches approximately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agentlab.errors import UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit
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

__all__ = ["ChromaVectorStore"]

_BATCH: Final = 500
_EXPANSION: Final = 200  # neighbours that the graph looks at; Chroma's own 100 misses more
_OPERATORS: Final = {"==": "$eq", "!=": "$ne", ">": "$gt", "<": "$lt", ">=": "$gte", "<=": "$lte"}
_HIDDEN: Final = -1  # the place of a document that has no vector to be found by


class ChromaVectorStore(BlockingStore):
    """Documents in a collection of Chroma, one record a vector.

    Search is approximate: of the nearest documents one in a hundred may be missed. Text cannot be filtered by its order.
    Chroma's own embedding function, which downloads a model, is never used.

    Args:
        path: A folder; None keeps everything in memory, for this process.
        collection: Name of the collection, 3 to 512 characters; made where it is missing.
        client: A client of yours, such as `chromadb.HttpClient(...)`, in place of `path`.
        dimensions: Width of the vectors; None where the first document, or the collection, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        collection: str = "documents",
        *,
        client: Any = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.path = path
        self.collection = collection
        self._client: Any = client
        self._owned = client is None
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._records: Any = None

    def _open(self) -> None:
        try:
            import chromadb  # noqa: PLC0415 - an optional package
            from chromadb.config import Settings  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("ChromaVectorStore", "chromadb", "chroma") from None
        if self._owned:
            settings = Settings(anonymized_telemetry=False)
            self._client = (
                chromadb.EphemeralClient(settings=settings)
                if self.path is None
                else chromadb.PersistentClient(path=str(self.path), settings=settings)
            )
        self._records = self._client.get_or_create_collection(
            self.collection,
            embedding_function=None,
            configuration={
                "hnsw": {"space": "cosine", "ef_search": _EXPANSION, "ef_construction": _EXPANSION}
            },
        )
        some = self._records.get(limit=1, include=["embeddings"])["embeddings"]
        kept = len(some[0]) if len(some) else None
        if kept and self._wanted_dimensions not in {None, kept}:
            self._shut()
            raise UsageError(f"{self.collection!r} has {kept} dimensions, not {self._wanted_dimensions}")
        self._dimensions = kept or self._wanted_dimensions

    def _shut(self) -> None:
        if self._owned:
            self._client.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        self._erase([document.id for document in documents])
        records: list[tuple[str, Any, str, dict[str, Any]]] = []
        for document in documents:
            number = self._order.take()
            fields = typed_fields(document.metadata)
            kept = {
                "id": document.id,
                "number": number,
                "metadata": document.metadata_json,
                **fields,
                **{f"has_{field}": True for field in fields},
            }
            # A record must have a vector; the first axis stands for none, in a place that no search looks at.
            vectors = (
                document.vectors if len(document.vectors) else np.eye(1, self._dimensions, dtype=np.float32)
            )
            first = 0 if len(document.vectors) else _HIDDEN
            records += [
                (f"{number}-{place}", vector, document.document_json, {**kept, "place": place})
                for place, vector in enumerate(vectors, first)
            ]
        for start in range(0, len(records), _BATCH):
            names, rows, texts, kept_of = zip(*records[start : start + _BATCH], strict=True)
            self._records.add(
                ids=list(names), embeddings=list(rows), documents=list(texts), metadatas=list(kept_of)
            )

    def _erase(self, ids: Sequence[str]) -> int:
        removed = 0
        for start in range(0, len(ids), _BATCH):
            found = self._records.get(where=_one_of(ids[start : start + _BATCH]), include=["metadatas"])
            removed += len({kept["id"] for kept in found["metadatas"]})
            for first in range(0, len(found["ids"]), _BATCH):
                self._records.delete(ids=found["ids"][first : first + _BATCH])
        return removed

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        rows: list[Row] = []
        for start in range(0, len(ids), _BATCH):
            found = self._records.get(
                where=_one_of(ids[start : start + _BATCH]), include=["metadatas", "documents", "embeddings"]
            )
            for kept, text, vector in zip(
                found["metadatas"], found["documents"], found["embeddings"], strict=True
            ):
                rows.append(_row(kept, text, 0.0, None if kept["place"] == _HIDDEN else vector))
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        return len(self._records.get(where={"place": {"$lte": 0}}, include=[])["ids"])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        where: dict[str, Any] = {"place": {"$gte": 0}}
        if filter is not None:
            where = {"$and": [where, _where(typed_condition(filter))]}

        def fetch(count: int) -> list[Row]:
            found = self._records.query(
                query_embeddings=[query],
                n_results=count,
                where=where,
                include=["metadatas", "documents", "distances"],
            )
            columns = (found[name][0] for name in ("metadatas", "documents", "distances"))
            return [_row(kept, text, 1.0 - distance) for kept, text, distance in zip(*columns, strict=True)]

        return best_hits(fetch, n, threshold)


def _row(kept: dict[str, Any], text: str, score: float, vector: Any = None) -> Row:
    return Row(score, kept["number"], kept["place"], kept["id"], text, kept["metadata"], vector)


def _one_of(ids: Sequence[str]) -> dict[str, Any]:
    return {"id": {"$in": list(ids)}}


def _where(condition: TypedCondition) -> dict[str, Any]:
    match condition:
        case AllOf(conditions=each):
            return {"$and": [_where(one) for one in each]}
        case AnyOf(conditions=each):
            return {"$or": [_where(one) for one in each]}
        case Has(field=field):
            return {f"has_{field}": {"$eq": True}}
        case Lacks(field=field):
            return {f"has_{field}": {"$ne": True}}  # also where there is no such field
        case Compares(sign=">" | "<" | ">=" | "<=", value=str()):
            raise no_order("Chroma", condition)
        case Compares(field=field, sign=sign, value=value):
            return {field: {_OPERATORS[sign]: value}}
