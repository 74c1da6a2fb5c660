"""Amazon S3 Vectors: an index in a vector bucket, searched approximately.

The service runs on AWS alone, so this store was not run against it: it was tested with the real `botocore` over HTTP,
against a server that answers as the documentation says.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-metadata-filtering.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html and botocore's model of the service.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from agentlab.errors import StoreUnusable, UnsupportedCapability, UsageError
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

__all__ = ["S3VectorStore"]

_IDS: Final = uuid.UUID("5b0b7e0e-52c5-5e0c-8a0f-3d4a1f1c9e77")  # names the keys; any fixed one will do
_KEPT: Final = ["id", "number", "vectors", "document", "metadata"]  # what no filter looks at
_MOST_FOUND: Final = 100
_MOST_READ: Final = 100
_MOST_WRITTEN: Final = 100  # fewer than S3's 500, so that a request stays below its 20 MiB
_MOST_DELETED: Final = 500
_MOST_KEYS: Final = 50
_MOST_FILTERABLE: Final = 2048  # bytes
_MOST_METADATA: Final = 40_960
_OPERATORS: Final = {"==": "$eq", "!=": "$ne", ">": "$gt", "<": "$lt", ">=": "$gte", "<=": "$lte"}


class S3VectorStore(BlockingStore):
    """Documents in an index of an S3 vector bucket, one entry a vector.

    Search is approximate, and gives 100 vectors at most: a larger `n` is refused, and documents of many vectors may leave
    fewer than `n`. Of a document, its metadata and what filters see S3 keeps 40 KB, of what filters see 2 KB. Text cannot be
    filtered by its order. `count` lists every key.

    Args:
        bucket: Name of the vector bucket, which is there already.
        index: Name of the index, 3 to 63 characters: lower case letters, digits, dots and hyphens; made where it is missing.
        region: Region of AWS; None where the environment names it.
        client: A client of yours, `boto3.client("s3vectors", ...)`, in place of `region`.
        dimensions: Width of the vectors; None where the first document, or the index, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        bucket: str,
        index: str = "documents",
        *,
        region: str | None = None,
        client: Any = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.bucket = bucket
        self.index = index
        self.region = region
        self._client: Any = client
        self._owned = client is None
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._place = {"vectorBucketName": bucket, "indexName": index}
        self._made = False

    def _open(self) -> None:
        try:
            import botocore.session  # noqa: PLC0415 - an optional package
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("S3VectorStore", "botocore", "s3-vectors") from None
        try:
            if self._owned:
                self._client = botocore.session.get_session().create_client(
                    "s3vectors", region_name=self.region
                )
            kept = self._width()
            if kept is None and self._wanted_dimensions:
                self._create(self._wanted_dimensions)
            self._made = bool(kept or self._wanted_dimensions)
        except (BotoCoreError, ClientError) as error:
            self._shut()
            raise StoreUnusable(
                f"S3 Vectors cannot be reached, or refuses the bucket {self.bucket!r}: {error}"
            ) from error
        except UsageError:
            self._shut()
            raise
        if kept and self._wanted_dimensions not in {None, kept}:
            self._shut()
            raise UsageError(f"{self.index!r} has {kept} dimensions, not {self._wanted_dimensions}")
        self._dimensions = kept or self._wanted_dimensions

    def _shut(self) -> None:
        if self._owned and self._client is not None:
            self._client.close()

    def _width(self) -> int | None:
        try:
            found = self._client.get_index(**self._place)["index"]
        except self._client.exceptions.NotFoundException:
            return None
        unlike = set(_KEPT) - set(found.get("metadataConfiguration", {}).get("nonFilterableMetadataKeys", []))
        if found["distanceMetric"] != "cosine" or unlike:
            raise UsageError(
                f"{self.index!r} was not made by S3VectorStore: it must measure the cosine and keep "
                f"{', '.join(_KEPT)} out of filters; name another index"
            )
        return int(found["dimension"])

    def _create(self, dimensions: int) -> None:
        self._client.create_index(
            **self._place,
            dataType="float32",
            dimension=dimensions,
            distanceMetric="cosine",
            metadataConfiguration={"nonFilterableMetadataKeys": _KEPT},
        )

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        entries = [entry for document in documents for entry in self._entries(document)]
        if not self._made:
            self._create(self._dimensions or 0)
            self._made = True
        stored = self._keys([document.id for document in documents])
        for start in range(0, len(entries), _MOST_WRITTEN):
            self._client.put_vectors(**self._place, vectors=entries[start : start + _MOST_WRITTEN])
        self._delete(sorted(stored - {entry["key"] for entry in entries}))

    def _entries(self, document: PreparedDocument) -> list[dict[str, Any]]:
        fields = typed_fields(document.metadata)
        # An entry must have a direction; the first axis stands for none, hidden from every search.
        hidden = not len(document.vectors)
        vectors = np.eye(1, self._dimensions, dtype=np.float32) if hidden else document.vectors
        filterable = {**fields, "found": not hidden}
        kept = {
            "id": document.id,
            "number": str(self._order.take()),  # numbers here are floats, which would round it
            "vectors": len(vectors),
            "document": document.document_json,
            "metadata": document.metadata_json,
        }
        _check_size(document.id, filterable, kept)
        return [
            {
                "key": _key(document.id, place),
                "data": {"float32": vector},
                "metadata": {**filterable, **kept},
            }
            for place, vector in enumerate(vectors.tolist())
        ]

    def _keys(self, ids: Sequence[str]) -> set[str]:
        """The keys of all entries of some documents."""
        first = self._entries_of([_key(each, 0) for each in ids], with_vectors=False)
        return {
            _key(entry["metadata"]["id"], place)
            for entry in first
            for place in range(int(entry["metadata"]["vectors"]))
        }

    def _entries_of(self, keys: Sequence[str], *, with_vectors: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(keys), _MOST_READ):
            part = list(keys[start : start + _MOST_READ])
            answer = self._client.get_vectors(
                **self._place, keys=part, returnData=with_vectors, returnMetadata=True
            )
            found += answer["vectors"]
        return found

    def _delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), _MOST_DELETED):
            self._client.delete_vectors(**self._place, keys=list(keys[start : start + _MOST_DELETED]))

    def _erase(self, ids: Sequence[str]) -> int:
        keys = self._keys(ids)
        self._delete(sorted(keys))
        return sum(key.endswith("-0") for key in keys)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        entries = self._entries_of(sorted(self._keys(ids)), with_vectors=True)
        return documents_of([_row(entry, 0.0) for entry in entries], self._dimensions or 0)

    def _size(self) -> int:
        pages = self._client.get_paginator("list_vectors").paginate(**self._place)
        return sum(entry["key"].endswith("-0") for page in pages for entry in page["vectors"])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        if n > _MOST_FOUND:
            raise UnsupportedCapability(f"S3 Vectors gives {_MOST_FOUND} results at most, not {n}")
        chosen: dict[str, Any] = {"found": {"$eq": True}}
        if filter is not None:
            chosen = {"$and": [chosen, _condition(typed_condition(filter))]}

        def fetch(count: int) -> list[Row]:
            answer = self._client.query_vectors(
                **self._place,
                topK=count,
                queryVector={"float32": query.tolist()},
                filter=chosen,
                returnMetadata=True,
                returnDistance=True,
            )
            rows = [_row(entry, 1.0 - entry["distance"]) for entry in answer["vectors"]]
            return sorted(rows, key=lambda row: -row.score)

        return best_hits(fetch, n, threshold, most=_MOST_FOUND)


