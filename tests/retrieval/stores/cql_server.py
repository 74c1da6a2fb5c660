"""A server that speaks CQL and has vector search, as the manuals of ScyllaDB describe it.

It knows the few statements that a vector store needs, and refuses what ScyllaDB refuses: an ANN query without a limit, or
with one above 1000, or over a column without an index; conditions on columns outside of the primary key, or on some of it
without ALLOW FILTERING. Vectors that are null are in no index. What was written is found at once.
"""

from __future__ import annotations

import re
import socketserver
import struct
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.retrieval.stores.cql_values import (
    Columns,
    Reader,
    decoded,
    prepared,
    rows_result,
    short_text,
)
from tests.retrieval.stores.loopback import Loopback

__all__ = ["CqlServer"]

_ERROR, _READY, _SUPPORTED, _RESULT = 0x00, 0x02, 0x06, 0x08
_INVALID, _PROTOCOL = 0x2200, 0x000A
_VOID = struct.pack(">i", 1)
_SCHEMA_COLUMNS = [("column_name", "text"), ("kind", "text"), ("type", "text")]
_LOCAL = {
    "key": ("text", "local"),
    "cluster_name": ("text", "tests"),
    "data_center": ("text", "here"),
    "rack": ("text", "one"),
    "partitioner": ("text", "org.apache.cassandra.dht.Murmur3Partitioner"),
    "release_version": ("text", "3.0.8"),
    "host_id": ("uuid", uuid.UUID(int=1)),
    "schema_version": ("uuid", uuid.UUID(int=2)),
    "rpc_address": ("inet", bytes([127, 0, 0, 1])),
    "tokens": ("set<text>", ["0"]),
}


class _Refused(Exception):
    pass


@dataclass
class _Table:
    columns: dict[str, str]
    key: list[str]
    indexed: bool = False
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)


@dataclass
class _Statement:
    text: str
    values: Columns
    columns: Columns


class CqlServer(Loopback):
    """Tables in memory.

    Attributes:
        statements: Every statement that was prepared or run without.
        tables: By keyspace and name, as in `space.documents`.
    """

    def __init__(self) -> None:
        self.tables: dict[str, _Table] = {}
        self.statements: list[str] = []
        self.prepared: dict[bytes, _Statement] = {}
        super().__init__(_Connection)

    def query(self, text: str) -> bytes:
        """The result of a statement without values."""
        if "FROM system.local" in text:
            columns = [(name, kind) for name, (kind, _) in _LOCAL.items()]
            return rows_result(columns, [{name: value for name, (_, value) in _LOCAL.items()}])
        if found := re.fullmatch(r"SELECT .* FROM system(_schema)?\.(?P<table>\w+).*", text):
            if found["table"] == "peers_v2":
                raise _Refused("unconfigured table peers_v2")
            return rows_result([("name", "text")], [])
        self.statements.append(text)
        if found := re.fullmatch(
            r"CREATE TABLE IF NOT EXISTS (\w+\.\w+) \((.*), PRIMARY KEY \(\(id\), (.*)\)\)", text
        ):
            columns = dict(each.split(" ", 1) for each in re.split(r", (?!\d)", found[2].replace('"', "")))
            self.tables.setdefault(found[1], _Table(columns, ["id", *found[3].replace('"', "").split(", ")]))
        elif found := re.fullmatch(
            r"CREATE CUSTOM INDEX IF NOT EXISTS \w+ ON (\w+\.\w+) \(vector\) "
            r"USING 'vector_index' WITH OPTIONS = \{'similarity_function': 'COSINE'\}",
            text,
        ):
            self.tables[found[1]].indexed = True
        else:
            raise _Refused(f"no viable alternative at input {text!r}")
        return _VOID

    def prepare(self, text: str) -> bytes:
        """The result of a preparation."""
        self.statements.append(text)
        number = str(len(self.prepared)).encode()
        self.prepared[number] = statement = self._understood(text)
        return prepared(number, statement.values, statement.columns)

    def execute(self, number: bytes, values: list[bytes | None]) -> bytes:
        """The result of a prepared statement."""
        statement = self.prepared[number]
        given = [decoded(kind, value) for (_, kind), value in zip(statement.values, values, strict=True)]
        text = statement.text
        if "system_schema.columns" in text:
            table = self.tables.get(".".join(given))
            return rows_result(_SCHEMA_COLUMNS, [] if table is None else _described(table))
        table = self.tables[_place(text)]
        if text.startswith("INSERT"):
            row = dict(zip((name for name, _ in statement.values), given, strict=True))
            assert None not in (row[name] for name in table.key)
            table.rows[tuple(row[name] for name in table.key)] = row
            return _VOID
        if text.startswith("DELETE"):
            assert [name for name, _ in statement.values] == table.key
            table.rows.pop(tuple(given), None)
            return _VOID
        return rows_result(statement.columns, _selected(table, text, statement, given))

    def _understood(self, text: str) -> _Statement:
        if "system_schema.columns" in text:
            return _Statement(text, [("keyspace_name", "text"), ("table_name", "text")], _SCHEMA_COLUMNS)
        table = self.tables.get(_place(text))
        if table is None:
            raise _Refused(f"unconfigured table {_place(text)}")
        if found := re.fullmatch(r"INSERT INTO \S+ \((.*)\) VALUES \((?:\?, )*\?\)", text):
            values = found[1].replace('"', "").split(", ")
            return _Statement(text, [(name, table.columns[name]) for name in values], [])
        restricted = re.findall(r'"?(\w+)"? (?:=|<|>|<=|>=) \?', text)
        values = [(name, table.columns[name]) for name in restricted]
        if text.startswith("DELETE"):
            return _Statement(text, values, [])
        vector = [("vector", table.columns["vector"])]
        if "ANN OF" in text:
            _check_search(table, text, restricted)
            values = [*vector, *values, *vector, ("limit", "int")]
        computed = {"similarity": "float", "documents": "bigint"}
        chosen = re.sub(r"\w+\([^)]*\) AS ", "", text.split(" FROM ", maxsplit=1)[0].removeprefix("SELECT "))
        names = chosen.replace('"', "").split(", ")
        kinds = computed | table.columns
        return _Statement(text, values, [(name, kinds[name]) for name in names])


