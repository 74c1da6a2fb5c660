"""A server that speaks MongoDB's wire protocol (OP_MSG) and answers the commands of a vector store as documented.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ and the pages of `$vectorSearch`: only indexed fields
can be filtered, scores are (1 + cosine) / 2 in single precision, and a new search index is queryable a little later.
"""

from __future__ import annotations

import socketserver
import struct
from collections.abc import Iterator
from typing import Any

import bson
import numpy as np

from tests.retrieval.stores.loopback import Loopback
from tests.retrieval.stores.matching import matches

__all__ = ["MongoServer"]

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_HELLO = {
    "helloOk": True,
    "isWritablePrimary": True,
    "ismaster": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 25,
    "ok": 1.0,
}


class MongoServer(Loopback):
    """Collections in memory.

    Attributes:
        stages: Every `$vectorSearch` that was asked for.
    """

    def __init__(self) -> None:
        self.collections: dict[str, list[dict[str, Any]]] = {}
        self.indexes: dict[str, dict[str, Any]] = {}
        self.stages: list[dict[str, Any]] = []
        super().__init__(_Connection)

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """The reply to a command."""
        name, target = next(iter(command.items()))
        handler = getattr(self, f"_{name.lower()}", None)
        if handler is None:
            return {"ok": 0.0, "errmsg": f"no such command: '{name}'", "code": 59}
        try:
            return {"ok": 1.0, **handler(target, command)}
        except ValueError as error:
            return {"ok": 0.0, "errmsg": str(error), "code": 8, "codeName": "UnknownError"}

    def _hello(self, _: Any, __: Any) -> dict[str, Any]:
        return _HELLO

    _ismaster = _hello

    def _ping(self, _: Any, __: Any) -> dict[str, Any]:
        return {}

    _endsessions = _createindexes = _ping

    def _listcollections(self, _: Any, command: dict[str, Any]) -> dict[str, Any]:
        found = [{"name": name, "type": "collection"} for name in self.collections]
        return _cursor([each for each in found if matches(each, command.get("filter") or {})])

    def _create(self, name: str, _: Any) -> dict[str, Any]:
        self.collections[name] = []
        return {}

    def _createsearchindexes(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        if name not in self.collections:
            raise ValueError("Collection does not exist.")
        (index,) = command["indexes"]
        assert index["type"] == "vectorSearch"
        self.indexes[name] = {
            "id": "1",
            "name": index["name"],
            "queryable": False,
            "latestDefinition": index["definition"],
        }
        return {"indexesCreated": [{"id": "1", "name": index["name"]}]}

    def _insert(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        self.collections.setdefault(name, []).extend(command["documents"])
        return {"n": len(command["documents"])}

    def _delete(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        records = self.collections.get(name, [])
        before = len(records)
        for each in command["deletes"]:
            assert each["limit"] == 0
            records[:] = [record for record in records if not matches(record, each["q"])]
        return {"n": before - len(records)}

    def _find(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        return _cursor([r for r in self.collections.get(name, []) if matches(r, command["filter"])])

    def _aggregate(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        records = self.collections.get(name, [])
        match command["pipeline"]:
            case [{"$listSearchIndexes": {"name": wanted}}]:
                index = self.indexes.get(name)
                if index is None or index["name"] != wanted:
                    return _cursor([])
                self.indexes[name] = {**index, "queryable": True}
                return _cursor([index])
            case [{"$match": condition}, {"$group": {"_id": 1, "n": {"$sum": 1}}}]:
                found = sum(matches(record, condition) for record in records)
                return _cursor([{"_id": 1, "n": found}] if found else [])
            case [{"$vectorSearch": stage}, {"$project": wanted}]:
                return _cursor([_projected(each, wanted) for each in self._nearest(name, stage)])
            case other:
                raise ValueError(f"unknown pipeline {other}")

    def _nearest(self, name: str, stage: dict[str, Any]) -> list[dict[str, Any]]:
        self.stages.append(stage)
        index = self.indexes[name]
        assert index["name"] == stage["index"]
        assert index["queryable"]
        fields = index["latestDefinition"]["fields"]
        (vector,) = [each for each in fields if each["type"] == "vector"]
        assert (vector["path"], vector["similarity"]) == (stage["path"], "cosine")
        indexed = {each["path"] for each in fields if each["type"] == "filter"}
        for path in _paths(stage.get("filter", {})):
            if path not in indexed:
                raise ValueError(f"Path '{path}' needs to be indexed as filter")
        if stage.get("exact"):
            assert "numCandidates" not in stage
        elif not stage["limit"] <= stage["numCandidates"] <= 10_000:
            raise ValueError('"numCandidates" must be within limit and 10000')
        query = np.array(stage["queryVector"])
        assert query.shape == (vector["numDimensions"],)
        found = []
        for record in self.collections[name]:
            if stage["path"] in record and matches(record, stage.get("filter", {})):
                kept = np.array(record[stage["path"]].as_vector().data, dtype=np.float64)
                cosine = (kept * query).sum() / np.linalg.norm(kept) / np.linalg.norm(query)
                found.append({**record, "vectorSearchScore": float(np.float32((1 + cosine) / 2))})
        found.sort(key=lambda each: (-each["vectorSearchScore"], str(each["_id"])[::-1]))
        return found[: stage["limit"]]


class _Connection(socketserver.StreamRequestHandler):
    server: MongoServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while header := self.rfile.read(16):
            length, request, _, code = struct.unpack("<iiii", header)
            body = self.rfile.read(length - 16)
            if code == _OP_QUERY:  # only the first hello comes so
                start = body.index(b"\0", 4) + 1 + 8
                reply = bson.encode(self.server.answer(bson.decode(body[start:])))
                self._send(request, _OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + reply)
            else:
                assert code == _OP_MSG
                reply = bson.encode(self.server.answer(_command(body)))
                self._send(request, _OP_MSG, struct.pack("<iB", 0, 0) + reply)

    def _send(self, request: int, code: int, body: bytes) -> None:
        self.wfile.write(struct.pack("<iiii", 16 + len(body), 0, request, code) + body)


def _command(body: bytes) -> dict[str, Any]:
    """The sections of an OP_MSG as one document."""
    command: dict[str, Any] = {}
    sequences: dict[str, Any] = {}
    place = 4
    while place < len(body):
        kind, place = body[place], place + 1
        (size,) = struct.unpack_from("<i", body, place)
        if kind == 0:
            command = bson.decode(body[place : place + size])
        else:
            end = body.index(b"\0", place + 4)
            documents = bson.decode_all(body[end + 1 : place + size])
            sequences[body[place + 4 : end].decode()] = documents
        place += size
    return {**command, **sequences}


def _cursor(batch: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cursor": {"id": 0, "ns": "agentlab.c", "firstBatch": batch}}


def _projected(record: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    kept = {key: record[key] for key, chosen in wanted.items() if chosen == 1}
    (scored,) = [key for key, chosen in wanted.items() if chosen == {"$meta": "vectorSearchScore"}]
    return {**kept, scored: record["vectorSearchScore"]}


def _paths(condition: dict[str, Any]) -> Iterator[str]:
    for key, wanted in condition.items():
        if key.startswith("$"):
            for each in wanted:
                yield from _paths(each)
        else:
            yield key
