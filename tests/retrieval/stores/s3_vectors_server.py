"""A server with the REST interface of S3 Vectors, as botocore's model and the user guide describe it.

Distances are cosine distances in single precision. What the guide refuses is refused: more than 100 results, filters on
keys that were declared non-filterable, metadata beyond 2 KB and 40 KB, vectors without direction.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np

from tests.retrieval.stores.loopback import Loopback
from tests.retrieval.stores.matching import matches

__all__ = ["S3VectorsServer"]

_PAGE = 50


class _Refused(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class S3VectorsServer(Loopback):
    """Indexes in memory, in the one bucket `vectors`."""

    def __init__(self) -> None:
        self.indexes: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, dict[str, dict[str, Any]]] = {}
        super().__init__(_Connection)

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The reply to an operation."""
        if asked["vectorBucketName"] != "vectors":
            raise _Refused(404, "NotFoundException", "The specified vector bucket could not be found")
        name = asked["indexName"]
        if operation == "CreateIndex":
            self.indexes[name] = asked
            self.entries[name] = {}
            return {"indexArn": f"arn:aws:s3vectors:eu-west-1:123456789012:bucket/vectors/index/{name}"}
        if name not in self.indexes:
            raise _Refused(404, "NotFoundException", "The specified index could not be found")
        handler = getattr(self, f"_{operation.lower()}")
        found: dict[str, Any] = handler(self.indexes[name], self.entries.setdefault(name, {}), asked)
        return found

    def _getindex(self, index: dict[str, Any], _: Any, __: Any) -> dict[str, Any]:
        return {"index": {**index, "creationTime": 1_790_000_000}}

    def _putvectors(self, index: dict[str, Any], entries: Any, asked: dict[str, Any]) -> dict[str, Any]:
        unseen = set(index["metadataConfiguration"]["nonFilterableMetadataKeys"])
        assert 1 <= len(asked["vectors"]) <= 500
        for entry in asked["vectors"]:
            vector, metadata = entry["data"]["float32"], entry["metadata"]
            if len(vector) != index["dimension"] or not any(vector):
                raise _Refused(400, "ValidationException", "Invalid vector")
            seen = {key: value for key, value in metadata.items() if key not in unseen}
            if len(json.dumps(seen, ensure_ascii=False).encode()) > 2048 or len(metadata) > 50:
                raise _Refused(400, "ValidationException", "Filterable metadata is too large")
            entries[entry["key"]] = {
                **entry,
                "data": {"float32": np.float32(vector).tolist()},
                "metadata": {key: _json_number(value) for key, value in metadata.items()},
            }
        return {}

    def _deletevectors(self, _: Any, entries: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        assert 1 <= len(asked["keys"]) <= 500
        for key in asked["keys"]:
            entries.pop(key, None)
        return {}

    def _getvectors(self, _: Any, entries: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        assert 1 <= len(asked["keys"]) <= 100
        wanted = {"key"}
        wanted |= {"data"} if asked.get("returnData") else set()
        wanted |= {"metadata"} if asked.get("returnMetadata") else set()
        found = [entries[key] for key in asked["keys"] if key in entries]
        return {"vectors": [{key: entry[key] for key in entry if key in wanted} for entry in found]}

    def _listvectors(self, _: Any, entries: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        start = int(asked.get("nextToken", "0"))
        page = [{"key": key} for key in list(entries)[start : start + _PAGE]]
        more = {"nextToken": str(start + _PAGE)} if start + _PAGE < len(entries) else {}
        return {"vectors": page, **more}

    def _queryvectors(self, index: dict[str, Any], entries: Any, asked: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= asked["topK"] <= 100:
            raise _Refused(400, "ValidationException", "topK must be between 1 and 100")
        unseen = set(index["metadataConfiguration"]["nonFilterableMetadataKeys"])
        if any(f'"{key}": {{' in json.dumps(asked["filter"]) for key in unseen):
            raise _Refused(400, "ValidationException", "Filter on a non-filterable key")
        query = np.array(asked["queryVector"]["float32"])
        found = []
        for entry in entries.values():
            if matches(entry["metadata"], asked["filter"]):
                kept = np.array(entry["data"]["float32"])
                cosine = (kept * query).sum() / np.linalg.norm(kept) / np.linalg.norm(query)
                found.append(
                    {
                        "key": entry["key"],
                        "distance": float(np.float32(1 - cosine)),
                        "metadata": entry["metadata"],
                    }
                )
        found.sort(key=lambda each: (each["distance"], each["key"]))
        return {"vectors": found[: asked["topK"]], "distanceMetric": "cosine"}


class _Connection(BaseHTTPRequestHandler):
    server: S3VectorsServer
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert "AWS4-HMAC-SHA256" in self.headers["Authorization"]
        try:
            status, kind, body = 200, None, self.server.answer(self.path.removeprefix("/"), asked)
        except _Refused as error:
            status, kind, body = error.status, error.kind, {"message": str(error)}
        encoded = json.dumps(body).encode()
        self.send_response(status)
        if kind is not None:
            self.send_header("x-amzn-ErrorType", kind)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _json_number(value: Any) -> Any:
    """Numbers are kept as floats."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