def _key(name: str, place: int) -> str:
    """Ids may be longer than keys; the document's own id is in the metadata."""
    return f"{uuid.uuid5(_IDS, name)}-{place}"


def _row(entry: dict[str, Any], score: float) -> Row:
    kept = entry["metadata"]
    vector = entry.get("data", {}).get("float32") if kept["found"] else None
    place = int(entry["key"].rpartition("-")[2])
    return Row(score, int(kept["number"]), place, kept["id"], kept["document"], kept["metadata"], vector)


def _check_size(name: str, filterable: dict[str, Any], kept: dict[str, Any]) -> None:
    seen, all_of_it = (
        len(json.dumps(each, ensure_ascii=False).encode()) for each in (filterable, filterable | kept)
    )
    if seen > _MOST_FILTERABLE or all_of_it > _MOST_METADATA or len(filterable | kept) > _MOST_KEYS:
        raise UsageError(
            f"document {name!r} is too large for S3 Vectors: {all_of_it} bytes of {_MOST_METADATA}, of which filters see "
            f"{seen} of {_MOST_FILTERABLE}, under {len(filterable | kept)} keys of {_MOST_KEYS}; split it, or keep less"
        )


def _condition(condition: TypedCondition) -> dict[str, Any]:
    match condition:
        case AllOf(conditions=each):
            return {"$and": [_condition(one) for one in each]}
        case AnyOf(conditions=each):
            return {"$or": [_condition(one) for one in each]}
        case Has(field=field):
            return {field: {"$exists": True}}
        case Lacks(field=field):
            return {field: {"$exists": False}}
        case Compares(sign=">" | "<" | ">=" | "<=", value=str()):
            raise no_order("S3 Vectors", condition)
        case Compares(field=field, sign=sign, value=value):
            return {field: {_OPERATORS[sign]: value}}
