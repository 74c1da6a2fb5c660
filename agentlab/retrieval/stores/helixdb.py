"""HelixDB: a node a vector; filters choose before the nearest are taken, and search is approximate.

Sources: https://docs.helix-db.com (query guides: vector indexes, filtering, projections); that a distance is
(1 - cosine) / 2 says the engine's source, and was measured on version 0.3.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from agentlab.errors import StoreUnusable, UsageError
from agentlab.http import Secret, resolve_key
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore
from agentlab.retrieval.stores.helixdb_source import EmbeddedHelix, HelixServer
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector
from agentlab.retrieval.stores.ranked_rows import Row, best_hits, documents_of
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

__all__ = ["HelixVectorStore"]

_SIGNS: Final = {"==": "eq", "!=": "neq", ">": "gt", "<": "lt", ">=": "gte", "<=": "lte"}
_SHOWN: Final = ["id", "number", "place", "document", "metadata"]
_LARGEST: Final = 1_000_000  # bytes of a request, give or take a document: Helix Cloud takes 2 MiB
_PATIENCE: Final = 600  # times that an index is asked for
_PAUSE: Final = 0.1
_FIRST_PAUSE: Final = 0.005


class HelixVectorStore(BlockingStore):
    """Documents as nodes with a label, one node a vector.

    Search is approximate. A document is replaced as a whole; many that are written at once go in several transactions,
    each about a megabyte. A label keeps its width even where all of its documents were deleted. The first write or
    search waits, a minute at most, until the vector index is there. A folder is for one process at a time. The engine in this process is
    what the tests run; a server was tested as that engine behind HTTP, not as Helix Cloud.

    Args:
        source: The URL of a server, such as `http://localhost:6969`; or a folder, for the engine in this process.
        label: Label of the nodes.
        api_key: Key of a database of Helix Cloud; else the environment variable HELIX_API_KEY, where it is set.
        dimensions: Width of the vectors; None where the first document, or what is stored, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        source: str | Path,
        label: str = "Document",
        *,
        api_key: str | Secret | None = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        if not label:
            raise UsageError("a label is text that is not empty")
        self.label = label
        self.source = source
        self._api_key = resolve_key(api_key, ["HELIX_API_KEY"], service="helixdb", required=False)
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._engine: Any = None
        self._indexed = False

    def _open(self) -> None:
        remote = isinstance(self.source, str) and self.source.startswith(("http://", "https://"))
        self._engine = (
            HelixServer(str(self.source), self._api_key) if remote else EmbeddedHelix(Path(self.source))
        )
        try:
            first = {"limit": {"input": self._nodes([]), "count": {"literal": 1}}}
            found = self._ask({"value_map": {"input": first, "properties": ["dimensions"]}})
        except StoreUnusable:
            self._engine.close()
            raise
        kept = int(found[0]["dimensions"]) if found else None
        if kept and self._wanted_dimensions not in {None, kept}:
            self._engine.close()
            raise UsageError(f"the nodes {self.label} have {kept} dimensions, not {self._wanted_dimensions}")
        self._dimensions = kept or self._wanted_dimensions

    def _shut(self) -> None:
        self._engine.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        self._index()
        ids: list[str] = []
        nodes: list[dict[str, Any]] = []
        size = 0
        for document in documents:
            new = self._new_nodes(document)
            length = len(msgspec.json.encode(new))
            if ids and size + length > _LARGEST:
                self._replace(ids, nodes)
                ids, nodes, size = [], [], 0
            ids.append(document.id)
            nodes += new
            size += length
        self._replace(ids, nodes)

    def _replace(self, ids: list[str], nodes: list[dict[str, Any]]) -> None:
        """Nodes in place of all nodes of some documents, in one transaction."""
        added = {f"add_{place}": {"add_n": node} for place, node in enumerate(nodes)}
        self._engine.ask("write", {"drop": {"drop": {"input": self._nodes([_one_of(ids)])}}, **added})

    def _index(self) -> None:
        """Make the indexes, and wait until they are there: without one the engine refuses to search."""
        if self._indexed:
            return
        vectors = {
            "label": self.label,
            "property": "embedding",
            "dimension": self._dimensions,
            "metric": "cosine",
        }
        ids = {"label": self.label, "property": "id", "unique": False}
        for spec in ({"node_vector": vectors}, {"node_equality": ids}):
            for attempt in range(_PATIENCE):
                answer = self._engine.ask(
                    "write", {"x": {"create_index": {"spec": spec, "if_not_exists": True}}}
                )
                if answer["x"]["kind"] == "already_active":
                    break
                self._engine.pause(min(_PAUSE, _FIRST_PAUSE * (attempt + 1)))
            else:
                raise StoreUnusable(f"HelixDB made no index in a minute: {spec}; its operation says why")
        self._indexed = True

    def _new_nodes(self, document: PreparedDocument) -> list[dict[str, Any]]:
        kept = {
            "id": document.id,
            "number": self._order.take(),
            "dimensions": self._dimensions,
            "document": document.document_json,
            "metadata": document.metadata_json,
            **typed_fields(document.metadata),
        }
        vectors: list[Any] = document.vectors.tolist() or [None]  # without a vector it is not in the index
        nodes = []
        for place, vector in enumerate(vectors):
            values = {name: _value(value) for name, value in {**kept, "place": place}.items()}
            if vector is not None:
                values["embedding"] = {"f32_array": vector}
            nodes.append(
                {
                    "label": self.label,
                    "properties": [[name, {"value": value}] for name, value in values.items()],
                }
            )
        return nodes

    def _erase(self, ids: Sequence[str]) -> int:
        nodes = self._nodes([_one_of(ids)])
        counted = self._nodes([_one_of(ids), _compared("place", "eq", 0)])
        answer = self._engine.ask(
            "write", {"count": {"count": {"input": counted}}, "drop": {"drop": {"input": nodes}}}
        )
        return int(answer["count"])

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        nodes = self._nodes([_one_of(ids)])
        found = self._ask({"value_map": {"input": nodes, "properties": [*_SHOWN, "embedding"]}})
        rows = [_row(each, 0.0) for each in found]
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        return int(self._ask({"count": {"input": self._nodes([_compared("place", "eq", 0)])}}))

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        chosen = self._nodes([] if filter is None else [_predicate(typed_condition(filter))])
        self._index()

        def fetch(count: int) -> list[Row]:
            search = {
                "input": chosen,
                "label": self.label,
                "property": "embedding",
                "query_vector": {"value": {"f32_array": query.tolist()}},
                "k": {"literal": count},
            }
            shown = {"input": {"vector_search_nodes_within": search}, "properties": [*_SHOWN, "$distance"]}
            rows = [_row(each, 1 - 2 * each["$distance"]) for each in self._ask({"value_map": shown})]
            return sorted(rows, key=lambda row: -row.score)

        return best_hits(fetch, n, threshold)

    def _nodes(self, predicates: list[dict[str, Any]]) -> dict[str, Any]:
        every = [_compared("$label", "eq", self.label), *predicates]
        return {"nodes_where": {"predicate": {"and": {"predicates": every}}}}

    def _ask(self, operation: dict[str, Any]) -> Any:
        return self._engine.ask("read", {"found": operation})["found"]


def _value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"bool": value}
        case int():
            return {"i64": value}
        case float():
            return {"f64": value}
        case _:
            return {"string": value}


def _compared(field: str, operator: str, value: object) -> dict[str, Any]:
    return {operator: {"left": {"property": field}, "right": {"constant": _value(value)}}}


def _one_of(ids: Sequence[str]) -> dict[str, Any]:
    return {"is_in": {"value": {"property": "id"}, "values": {"constant": {"string_array": list(ids)}}}}


def _row(found: dict[str, Any], score: float) -> Row:
    return Row(
        score,
        found["number"],
        found["place"],
        found["id"],
        found["document"],
        found["metadata"],
        found.get("embedding"),
    )


def _predicate(condition: TypedCondition) -> dict[str, Any]:
    match condition:
        case AllOf(conditions=each):
            return {"and": {"predicates": [_predicate(one) for one in each]}}
        case AnyOf(conditions=each):
            return {"or": {"predicates": [_predicate(one) for one in each]}}
        case Has(field=field):
            return {"has_key": {"property": field}}
        case Lacks(field=field):
            return {"not": {"predicate": {"has_key": {"property": field}}}}
        case Compares(field=field, sign=sign, value=value):
            return _compared(field, _SIGNS[sign], value)
