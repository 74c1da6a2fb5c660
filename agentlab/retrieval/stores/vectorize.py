"""Cloudflare Vectorize over its REST interface: approximate search, filters over properties that are indexed.

The service runs at Cloudflare alone, so this store was not run against it: it was tested over HTTP against a server that
answers as the documentation says.

Sources: https://developers.cloudflare.com/vectorize/reference/metadata-filtering/,
https://developers.cloudflare.com/vectorize/platform/limits/ and https://developers.cloudflare.com/api/resources/vectorize/
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from agentlab.errors import StoreUnusable, UnsupportedCapability, UsageError
from agentlab.http import Secret, resolve_key
from agentlab.retrieval.filters import Filter, kind_of
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector
from agentlab.retrieval.stores.ranked_rows import Row, best_hits, documents_of
from agentlab.retrieval.stores.typed_fields import number_field
from agentlab.retrieval.stores.vectorize_api import VectorizeApi
from agentlab.retrieval.stores.vectorize_filters import Conjunction, conjunctions, digest, digest_field

__all__ = ["VectorizeVectorStore"]

_IDS: Final = uuid.UUID("0d9a7c52-0f0e-5d0b-9c39-6a0c7c1d2b64")  # names the vectors; any fixed one will do
_API: Final = "https://api.cloudflare.com/client/v4"
_FOUND: Final = "found"  # the namespace that is searched
_HIDDEN: Final = "hidden"  # that of documents without a direction
_MOST_FOUND: Final = 100
_MOST_READ: Final = 20
_MOST_WRITTEN: Final = 500
_MOST_DELETED: Final = 100
_MOST_INDEXES: Final = 10
_MOST_METADATA: Final = 10_240  # bytes
_MOST_FILTER: Final = 2048
_PAGE: Final = "1000"


class VectorizeVectorStore(BlockingStore):
    """Documents in an index of Vectorize, one entry a vector.

    A write waits until the index has taken it up, a minute at most. Search is approximate, and gives 100 vectors at
    most: a larger `n` is refused, and documents of many vectors may leave fewer than `n`. Filters are over the keys that
    the index was made with, ten at most; an "or" takes several queries. Of a document and its metadata Vectorize keeps
    10 KiB. `count` lists every entry.

    Args:
        index: Name of the index; made where it is missing.
        account_id: The account at Cloudflare.
        api_token: A token that may write Vectorize; else the environment variable CLOUDFLARE_API_TOKEN.
        filter_keys: Keys of metadata that are filtered by equality.
        ordered_keys: Keys of metadata whose numbers are filtered by order.
        base_url: Another address of Cloudflare's interface.
        dimensions: Width of the vectors; None where the first document, or the index, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        index: str,
        *,
        account_id: str,
        api_token: str | Secret | None = None,
        filter_keys: Collection[str] = (),
        ordered_keys: Collection[str] = (),
        base_url: str = _API,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        self._indexed = {digest_field(key): "string" for key in filter_keys}
        self._indexed |= {number_field(key): "number" for key in ordered_keys}
        if len(self._indexed) > _MOST_INDEXES:
            raise UsageError(
                f"{len(self._indexed)} keys to filter by; Vectorize indexes {_MOST_INDEXES} at most"
            )
        self.index = index
        self._url = f"{base_url}/accounts/{account_id}/vectorize/v2/indexes"
        self._token = resolve_key(api_token, ["CLOUDFLARE_API_TOKEN"], service="cloudflare", required=True)
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._made = False
        self._api: Any = None

    def _open(self) -> None:
        self._api = VectorizeApi(self._url, self.index, self._token)
        try:
            self._dimensions = self._opened_width() or self._wanted_dimensions
        except (StoreUnusable, UsageError):
            self._shut()
            raise

    def _opened_width(self) -> int | None:
        found = self._api.definition()
        if found is None:
            return None
        config = found["config"]
        if config["metric"] != "cosine":
            raise UsageError(
                f"{self.index!r} measures {config['metric']!r}, not the cosine; name another index"
            )
        if self._wanted_dimensions not in {None, config["dimensions"]}:
            raise UsageError(
                f"{self.index!r} has {config['dimensions']} dimensions, not {self._wanted_dimensions}"
            )
        indexes = self._api.get("/metadata_index/list").get("metadataIndexes") or []
        self._indexed = {each["propertyName"]: each["indexType"] for each in indexes}
        self._made = True
        return int(config["dimensions"])

    def _shut(self) -> None:
        self._api.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        entries = [entry for document in documents for entry in self._entries(document)]
        if not self._made:
            self._api.create(self._dimensions)
            for name, kind in self._indexed.items():
                self._api.change("/metadata_index/create", {"propertyName": name, "indexType": kind.lower()})
            self._made = True
        stored = self._names([document.id for document in documents])
        for start in range(0, len(entries), _MOST_WRITTEN):
            self._api.change("/upsert", entries[start : start + _MOST_WRITTEN])
        self._delete(sorted(stored - {entry["id"] for entry in entries}))

    def _entries(self, document: PreparedDocument) -> list[dict[str, Any]]:
        hidden = not len(document.vectors)
        vectors = np.eye(1, self._dimensions, dtype=np.float32) if hidden else document.vectors
        kept: dict[str, Any] = {
            "id": document.id,
            "number": str(self._order.take()),  # numbers here are floats, which would round it
            "vectors": len(vectors),
            "document": document.document_json,
            "metadata": document.metadata_json,
        }
        kept |= dict.fromkeys(
            (name for name, kind in self._indexed.items() if kind.lower() == "string"), digest(None)
        )
        for key, value in document.metadata.items():
            if digest_field(key) in self._indexed:
                kept[digest_field(key)] = digest(value)
            if number_field(key) in self._indexed and kind_of(value) == "number":
                kept[number_field(key)] = float(value)
        if (size := len(msgspec.json.encode(kept))) > _MOST_METADATA:
            raise UsageError(
                f"document {document.id!r} has {size} bytes with its metadata; Vectorize keeps {_MOST_METADATA}: split it"
            )
        namespace = _HIDDEN if hidden else _FOUND
        return [
            {"id": _name(document.id, place), "values": vector, "namespace": namespace, "metadata": kept}
            for place, vector in enumerate(vectors.tolist())
        ]

    def _names(self, ids: Sequence[str]) -> set[str]:
        """The names of all entries of some documents."""
        first = [entry["metadata"] for entry in self._entries_of([_name(each, 0) for each in ids])]
        return {_name(kept["id"], place) for kept in first for place in range(int(kept["vectors"]))}

    def _entries_of(self, names: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(names), _MOST_READ):
            part = list(names[start : start + _MOST_READ])
            found += self._api.post("/get_by_ids", {"ids": part})
        return found

    def _delete(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), _MOST_DELETED):
            self._api.change("/delete_by_ids", {"ids": list(names[start : start + _MOST_DELETED])})

    def _erase(self, ids: Sequence[str]) -> int:
        names = self._names(ids) if self._made else set()
        self._delete(sorted(names))
        return sum(name.endswith("-0") for name in names)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        entries = self._entries_of(sorted(self._names(ids))) if self._made else []
        return documents_of([_row(entry, None) for entry in entries], self._dimensions or 0)

    def _size(self) -> int:
        total, query = 0, {"count": _PAGE}
        while self._made:
            page = self._api.get("/list", query)
            total += sum(entry["id"].endswith("-0") for entry in page["vectors"])
            if not page.get("isTruncated"):
                break
            query = {"count": _PAGE, "cursor": page["nextCursor"]}
        return total

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        if n > _MOST_FOUND:
            raise UnsupportedCapability(f"Vectorize gives {_MOST_FOUND} results at most, not {n}")
        alternatives = [Conjunction()] if filter is None else conjunctions(filter)
        chosen = [each for each in map(self._written, alternatives) if each is not None]
        if not self._made:
            return []

        def fetch(count: int) -> list[Row]:
            asked = {"vector": query.tolist(), "topK": count, "namespace": _FOUND, "returnMetadata": "none"}
            names: dict[str, None] = {}
            for each in chosen:
                found = self._api.post("/query", {**asked, **({"filter": each} if each else {})})
                names |= dict.fromkeys(match["id"] for match in found["matches"])
            # Scores are those of compressed vectors; the vectors themselves give the exact ones.
            rows = [_row(entry, query) for entry in self._entries_of(list(names))]
            return sorted(rows, key=lambda row: -row.score)[:count]

        return best_hits(fetch, n, threshold, most=_MOST_FOUND)

    def _written(self, conditions: Conjunction) -> dict[str, Any] | None:
        chosen = conditions.to_json()
        for name in chosen or {}:
            if name not in self._indexed:
                raise UnsupportedCapability(
                    f"the index {self.index!r} was not made to filter {name[2:]!r} so: name it in `filter_keys`, "
                    "or in `ordered_keys`, when the index is made"
                )
        if len(msgspec.json.encode(chosen)) > _MOST_FILTER:
            raise UnsupportedCapability(
                f"the filter is longer than the {_MOST_FILTER} bytes that Vectorize takes"
            )
        return chosen


def _name(document: str, place: int) -> str:
    """Ids may be longer than the 64 bytes of a name; the document's own id is in the metadata."""
    return f"{uuid.uuid5(_IDS, document)}-{place}"


def _row(entry: dict[str, Any], query: Vector | None) -> Row:
    kept, place = entry["metadata"], int(entry["id"].rpartition("-")[2])
    vector = np.array(entry["values"], dtype=np.float64)
    score = 0.0 if query is None else float((vector * query.astype(np.float64)).sum())
    shown = None if entry["namespace"] == _HIDDEN else vector.astype(np.float32)
    return Row(score, int(kept["number"]), place, kept["id"], kept["document"], kept["metadata"], shown)
