"""Values, columns and results of the CQL binary protocol, version 4.

https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

__all__ = ["Columns", "Reader", "decoded", "prepared", "rows_result", "short_text"]

Columns = Sequence[tuple[str, str]]
"""Names with types as CQL writes them."""

_OPTIONS = {"bigint": 2, "float": 8, "int": 9, "uuid": 12, "text": 13, "inet": 16}
_PACKED = {"bigint": ">q", "int": ">i", "float": ">f"}
_GLOBAL_TABLE = 1


class Reader(BytesIO):
    """Reads the body of a request."""

    def number(self, layout: str) -> int:
        size = struct.calcsize(f">{layout}")
        (found,) = struct.unpack(f">{layout}", self.read(size))
        return int(found)

    def long_text(self) -> str:
        return self.read(self.number("i")).decode()

    def short_bytes(self) -> bytes:
        return self.read(self.number("H"))

    def values(self) -> list[bytes | None]:
        return [None if (size := self.number("i")) < 0 else self.read(size) for _ in range(self.number("H"))]


def short_text(text: str) -> bytes:
    """A string with its length before it."""
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def decoded(kind: str, value: bytes | None) -> Any:
    """A value of a type."""
    if value is None:
        return None
    if kind.startswith("vector<float, "):
        assert len(value) == 4 * int(kind[14:-1]), "the width of the column"
        return list(struct.unpack(f">{len(value) // 4}f", value))
    return value.decode() if kind == "text" else struct.unpack(_PACKED[kind], value)[0]


def _encoded(kind: str, value: Any) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    if kind.startswith("vector"):
        body = struct.pack(f">{len(value)}f", *value)
    elif kind in _PACKED:
        body = struct.pack(_PACKED[kind], value)
    elif kind == "set<text>":
        body = struct.pack(">i", len(value)) + b"".join(_encoded("text", each) for each in value)
    else:
        body = value.bytes if isinstance(value, uuid.UUID) else value if kind == "inet" else value.encode()
    return struct.pack(">i", len(body)) + body


def _option(kind: str) -> bytes:
    if kind.startswith("vector<float, "):
        marshal = "org.apache.cassandra.db.marshal"
        return struct.pack(">H", 0) + short_text(f"{marshal}.VectorType({marshal}.FloatType, {kind[14:-1]})")
    if kind == "set<text>":
        return struct.pack(">HH", 0x22, _OPTIONS["text"])
    return struct.pack(">H", _OPTIONS[kind])


def _specified(columns: Columns) -> bytes:
    names = b"".join(short_text(name) + _option(kind) for name, kind in columns)
    return short_text("space") + short_text("table") + names


def rows_result(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The body of a result of rows."""
    found = list(rows)
    body = b"".join(_encoded(kind, row[name]) for row in found for name, kind in columns)
    head = struct.pack(">iii", 2, _GLOBAL_TABLE, len(columns)) + _specified(columns)
    return head + struct.pack(">i", len(found)) + body


def prepared(number: bytes, values: Columns, columns: Columns) -> bytes:
    """The body of the result of a preparation."""
    head = struct.pack(">iH", 4, len(number)) + number
    taken = struct.pack(">iii", _GLOBAL_TABLE, len(values), 0) + _specified(values)
    return head + taken + struct.pack(">ii", _GLOBAL_TABLE, len(columns)) + _specified(columns)
