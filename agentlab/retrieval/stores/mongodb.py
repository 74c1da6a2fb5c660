"""MongoDB Atlas, or a deployment with mongot: `$vectorSearch` over a search index, filters that choose beforehand.

No engine with `$vectorSearch` can be had from a package registry, so this store was not run against the real one: it was
tested with the real `pymongo` over the wire, against a server that answers as the documentation says.

Sources: https://www.mongodb.com/docs/vector-search/query/aggregation-stages/vector-search-stage/ and
https://www.mongodb.com/docs/vector-search/index/create/
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

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
    number_field,
    typed_condition,
    typed_fields,
)

__all__ = ["MongoVectorStore"]

_INDEX: Final = "vectors"
_MOST_CANDIDATES: Final = 10_000  # that a search looks at when it is approximate
_CANDIDATES: Final = 20  # for each result, as MongoDB advises
_PATIENCE: Final = 180.0  # seconds that a new index may take
_PAUSE: Final = 0.2
_OPERATORS: Final = {">": "$gt", "<": "$lt", ">=": "$gte", "<=": "$lte"}


class MongoVectorStore(BlockingStore):
    """Documents in a collection of MongoDB, one record a vector, with a vector search index of its own.

    What was written is found when the search index has taken it up, as a rule within a second; `get` and `count` see it
    at once. Any key can be filtered by equality. By order a key of numbers can be filtered that the index was made with:
    name it in `ordered_keys`. Text cannot be filtered by its order.

    Args:
        address: A connection string, `mongodb+srv://...`.
        collection: Name of the collection; it and its index are made where they are missing.
        database: Name of the database.
        ordered_keys: Keys of metadata whose numbers are filtered by order.
        exact: Compare every vector; False walks the index's graph, which is faster and misses a few.
        dimensions: Width of the vectors; None where the first document, or the index, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str,
        collection: str = "documents",
        *,
        database: str = "agentlab",
        ordered_keys: Collection[str] = (),
        exact: bool = True,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.collection = collection
        self.database = database
        self.exact = exact
        self._address = address
        self._ordered = {number_field(key) for key in ordered_keys}
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._client: Any = None
        self._records: Any = None
        self._indexed = False

    def _open(self) -> None:
        try:
            import pymongo  # noqa: PLC0415 - an optional package
            from pymongo.errors import PyMongoError  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("MongoVectorStore", "pymongo", "mongodb") from None
        try:
            self._client = pymongo.MongoClient(self._address)
            self._records = self._client[self.database][self.collection]
            kept = self._definition()
        except PyMongoError as error:
            self._shut()
            raise StoreUnusable(
                f"MongoDB cannot be reached, or has no search indexes: {error}; "
                "check the address, and that the deployment has MongoDB Vector Search"
            ) from error
        if kept is None:
            return
        width = next(each["numDimensions"] for each in kept if each["type"] == "vector")
        indexed = {each["path"].removeprefix("numbers.") for each in kept if each["type"] == "filter"}
        if self._wanted_dimensions not in {None, width}:
            self._shut()
            raise UsageError(
                f"the index of {self.collection!r} has {width} dimensions, not {self._wanted_dimensions}"
            )
        self._ordered = indexed - {"terms"}  # the index decides what can be filtered
        self._dimensions, self._indexed = width, True

    def _shut(self) -> None:
        if self._client is not None:
            self._client.close()

    def _definition(self) -> list[dict[str, Any]] | None:
        """The fields of the index as it was asked for; None where there is no index."""
        for index in self._records.list_search_indexes(_INDEX):
            fields: list[dict[str, Any]] = index["latestDefinition"]["fields"]
            return fields
        return None

    def _create(self) -> None:
        from pymongo.operations import SearchIndexModel  # noqa: PLC0415 - an optional package

        if self.collection not in self._client[self.database].list_collection_names():
            self._client[self.database].create_collection(self.collection)
        self._records.create_index("id")
        fields: list[dict[str, Any]] = [
            {
                "type": "vector",
                "path": "vector",
                "numDimensions": self._dimensions,
                "similarity": "cosine",
            },
            {"type": "filter", "path": "terms"},
            *({"type": "filter", "path": f"numbers.{field}"} for field in sorted(self._ordered)),
        ]
        self._records.create_search_index(
            SearchIndexModel({"fields": fields}, name=_INDEX, type="vectorSearch")
        )
        latest = time.monotonic() + _PATIENCE
        while not any(index.get("queryable") for index in self._records.list_search_indexes(_INDEX)):
            if time.monotonic() > latest:
                raise StoreUnusable(
                    f"the search index of {self.collection!r} was not ready within {_PATIENCE:.0f} s"
                )
            time.sleep(_PAUSE)

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        if not self._indexed:
            self._create()
            self._indexed = True
        ids = [document.id for document in documents]
        records: list[dict[str, Any]] = []
        for document in documents:
            records += self._rows(document)
        first = records[0]["number"]
        try:
            self._records.insert_many(records)
        except BaseException:
            self._records.delete_many({"id": {"$in": ids}, "number": {"$gte": first}})
            raise
        self._records.delete_many({"id": {"$in": ids}, "number": {"$lt": first}})

    def _rows(self, document: PreparedDocument) -> Iterable[dict[str, Any]]:
        from bson.binary import Binary, BinaryVectorDtype  # noqa: PLC0415 - an optional package

        fields = typed_fields(document.metadata)
        kept = {
            "id": document.id,
            "number": self._order.take(),
            "document": document.document_json,
            "metadata": document.metadata_json,
            "terms": [*map(_term, fields), *(_term(*each) for each in fields.items())],
            "numbers": {field: fields[field] for field in self._ordered if field in fields},
        }
        if not len(document.vectors):
            yield {**kept, "place": 0}  # without a vector no search finds it
        for place, vector in enumerate(document.vectors.tolist()):
            packed = Binary.from_vector(vector, BinaryVectorDtype.FLOAT32)
            yield {**kept, "place": place, "vector": packed}

    def _erase(self, ids: Sequence[str]) -> int:
        removed = self._records.count_documents({"id": {"$in": list(ids)}, "place": 0})
        self._records.delete_many({"id": {"$in": list(ids)}})
        return int(removed)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        found = self._records.find({"id": {"$in": list(ids)}})
        return documents_of([_row(record) for record in found], self._dimensions or 0)

    def _size(self) -> int:
        return int(self._records.count_documents({"place": 0}))

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        if not self.exact and n > _MOST_CANDIDATES:
            raise UnsupportedCapability(
                f"MongoDB's approximate search gives {_MOST_CANDIDATES} results at most, not {n}; use exact=True"
            )
        if not self._indexed:
            return []
        condition = None if filter is None else self._condition(typed_condition(filter))

        def fetch(count: int) -> list[Row]:
            stage: dict[str, Any] = {
                "index": _INDEX,
                "path": "vector",
                "queryVector": query.tolist(),
                "limit": count,
            }
            if self.exact:
                stage["exact"] = True
            else:
                stage["numCandidates"] = min(_CANDIDATES * count, _MOST_CANDIDATES)
            if condition is not None:
                stage["filter"] = condition
            wanted = {"id": 1, "number": 1, "place": 1, "document": 1, "metadata": 1}
            scored = {"$project": {**wanted, "score": {"$meta": "vectorSearchScore"}}}
            return [_row(each) for each in self._records.aggregate([{"$vectorSearch": stage}, scored])]

        return best_hits(fetch, n, threshold, most=None if self.exact else _MOST_CANDIDATES)

    def _condition(self, condition: TypedCondition) -> dict[str, Any]:
        match condition:
            case AllOf(conditions=each):
                return {"$and": [self._condition(one) for one in each]}
            case AnyOf(conditions=each):
                return {"$or": [self._condition(one) for one in each]}
            case Has(field=field):
                return {"terms": {"$eq": _term(field)}}
            case Lacks(field=field):
                return {"terms": {"$ne": _term(field)}}
            case Compares(field=field, sign="==", value=value):
                return {"terms": {"$eq": _term(field, value)}}
            case Compares(field=field, sign="!=", value=value):
                return {"terms": {"$ne": _term(field, value)}}
            case Compares(value=str()):
                raise no_order("MongoDB", condition)
            case Compares(field=field, sign=sign, value=value):
                if field not in self._ordered:
                    raise UnsupportedCapability(
                        f"the index of {self.collection!r} was not made to filter {field[2:]!r} by order: "
                        f"name it in `ordered_keys` when the collection is made"
                    )
                return {f"numbers.{field}": {_OPERATORS[sign]: value}}


def _term(field: str, value: str | float | bool | None = None) -> str:
    """One short text for a field that is there, or for its value; long texts would not fit into the index."""
    if value is None:
        return field
    plain = value if isinstance(value, str) else float(value) + 0.0  # so that -0.0 is 0.0
    return f"{field}={hashlib.sha256(repr(plain).encode()).hexdigest()[:32]}"


def _row(record: dict[str, Any]) -> Row:
    score = 2 * record.get("score", 0.5) - 1  # MongoDB gives (1 + cosine) / 2
    vector = record.get("vector")
    return Row(
        score,
        record["number"],
        record["place"],
        record["id"],
        record["document"],
        record["metadata"],
        None if vector is None else vector.as_vector().data,
    )
