"""A server that speaks Bolt 5.0 and knows the statements of a vector store, as the manuals of Neo4j describe them.

https://neo4j.com/docs/bolt/current/ and the Cypher manual. A statement it does not know ends in a syntax error; of
conditions it reads `IS NULL`, `IS NOT NULL`, comparisons with parameters, AND, OR and parentheses, with null as Cypher has
it.
"""

from __future__ import annotations

import re
import socketserver
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from neo4j._codec.packstream import Structure
from neo4j._codec.packstream.v1 import Packer, Unpacker

from tests.retrieval.stores.cypher_conditions import holds
from tests.retrieval.stores.loopback import Loopback

__all__ = ["BoltServer"]

_MAGIC = bytes.fromhex("6060b017")
_VERSION = bytes([0, 0, 0, 5])
_HELLO, _GOODBYE, _RESET, _RUN, _BEGIN, _COMMIT, _ROLLBACK, _DISCARD, _PULL = (
    0x01, 0x02, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x2F, 0x3F,
)  # fmt: skip
_SUCCESS, _RECORD, _IGNORED, _FAILURE = b"\x70", b"\x71", b"\x7e", b"\x7f"

Rows = tuple[list[str], list[list[Any]]]


class BoltServer(Loopback):
    """Nodes in memory, by label.

    Attributes:
        statements: Every statement that was run.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, list[dict[str, Any]]] = {}
        self.statements: list[str] = []
        super().__init__(_Connection)

    def run(self, statement: str, values: dict[str, Any]) -> Rows:
        """The columns and rows of a statement."""
        self.statements.append(statement)
        for pattern, answer in _STATEMENTS:
            if found := re.fullmatch(pattern, statement):
                return answer(self.nodes.setdefault(found["name"], []), values, found.groupdict())
        raise ValueError(f"Invalid input: {statement}")


def _nothing(nodes: Any, values: Any, parts: Any) -> Rows:
    return [], []


def _width(nodes: list[dict[str, Any]], values: Any, parts: Any) -> Rows:
    return ["dimensions"], [[node["dimensions"]] for node in nodes[:1]]


def _count(nodes: list[dict[str, Any]], values: dict[str, Any], parts: Any) -> Rows:
    return ["documents"], [[sum("ids" not in values or node["id"] in values["ids"] for node in nodes)]]


def _delete(nodes: list[dict[str, Any]], values: dict[str, Any], parts: Any) -> Rows:
    nodes[:] = [node for node in nodes if node["id"] not in values["ids"]]
    return [], []


def _create(nodes: list[dict[str, Any]], values: dict[str, Any], parts: Any) -> Rows:
    for each in values["documents"]:
        assert all(isinstance(value, str | int | float | bool) for value in each["properties"].values())
        assert each["properties"]["id"] not in {node["id"] for node in nodes}, "the constraint"
        nodes.append({**each["properties"], "vectors": each["vectors"]})
    return [], []


def _read(nodes: list[dict[str, Any]], values: dict[str, Any], parts: Any) -> Rows:
    columns = ["id", "document", "metadata", "vectors"]
    return columns, [[node[each] for each in columns] for node in nodes if node["id"] in values["ids"]]


def _nearest(nodes: list[dict[str, Any]], values: dict[str, Any], parts: dict[str, str]) -> Rows:
    found = []
    query = np.array(values["query"])
    for node in nodes:
        if not node["vectors"] or not holds(parts["condition"], node, values):
            continue
        kept = np.array(node["vectors"])
        cosines = (kept * query).sum(axis=1) / np.linalg.norm(kept, axis=1) / np.linalg.norm(query)
        score = 2 * float(((1 + cosines) / 2).max()) - 1
        if score >= values["least"]:
            found.append((-score, node["number"], node))
    found.sort(key=lambda each: each[:2])
    rows = [[-score, *(node[each] for each in ("id", "document", "metadata"))] for score, _, node in found]
    return ["score", "id", "document", "metadata"], rows[: values["n"]]


_MATCH = r"MATCH \(d:(?P<name>\w+)\) "
_VECTORS = r"MATCH \(d\)-\[:HAS_VECTOR\]->\(v:(?P=name)_vector\) "
_STATEMENTS: list[tuple[str, Callable[..., Rows]]] = [
    (r"CREATE CONSTRAINT (?P<name>\w+)_id IF NOT EXISTS FOR \(d:(?P=name)\) REQUIRE d\.id IS UNIQUE", _nothing),
    (_MATCH + r"RETURN d\.dimensions AS dimensions LIMIT 1", _width),
    (_MATCH + r"(WHERE d\.id IN \$ids )?RETURN count\(d\) AS documents", _count),
    (_MATCH + r"WHERE d\.id IN \$ids OPTIONAL " + _VECTORS + "DETACH DELETE d, v", _delete),
    (
        (r"UNWIND \$documents AS each CREATE \(d:(?P<name>\w+)\) SET d = each\.properties WITH d, each "
        r"UNWIND range\(0, size\(each\.vectors\) - 1\) AS place "
        r"CREATE \(d\)-\[:HAS_VECTOR\]->\(:(?P=name)_vector \{place: place, embedding: each\.vectors\[place\]\}\)"),
        _create,
    ),
    (
        _MATCH + r"WHERE d\.id IN \$ids OPTIONAL " + _VECTORS + r"WITH d, v ORDER BY v\.place RETURN d\.id AS id, "
        r"d\.document AS document, d\.metadata AS metadata, collect\(v\.embedding\) AS vectors",
        _read,
    ),
    (
        _MATCH + r"WHERE (?P<condition>.+) " + _VECTORS
        + r"WITH d, 2 \* max\(vector\.similarity\.cosine\(v\.embedding, \$query\)\) - 1 AS score "
        r"WHERE score >= \$least RETURN score, d\.id AS id, d\.document AS document, d\.metadata AS metadata "
        r"ORDER BY score DESC, d\.number LIMIT \$n",
        _nearest,
    ),
]  # fmt: skip


class _Connection(socketserver.StreamRequestHandler):
    server: BoltServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        assert self.rfile.read(4) == _MAGIC
        self.rfile.read(16)
        self.wfile.write(_VERSION)
        self.failed = False
        self.rows: list[list[Any]] = []
        while (message := self._receive()) is not None:
            if message.tag[0] == _GOODBYE:
                return
            self._answer(message)
            self.wfile.flush()

    def _answer(self, message: Structure) -> None:
        tag = message.tag[0]
        if tag == _RESET:
            self.failed = False
            self._send(_SUCCESS, {})
        elif self.failed:
            self._send(_IGNORED)
        elif tag == _RUN:
            try:
                columns, self.rows = self.server.run(message.fields[0], message.fields[1])
                self._send(_SUCCESS, {"fields": columns, "t_first": 0})
            except ValueError as error:
                self.failed = True
                code = "Neo.ClientError.Statement.SyntaxError"
                self._send(_FAILURE, {"code": code, "message": str(error)})
        elif tag in {_PULL, _DISCARD}:
            for row in self.rows if tag == _PULL else []:
                self._send(_RECORD, row)
            self.rows = []
            self._send(_SUCCESS, {"type": "r", "db": "neo4j"})
        elif tag == _HELLO:
            self._send(_SUCCESS, {"server": "Neo4j/5.26.0", "connection_id": "bolt-1"})
        else:
            assert tag in {_BEGIN, _COMMIT, _ROLLBACK}
            self._send(_SUCCESS, {})

    def _receive(self) -> Structure | None:
        body = b""
        while header := self.rfile.read(2):
            (size,) = struct.unpack(">H", header)
            if size:
                body += self.rfile.read(size)
            elif body:
                buffer = Unpacker.new_unpackable_buffer()
                buffer.data[:] = body
                buffer.used = len(body)
                unpacker = Unpacker(buffer)
                count, tag = unpacker.unpack_structure_header()
                return Structure(tag, *(unpacker.unpack() for _ in range(count)))
        return None

    def _send(self, tag: bytes, *fields: Any) -> None:
        buffer = Packer.new_packable_buffer()
        Packer(buffer).pack_struct(tag, fields)
        body = bytes(buffer.data)
        for start in range(0, len(body), 0xFFFF):
            part = body[start : start + 0xFFFF]
            self.wfile.write(struct.pack(">H", len(part)) + part)
        self.wfile.write(b"\0\0")
