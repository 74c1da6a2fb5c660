from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ProtocolError
from agentlab.http import EventStreamFramer, Frame
from tests.http.splits import cut, every_way, outcome, places


def string_header(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack("!H", len(value.encode())) + value.encode())


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def message(headers: bytes, payload: bytes) -> bytes:
    """A message as the encoding is documented: prelude, its CRC, headers, payload, CRC of all before."""
    prelude = struct.pack("!II", 12 + len(headers) + len(payload) + 4, len(headers))
    body = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack("!I", zlib.crc32(body))


def event(name: str, payload: bytes) -> bytes:
    return message(
        string_header(":event-type", name)
        + string_header(":content-type", "application/json")
        + string_header(":message-type", "event"),
        payload,
    )


EVENTS = (
    event("messageStart", b'{"role":"assistant"}')
    + event("contentBlockDelta", '{"t":"é"}'.encode())
    + event("x", b"")
)
FRAMES = [
    Frame(b'{"role":"assistant"}', "messageStart"),
    Frame('{"t":"é"}'.encode(), "contentBlockDelta"),
    Frame(b"", "x"),
]


def test_messages_are_frames_however_they_are_cut() -> None:
    for chunks in every_way(EVENTS):
        assert outcome(EventStreamFramer(), chunks) == (FRAMES, "")


@given(parts=st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=200)), max_size=6), where=places)
def test_any_names_and_payloads_survive(parts: list[tuple[str, bytes]], where: list[int]) -> None:
    body = b"".join(event(name, payload) for name, payload in parts)
    assert outcome(EventStreamFramer(), cut(body, where)) == ([Frame(data, name) for name, data in parts], "")


def test_headers_of_every_type_are_skipped_over() -> None:
    headers = b"".join(
        [
            header("true", 0, b""),
            header("false", 1, b""),
            header("byte", 2, b"\x01"),
            header("short", 3, b"\x01" * 2),
            header("int", 4, b"\x01" * 4),
            header("long", 5, b"\x01" * 8),
            header("bytes", 6, b"\x00\x03abc"),
            header("time", 8, b"\x01" * 8),
            header("uuid", 9, b"\x01" * 16),
            string_header(":event-type", "last"),
        ]
    )
    assert outcome(EventStreamFramer(), [message(headers, b"{}")]) == ([Frame(b"{}", "last")], "")


def test_an_exception_is_named_by_its_type() -> None:
    headers = string_header(":exception-type", "throttlingException") + string_header(
        ":message-type", "exception"
    )
    body = message(headers, b'{"message":"slow down"}')
    assert outcome(EventStreamFramer(), [body]) == (
        [Frame(b'{"message":"slow down"}', "throttlingException")],
        "",
    )


def test_an_error_without_payload_gives_its_message_as_json() -> None:
    headers = string_header(":error-code", "500") + string_header(":error-message", 'bad "thing"')
    assert outcome(EventStreamFramer(), [message(headers, b"")]) == (
        [Frame(b'{"message": "bad \\"thing\\""}', "500")],
        "",
    )


@given(place=st.integers(min_value=0, max_value=len(EVENTS) - 1), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_never_gives_a_changed_frame(place: int, bit: int) -> None:
    broken = bytearray(EVENTS)
    broken[place] ^= 1 << bit
    frames, error = outcome(EventStreamFramer(), [bytes(broken)])
    assert frames == FRAMES[: len(frames)]
    assert len(frames) < len(FRAMES)
    assert error


def test_a_message_that_the_end_cuts_is_no_frame() -> None:
    assert outcome(EventStreamFramer(), [EVENTS[:-1]]) == (FRAMES[:2], "")
    assert outcome(EventStreamFramer(), [EVENTS[:-1]], dispatch_tail=True) == (FRAMES[:2], "")


def test_headers_longer_than_the_message_are_an_error() -> None:
    prelude = struct.pack("!II", 20, 100)
    body = prelude + struct.pack("!I", zlib.crc32(prelude)) + b"\0" * 100
    assert "shorter than its own headers" in outcome(EventStreamFramer(), [body])[1]


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05ab",
        b"\x02ab",
        b"\x02ab\x07\x00",
        b"\x02ab\x63",
        b"\x02\xff\xff\x00",
        header("a", 7, b"\x00\x09abc"),
        header("a", 7, b"\x00\x02\xff\xff"),
    ],
)
def test_malformed_headers_are_an_error(headers: bytes) -> None:
    assert "header" in outcome(EventStreamFramer(), [message(headers, b"{}")])[1]


def test_the_prelude_alone_of_an_oversized_message_is_refused() -> None:
    prelude = struct.pack("!II", 64 << 20, 0)
    framer = EventStreamFramer()
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="more than 8,388,608 bytes"):
            framer.feed(prelude + struct.pack("!I", zlib.crc32(prelude)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 16
