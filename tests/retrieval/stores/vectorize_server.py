"""A server with the REST interface of Vectorize, as Cloudflare's documentation describes it.

Changes are taken up a little later: after the state was asked for twice. Only properties with a metadata index can be
filtered, and of a text its first 64 bytes; scores are cosines, a little rounded, as those of compressed vectors are.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from tests.retrieval.stores.loopback import Loopback
from tests.retrieval.stores.matching import matches

__all__ = ["VectorizeServer"]

_ROOT = "/client/v4/accounts/account/vectorize/v2/indexes"
_OPERATORS = {"$eq", "$ne", "$in", "$nin", "$lt", "$lte", "$gt", "$gte"}


class VectorizeServer(Loopback):
    """Indexes in memory.

    Attributes:
        refusals: How many requests are refused with 429 before the next is served.
    """

    def __init__(self) -> None:
        self.indexes: dict[str, _Index] = {}
        self.refusals = 0
        super().__init__(_Connection)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and result."""
        if self.refusals:
            self.refusals -= 1
            return 429, "Rate limited"
        name, _, verb = path.removeprefix(_ROOT).removeprefix("/").partition("/")
        if (method, name) == ("POST", ""):
            self.indexes[body["name"]] = _Index(body)
            return 200, body
        if name not in self.indexes:
            return 404, "vectorize.index.not_found"
        handler = getattr(self.indexes[name], f"{method.lower()}_{verb.replace('/', '_') or 'index'}")
        try:
            return 200, handler(query if method == "GET" else body)
        except ValueError as error:
            return 400, str(error)


class _Index:
    def __init__(self, made: dict[str, Any]) -> None:
        assert made["config"]["metric"] == "cosine"
        self.made = made
        self.properties: dict[str, str] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.waiting: list[Any] = []
        self.mutations = self.processed = self.asked = 0

    def get_index(self, _: Any) -> Any:
        return self.made

    def get_info(self, _: Any) -> Any:
        self.asked += 1
        if self.asked % 2 == 0:
            for change in self.waiting:
                change()
            self.waiting, self.processed = [], self.mutations
        return {"vectorCount": len(self.entries), "processedUpToMutation": f"m{self.processed}"}

    def _later(self, change: Any) -> Any:
        self.waiting.append(change)
        self.mutations += 1
        return {"mutationId": f"m{self.mutations}"}

    def get_metadata_index_list(self, _: Any) -> Any:
        found = self.properties.items()
        return {"metadataIndexes": [{"propertyName": name, "indexType": kind} for name, kind in found]}

    def post_metadata_index_create(self, body: Any) -> Any:
        if len(self.properties) == 10:
            raise ValueError("too many metadata indexes")
        return self._later(
            lambda: self.properties.__setitem__(body["propertyName"], body["indexType"].capitalize())
        )

    def post_upsert(self, entries: Any) -> Any:
        for entry in entries:
            assert len(entry["id"].encode()) <= 64
            assert (
                len(json.dumps(entry["metadata"], ensure_ascii=False, separators=(",", ":")).encode())
                <= 10_240
            )
            if len(entry["values"]) != self.made["config"]["dimensions"]:
                raise ValueError("invalid vector dimensions")
        return self._later(lambda: self.entries.update({entry["id"]: entry for entry in entries}))

    def post_get_by_ids(self, body: Any) -> Any:
        if len(body["ids"]) > 20:
            raise ValueError("too many ids")
        return [self.entries[each] for each in body["ids"] if each in self.entries]

    def post_delete_by_ids(self, body: Any) -> Any:
        return self._later(lambda: [self.entries.pop(each, None) for each in body["ids"]])

    def get_list(self, query: dict[str, str]) -> Any:
        start, size = int(query.get("cursor", "0")), min(100, int(query["count"]))
        names = list(self.entries)
        more = start + size < len(names)
        page = [{"id": name} for name in names[start : start + size]]
        return {"vectors": page, "isTruncated": more, **({"nextCursor": str(start + size)} if more else {})}

    def post_query(self, body: Any) -> Any:
        if body["topK"] > 100 or (body["topK"] > 20 and body["returnMetadata"] == "all"):
            raise ValueError("topK is too large")
        condition = body.get("filter", {})
        assert "filter" not in body or condition, "a filter must not be empty"
        assert len(json.dumps(condition)) < 2048 + 200
        for name, clauses in condition.items():
            if name not in self.properties or not clauses.keys() <= _OPERATORS:
                raise ValueError(f"cannot filter by {name}: {clauses}")
            assert len(clauses) == 1 or clauses.keys() <= {"$gt", "$gte", "$lt", "$lte"}
        query = np.array(body["vector"])
        found = []
        for name, entry in self.entries.items():
            seen = {
                key: value[:64] if isinstance(value, str) else value
                for key, value in entry["metadata"].items()
            }
            if entry["namespace"] == body["namespace"] and matches(seen, condition):
                kept = np.array(entry["values"])
                cosine = (kept * query).sum() / np.linalg.norm(kept) / np.linalg.norm(query)
                found.append({"id": name, "score": round(float(cosine), 5)})
        found.sort(key=lambda each: (-each["score"], each["id"]))
        return {"count": len(found[: body["topK"]]), "matches": found[: body["topK"]]}


class _Connection(BaseHTTPRequestHandler):
    server: VectorizeServer
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        lines = self.headers["Content-Type"] == "application/x-ndjson"
        self._serve([json.loads(line) for line in text.splitlines()] if lines else json.loads(text))

    def _serve(self, body: Any) -> None:
        assert self.headers["Authorization"] == "Bearer token"
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, result = self.server.answer(self.command, parts.path, query, body)
        failed = status != 200
        errors = [{"code": 1000, "message": result}] if failed else []
        wrapped = {
            "success": not failed,
            "errors": errors,
            "messages": [],
            "result": None if failed else result,
        }
        encoded = json.dumps(wrapped).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