def _place(text: str) -> str:
    found = re.search(r"(?:INTO|FROM) (\w+\.\w+)", text)
    assert found is not None, text
    return found[1]


def _described(table: _Table) -> list[dict[str, str]]:
    kinds = dict.fromkeys(table.key, "clustering") | {"id": "partition_key"}
    return [
        {"column_name": name, "kind": kinds.get(name, "regular"), "type": kind}
        for name, kind in table.columns.items()
    ]


def _check_search(table: _Table, text: str, restricted: list[str]) -> None:
    if not table.indexed:
        raise _Refused("ANN ordering by vector requires the column to be indexed")
    if not re.search(r"ORDER BY vector ANN OF \? LIMIT \?( ALLOW FILTERING)?$", text):
        raise _Refused("Use of ANN OF in an ORDER BY clause requires a LIMIT")
    if set(restricted) - set(table.key):
        raise _Refused("ANN ordering by vector requires conditions on the primary key alone")
    if restricted and not text.endswith("ALLOW FILTERING"):
        raise _Refused("Cannot execute this query, use ALLOW FILTERING")
    repeated = [name for name in restricted if f'"{name}" = ?' in text and restricted.count(name) > 1]
    if repeated:
        raise _Refused(
            f"{repeated[0]} cannot be restricted by more than one relation if it includes an Equal"
        )


def _selected(table: _Table, text: str, statement: _Statement, given: list[Any]) -> list[dict[str, Any]]:
    signs = re.findall(r'"?(\w+)"? (=|<=|>=|<|>) \?', text)
    searched = "ANN OF" in text
    wanted = given[1:-2] if searched else given
    tests = [(name, sign, value) for (name, sign), value in zip(signs, wanted, strict=True)]
    rows = [row for row in table.rows.values() if all(_holds(row[name], *test) for name, *test in tests)]
    if "COUNT(*)" in text:
        return [{"documents": len(rows)}]
    if not searched:
        return sorted(rows, key=lambda row: tuple(row[name] for name in table.key))
    if not 0 < given[-1] <= 1000:
        raise _Refused("Use of ANN OF in an ORDER BY clause requires a LIMIT that is not greater than 1000")
    query = np.array(given[0])
    assert given[0] == given[-2]
    found = []
    for row in rows:
        if row["vector"] is not None:
            kept = np.array(row["vector"])
            cosine = (kept * query).sum() / np.linalg.norm(kept) / np.linalg.norm(query)
            found.append({**row, "similarity": float(np.float32((1 + cosine) / 2))})
    found.sort(key=lambda row: -row["similarity"])
    return found[: given[-1]]


def _holds(found: str, sign: str, wanted: str) -> bool:
    left, right = (each.encode() if isinstance(each, str) else each for each in (found, wanted))
    match sign:
        case "=":
            return left == right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


class _Connection(socketserver.StreamRequestHandler):
    server: CqlServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while head := self.rfile.read(9):
            version, _, stream, operation, size = struct.unpack(">BBhBi", head)
            body = Reader(self.rfile.read(size))
            try:
                if version != 4:
                    answer, kind = _failed(_PROTOCOL, "Invalid or unsupported protocol version"), _ERROR
                else:
                    kind, answer = self._answered(operation, body)
            except _Refused as error:
                answer, kind = _failed(_INVALID, str(error)), _ERROR
            self.wfile.write(struct.pack(">BBhBi", 0x84, 0, stream, kind, len(answer)) + answer)
            self.wfile.flush()

    def _answered(self, operation: int, body: Reader) -> tuple[int, bytes]:
        match operation:
            case 0x05:
                offered = short_text("CQL_VERSION") + struct.pack(">H", 1) + short_text("3.3.1")
                return _SUPPORTED, struct.pack(">H", 2) + offered + short_text("COMPRESSION") + b"\0\0"
            case 0x01 | 0x0B:
                return _READY, b""
            case 0x07:
                return _RESULT, self.server.query(body.long_text())
            case 0x09:
                return _RESULT, self.server.prepare(body.long_text())
            case 0x0A:
                number = body.short_bytes()
                assert body.number("H") == 6, "LOCAL_QUORUM"
                return _RESULT, self.server.execute(number, body.values() if body.number("B") & 1 else [])
            case 0x0D:
                return _RESULT, self._batch(body)
            case _:
                raise _Refused(f"unknown operation {operation}")

    def _batch(self, body: Reader) -> bytes:
        assert body.number("B") == 1, "unlogged"
        count = body.number("H")
        statements = []
        for _ in range(count):
            assert body.number("B") == 1, "prepared"
            statements.append((body.short_bytes(), body.values()))
        assert body.number("H") == 6, "LOCAL_QUORUM"
        assert len({values[0] for _, values in statements}) == 1, "one partition"
        for number, values in statements:
            self.server.execute(number, values)
        return _VOID


def _failed(code: int, message: str) -> bytes:
    return struct.pack(">i", code) + short_text(message)
