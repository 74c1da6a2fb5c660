"""Messages of AWS event streams: a prelude with lengths, typed headers, a payload, two checksums.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html (event stream encoding)
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Any, Final

import msgspec

__all__ = ["event_message", "exception_message"]

_STRING: Final = 7


def event_message(kind: str, data: Any) -> bytes:
    """An event of a kind, its data as JSON."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return _message(headers, msgspec.json.encode(data))


def exception_message(kind: str, data: Any) -> bytes:
    """An exception of a kind, its data as JSON."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return _message(headers, msgspec.json.encode(data))


def _message(headers: dict[str, str], payload: bytes) -> bytes:
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 12 + len(block) + len(payload) + 4, len(block))
    head = prelude + struct.pack("!I", crc32(prelude))
    return head + block + payload + struct.pack("!I", crc32(head + block + payload))


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(text)) + text
