"""What the server sends, read by a reader of JSON: it says what its scenario says, one chunk an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.peers.scenarios import Turn, turns
from benchmarks.peers.server import response
from benchmarks.peers.wires import PATHS, answer

SCENARIOS = ("text-7", "loop-2", "arguments-12", "finished-1")
WIRES = pytest.mark.parametrize("wire", sorted(PATHS))


def body(data: bytes) -> list[bytes]:
    """The HTTP chunks of an answer."""
    head, _, rest = data.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    chunks: list[bytes] = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not (length := int(size, 16)):
            assert rest == b"\r\n"
            return chunks
        chunks.append(rest[:length])
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]


def events(data: bytes) -> list[dict[str, Any]]:
    """The JSON of each event; each has a chunk of its own."""
    found = []
    for chunk in body(data):
        assert chunk.endswith(b"\n\n")
        payload = chunk.rpartition(b"data: ")[2].strip()
        if payload != b"[DONE]":
            found.append(json.loads(payload))
    return found


def said(wire: str, found: list[dict[str, Any]]) -> str:
    """All text, or all arguments, of an answer."""
    if wire == "anthropic":
        deltas = [each["delta"] for each in found if each["type"] == "content_block_delta"]
        return "".join(each.get("text") or each.get("partial_json", "") for each in deltas)
    if wire == "responses":
        return "".join(each["delta"] for each in found if each["type"].endswith(".delta"))
    pieces = [choice["delta"] for each in found for choice in each["choices"]]
    calls = [call["function"]["arguments"] for each in pieces for call in each.get("tool_calls", ())]
    return "".join([each.get("content") or "" for each in pieces] + calls)


def meant(turn: Turn) -> str:
    """What a turn says, or calls its tool with."""
    return "".join(turn.deltas if turn.call is None else turn.call.deltas)


@WIRES
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_wire_says_what_the_scenario_says(wire: str, scenario: str) -> None:
    for place, turn in enumerate(turns(scenario)):
        assert said(wire, events(answer(wire, scenario, place, streamed=True))) == meant(turn)


@WIRES
def test_behind_the_last_turn_it_is_said_again(wire: str) -> None:
    assert answer(wire, "loop-1", 9, streamed=True) == answer(wire, "loop-1", 1, streamed=True)


@WIRES
def test_the_turn_that_is_due_is_read_from_the_last_call(wire: str) -> None:
    path = b"/loop-2/v1" + PATHS[wire]
    for past, due in ((b"", 0), (b"call_bench_00000", 1), (b"call_bench_00000 call_bench_00001", 2)):
        given = response(b"POST %b HTTP/1.1" % path, b'{"stream":true,"x":"%b"}' % past)
        assert given == answer(wire, "loop-2", due, streamed=True)


def test_no_wire_no_answer() -> None:
    assert response(b"GET /loop-2/v1/models HTTP/1.1", b"").startswith(b"HTTP/1.1 404")
