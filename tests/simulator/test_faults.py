"""Faults: as data, and as a client meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.simulator import Fault, Simulator, reply
from agentlab.simulator.faults import FaultQueue, disturb

STREAM = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
UNARY = {**STREAM, "stream": False}
TEXT = "one two three four five six seven"


@pytest.fixture
def client(sim: Simulator) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {sim.token}"}
    with httpx.Client(base_url=sim.base_url("openai"), headers=headers, timeout=5) as client:
        sim.script([TEXT] * 5)
        yield client


def received(client: httpx.Client, body: dict[str, Any]) -> tuple[bytes, type[Exception] | None]:
    """What arrived, and the error it ended with."""
    arrived = b""
    try:
        with client.stream("POST", "/chat/completions", json=body) as response:
            for chunk in response.iter_bytes():
                arrived += chunk
    except httpx.TransportError as error:
        return arrived, type(error)
    return arrived, None


def whole(client: httpx.Client, body: dict[str, Any]) -> bytes:
    arrived, error = received(client, body)
    assert error is None
    return arrived


def test_a_closed_connection_in_mid_stream_is_a_protocol_error(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("fin", at_event=3))
    arrived, error = received(client, STREAM)
    assert error is httpx.RemoteProtocolError
    assert arrived.count(b"data: ") == 3


def test_a_reset_connection_in_mid_stream_is_a_read_error(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("rst", at_event=3))
    arrived, error = received(client, STREAM)
    assert error is httpx.ReadError
    assert arrived.count(b"data: ") <= 3


def test_a_truncated_stream_ends_cleanly_but_without_its_terminal_event(
    sim: Simulator, client: httpx.Client
) -> None:
    sim.faults.add(Fault("truncate"))
    arrived = whole(client, STREAM)
    assert arrived.startswith(b"data: ")
    assert arrived.endswith(b"}\n\n")
    assert b"[DONE]" not in arrived
    assert b"[DONE]" in whole(client, STREAM)


def test_truncation_never_lets_the_terminal_event_through(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("truncate", at_event=10_000))
    assert b"[DONE]" not in whole(client, STREAM)


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_a_connection_can_break_before_the_status_line(
    sim: Simulator, client: httpx.Client, kind: Any
) -> None:
    sim.faults.add(Fault(kind, before_headers=True))
    arrived, error = received(client, STREAM)
    assert arrived == b""
    assert error is {"fin": httpx.RemoteProtocolError, "rst": httpx.ReadError}[kind]


@pytest.mark.parametrize("before_headers", [False, True])
def test_a_stalled_stream_times_out_and_the_server_notices_the_client_is_gone(
    sim: Simulator, before_headers: bool
) -> None:
    sim.faults.add(Fault("stall", at_event=2, before_headers=before_headers))
    headers = {"authorization": f"Bearer {sim.token}"}
    with httpx.Client(base_url=sim.base_url("openai"), headers=headers, timeout=0.2) as client:
        arrived, error = received(client, STREAM)
    assert error is httpx.ReadTimeout
    assert arrived.count(b"data: ") == (0 if before_headers else 2)
    assert sim.requests.wait_idle()
    assert sim.requests[0].disconnected


def test_a_corrupt_event_breaks_the_json_and_not_the_framing(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("corrupt", at_event=2))
    events = whole(client, STREAM).decode().removesuffix("\n\n").split("\n\n")
    payloads = [event.removeprefix("data: ") for event in events]
    with pytest.raises(json.JSONDecodeError):
        json.loads(payloads[2])
    assert all(json.loads(payload) for place, payload in enumerate(payloads[:-1]) if place != 2)
    assert payloads[-1] == "[DONE]"


def test_a_status_comes_instead_of_the_answer_as_often_as_told(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("status", status=429, message="Slow down.", retry_after=7, times=2))
    answers = [client.post("/chat/completions", json=STREAM) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["error"]["message"] == "Slow down."
    assert [request.fault for request in sim.requests] == ["status", "status", None]


def test_a_fault_uses_no_turn_of_the_script(sim: Simulator, client: httpx.Client) -> None:
    script = sim.script(["first"])
    sim.faults.add(Fault("status", status=503))
    client.post("/chat/completions", json=UNARY)
    assert script.left == 1


def test_a_reply_can_carry_its_own_fault(sim: Simulator, client: httpx.Client) -> None:
    sim.script([reply(TEXT, fault=Fault("fin", at_event=1)), reply("ok")])
    assert received(client, STREAM)[1] is httpx.RemoteProtocolError
    assert b"ok" in whole(client, STREAM)


def test_a_fault_for_one_vendor_spares_the_others(sim: Simulator, client: httpx.Client) -> None:
    sim.faults.add(Fault("status", vendor="deepseek"))
    assert client.post("/chat/completions", json=UNARY).status_code == 200
    url = sim.base_url("deepseek") + "/chat/completions"
    assert client.post(url, json=UNARY).status_code == 500


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault("fin"), httpx.RemoteProtocolError), (Fault("rst"), httpx.ReadError), (Fault("truncate"), None)],
)
def test_a_unary_body_is_cut_in_half(
    sim: Simulator, client: httpx.Client, fault: Fault, error: type[Exception] | None
) -> None:
    sim.faults.add(fault)
    arrived, raised = received(client, UNARY)
    assert raised is error
    with pytest.raises(json.JSONDecodeError):
        json.loads(arrived)


@pytest.mark.parametrize("at_byte", [0, 1, 5, 200, 333])
def test_a_connection_closes_at_the_very_byte(sim: Simulator, client: httpx.Client, at_byte: int) -> None:
    sim.faults.add(Fault("fin", at_byte=at_byte))
    assert len(received(client, STREAM)[0]) == at_byte


# -------------------------------------------------------------------- as data

events = st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6)


@given(events, st.integers(0, 60), st.sampled_from(["fin", "rst", "stall", "truncate"]))
def test_a_cut_at_a_byte_keeps_exactly_the_bytes_before_it(
    body: list[bytes], at_byte: int, kind: Any
) -> None:
    spoiled = disturb(body, Fault(kind, at_byte=at_byte), b"")
    assert b"".join(spoiled.chunks) == b"".join(body)[:at_byte]


@given(events, st.integers(0, 9), st.sampled_from(["fin", "rst", "stall"]))
def test_a_cut_at_an_event_keeps_whole_events(body: list[bytes], at_event: int, kind: Any) -> None:
    if len(body) > 1:
        assert list(disturb(body, Fault(kind, at_event=at_event), b"").chunks) == body[:at_event]


def test_a_status_fault_leaves_a_body_alone() -> None:
    assert disturb([b"a", b"b"], Fault("status"), b"").chunks == (b"a", b"b")


def test_a_queue_serves_first_in_first_out_and_can_be_cleared() -> None:
    queue = FaultQueue()
    queue.add(Fault("fin", times=2))
    queue.add(Fault("rst"))
    assert [fault and fault.kind for fault in (queue.take("a"), queue.take("a"), queue.take("a"))] == [
        "fin",
        "fin",
        "rst",
    ]
    queue.add(Fault("fin"))
    queue.clear()
    assert queue.take("a") is None


@pytest.mark.parametrize("options", [{"at_event": 1, "at_byte": 1}, {"times": 0}])
def test_a_fault_that_makes_no_sense_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Fault("fin", **options)
