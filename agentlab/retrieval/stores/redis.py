"""Redis 8 with its vector sets: a server that many share, exact search by a scan or a graph index (HNSW)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
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

__all__ = ["RedisVectorStore"]

_MOST_QUERIES: Final = 32


class RedisVectorStore(BlockingStore):
    """Documents in Redis 8: a vector set, `name:vectors`, and a hash, `name:documents`.

    Text cannot be filtered by its order.

    Args:
        address: The server's URL, `redis://...` or `unix://...`.
        name: What the keys begin with.
        approximate: Search the graph, which is faster and may miss some; else every vector is compared.
        dimensions: Width of the vectors; None where the first document, or what is stored, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str = "redis://localhost:6379",
        name: str = "documents",
        *,
        approximate: bool = False,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self.name = name
        self.approximate = approximate
        self._address = address
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._client: Any = None
        self._vectors, self._documents, self._width = (
            f"{name}:{kind}" for kind in ("vectors", "documents", "width")
        )

    def _open(self) -> None:
        try:
            import redis  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("RedisVectorStore", "redis", "redis") from None
        self._client = redis.Redis.from_url(self._address)
        try:
            version = str(self._client.info("server")["redis_version"])
            kept = self._client.get(self._width)
        except redis.RedisError as error:
            self._client.close()
            raise StoreUnusable(f"Redis cannot be reached: {error}") from error
        if int(version.partition(".")[0]) < 8:
            self._client.close()
            raise StoreUnusable(f"this is Redis {version}; vector sets come with Redis 8")
        if kept and self._wanted_dimensions not in {None, int(kept)}:
            self._client.close()
            raise UsageError(f"{self.name!r} has {int(kept)} dimensions, not {self._wanted_dimensions}")
        self._dimensions = int(kept) if kept else self._wanted_dimensions

    def _shut(self) -> None:
        self._client.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        replaced = self._stored([document.id for document in documents])
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.set(self._width, self._dimensions)
            self._remove(pipeline, replaced)
            for document in documents:
                number, attributes = self._order.take(), json.dumps(_attributes(document))
                kept = [
                    number,
                    len(document.vectors),
                    document.id,
                    document.document_json,
                    document.metadata_json,
                ]
                pipeline.hset(self._documents, document.id, json.dumps(kept))
                for place, vector in enumerate(document.vectors):
                    element = _element(document.id, place)
                    pipeline.execute_command(
                        "VADD",
                        self._vectors,
                        "FP32",
                        vector.tobytes(),
                        element,
                        "NOQUANT",
                        "SETATTR",
                        attributes,
                    )
            pipeline.execute()

    def _stored(self, ids: Sequence[str]) -> list[list[Any]]:
        """Number, count of vectors, id, document and metadata of those that are stored."""
        found = self._client.hmget(self._documents, list(ids)) if ids else []
        return [json.loads(each) for each in found if each is not None]

    def _remove(self, pipeline: Any, stored: Sequence[Sequence[Any]]) -> None:
        for _, count, name, _, _ in stored:
            pipeline.hdel(self._documents, name)
            for place in range(count):
                pipeline.execute_command("VREM", self._vectors, _element(name, place))

    def _erase(self, ids: Sequence[str]) -> int:
        stored = self._stored(ids)
        with self._client.pipeline(transaction=True) as pipeline:
            self._remove(pipeline, stored)
            pipeline.execute()
        return len(stored)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        stored = self._stored(ids)
        with self._client.pipeline(transaction=False) as pipeline:
            for _, count, name, _, _ in stored:
                for place in range(count):
                    pipeline.execute_command("VEMB", self._vectors, _element(name, place), "RAW")
            raw = iter(pipeline.execute())
        rows: list[Row] = []
        for number, count, name, document, metadata in stored:
            vectors = [np.frombuffer(next(raw)[1], dtype=np.float32) for _ in range(count)]
            rows += [
                Row(0.0, number, place, name, document, metadata, vector)
                for place, vector in enumerate(vectors or [None])
            ]
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        return int(self._client.hlen(self._documents))

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        expressions = [""] if filter is None else _expressions(typed_condition(filter))

        def fetch(count: int) -> list[Row]:
            scores: dict[bytes, float] = {}
            for expression in expressions:
                scores.update(self._similar(query, count, expression))
            best = sorted(scores, key=lambda element: -scores[element])[:count]
            names = [element.partition(b":")[2].decode() for element in best]
            kept = {each[2]: each for each in self._stored(list(dict.fromkeys(names)))}
            return [
                Row(scores[element], kept[name][0], 0, name, kept[name][3], kept[name][4])
                for element, name in zip(best, names, strict=True)
                if name in kept  # not removed by somebody else meanwhile
            ]

        return best_hits(fetch, n, threshold)

    def _similar(self, query: Vector, count: int, expression: str) -> dict[bytes, float]:
        options: list[Any] = ["WITHSCORES", "COUNT", count]
        options += ["FILTER", expression] if expression else []
        options += [] if self.approximate else ["TRUTH"]
        found = self._client.execute_command("VSIM", self._vectors, "FP32", query.tobytes(), *options)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {element: 2.0 * float(score) - 1.0 for element, score in pairs}


def _element(name: str, place: int) -> str:
    return f"{place}:{name}"


def _attributes(document: PreparedDocument) -> dict[str, Any]:
    """Numbers as they are, and tokens: which fields there are, and what the others hold.

    A filter of Redis does not know the escapes of JSON, so tokens spell text in hexadecimal digits.
    """
    fields = typed_fields(document.metadata)
    numbers = {field: value for field, value in fields.items() if isinstance(value, float)}
    tokens = [_token(field, value) for field, value in fields.items() if not isinstance(value, float)]
    return numbers | {"tokens": [*fields, *tokens]}


def _token(field: str, value: str | bool) -> str:
    return f"{field}={value.encode().hex() if isinstance(value, str) else value}"


def _expressions(condition: TypedCondition) -> list[str]:
    """One filter for each way a document can pass: Redis drops a document where a filter names a number it lacks.

    So what follows an `or` is asked for by itself, and the answers are put together.
    """
    match condition:
        case AnyOf(conditions=each):
            found = [expression for one in each for expression in _expressions(one)]
        case AllOf(conditions=each):
            ways = itertools.product(*map(_expressions, each))
            found = [" and ".join(way) for way in itertools.islice(ways, _MOST_QUERIES + 1)]
        case Has(field=field):
            return [f'("{field}" in .tokens)']
        case Lacks(field=field):
            return [f'(not ("{field}" in .tokens))']
        case Compares(field=field, sign=sign, value=float() as value):
            return [
                f"(.{field} {sign} {Decimal(repr(value)):f})"
            ]  # a filter takes no small numbers with exponents
        case Compares(field=field, sign="==", value=bool() | str() as value):
            return [f'("{_token(field, value)}" in .tokens)']
        case Compares(field=field, sign="!=", value=bool() | str() as value):
            return [f'(not ("{_token(field, value)}" in .tokens))']
        case Compares():
            raise no_order("Redis", condition)
    if len(found) > _MOST_QUERIES:
        raise UnsupportedCapability(
            f"this filter has more than {_MOST_QUERIES} ways to pass, each a query of its own for Redis; make it simpler"
        )
    return found
