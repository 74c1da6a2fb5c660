"""The server itself: who may talk to it, how much at once, and what is left when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import threading
import warnings

import httpx
import pytest

from agentlab.errors import UsageError
from agentlab.simulator import Fault, Latency, Reply, SimRequest, Simulator, call, reply, serve, shared

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello there"}]}
STREAM = {**CHAT, "stream": True}
PATH = "/openai/v1/chat/completions"


def exchanged(sim: Simulator, request: bytes) -> bytes:
    """Send raw bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", sim.port), timeout=5) as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := peer.recv(65536):
            received += chunk
    return received


def raw(
    sim: Simulator, *, host: str | None = None, key: str | None = None, body: bytes | None = None
) -> bytes:
    body = json.dumps(CHAT).encode() if body is None else body
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{sim.port}'}\r\n"
    head += f"Authorization: Bearer {key or sim.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def post(sim: Simulator, body: object = None, **options: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {sim.token}"}
    return httpx.post(sim.url + PATH, json=CHAT if body is None else body, headers=headers, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------- who may talk


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "0.0.0.0"]
)
def test_a_request_for_another_host_is_misdirected(sim: Simulator, host: str) -> None:
    assert exchanged(sim, raw(sim, host=host)).startswith(b"HTTP/1.1 421 ")
    assert sim.requests[0].status == 421


def test_localhost_with_the_right_port_is_its_own_name(sim: Simulator) -> None:
    assert exchanged(sim, raw(sim, host=f"localhost:{sim.port}")).startswith(b"HTTP/1.1 200 ")


def test_it_listens_on_the_loopback_address_only(sim: Simulator) -> None:
    assert sim._listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("key", ["wrong", "", "sim-", "é"])
def test_a_wrong_key_is_refused_before_the_request_is_read(sim: Simulator, key: str) -> None:
    answer = exchanged(sim, raw(sim, key=key or " ", body=b"not json"))
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("place", ["authorization", "x-api-key", "x-goog-api-key", "api-key", "?key="])
def test_the_key_is_taken_wherever_a_wire_puts_it(sim: Simulator, place: str) -> None:
    headers = {"authorization": f"Bearer {sim.token}"} if place == "authorization" else {place: sim.token}
    query = {"key": sim.token} if place == "?key=" else {}
    answer = httpx.post(sim.url + PATH, json=CHAT, headers={} if query else headers, params=query)
    assert answer.status_code == 200
    assert sim.token not in repr(sim.requests[0])


def test_two_servers_have_two_tokens(sim: Simulator) -> None:
    with serve() as other:
        assert other.token != sim.token
        assert post(other).status_code == 200
        headers = {"authorization": f"Bearer {sim.token}"}
        assert httpx.post(other.url + PATH, json=CHAT, headers=headers).status_code == 401


# ------------------------------------------------------------------- routes


def test_the_root_describes_the_server_without_a_key(sim: Simulator) -> None:
    described = httpx.get(sim.url).json()
    assert described["simulated"] is True
    assert "openai_chat" in described["wires"]


@pytest.mark.parametrize("path", ["/openai/v1/nothing", "/openai", "/nothing/at/all"])
def test_an_unknown_path_is_not_found(sim: Simulator, path: str) -> None:
    assert httpx.post(sim.url + path, json=CHAT).status_code == 404


@pytest.mark.parametrize(
    ("vendor", "end"),
    [
        ("openai", "/openai/v1"),
        ("anthropic", "/anthropic"),
        ("gemini", "/gemini/v1beta"),
        ("ollama", "/ollama"),
        ("cohere", "/cohere"),
        ("bedrock", "/bedrock"),
    ],
)
def test_each_vendor_has_the_base_url_its_client_wants(sim: Simulator, vendor: str, end: str) -> None:
    assert sim.base_url(vendor) == sim.url + end


# --------------------------------------------------------------- HTTP itself


def test_a_connection_is_kept_and_used_again(sim: Simulator) -> None:
    answer = exchanged(sim, raw(sim) + raw(sim))
    assert answer.count(b"HTTP/1.1 200 ") == 2


def test_a_stream_is_chunked_one_event_to_a_chunk(sim: Simulator) -> None:
    sim.script(["one two"])
    answer = exchanged(sim, raw(sim, body=json.dumps(STREAM).encode()))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert b"content-type: text/event-stream" in head.lower()
    chunks = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        chunks.append(rest[:length])
        body = rest[length + 2 :]
    assert chunks[-2:] == [b"data: [DONE]\n\n", b""]
    assert all(chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") for chunk in chunks[:-1])
    assert sim.requests[0].events_sent == len(chunks) - 1
    assert sim.requests[0].bytes_sent == sum(map(len, chunks))


def test_a_client_that_waits_for_continue_is_told_to_go_on(sim: Simulator) -> None:
    body = json.dumps(CHAT).encode()
    head = raw(sim, body=body)[: -len(body) - 2] + b"Expect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sim.port), timeout=5) as peer:
        peer.sendall(head)
        assert peer.recv(4096).startswith(b"HTTP/1.1 100 ")
        peer.sendall(body)
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_body_over_the_cap_is_refused() -> None:
    with serve(max_body=100) as sim:
        assert exchanged(sim, raw(sim, body=b"x" * 101)).startswith(b"HTTP/1.1 413 ")
        assert exchanged(sim, raw(sim, body=b"x" * 100)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"HELLO\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_bytes_that_are_no_http_are_refused_and_harm_no_one(sim: Simulator, garbage: bytes) -> None:
    assert b"200" not in exchanged(sim, garbage)[:15]
    assert post(sim).status_code == 200


def test_a_client_that_leaves_before_it_asks_harms_no_one(sim: Simulator) -> None:
    socket.create_connection(("127.0.0.1", sim.port), timeout=5).close()
    assert exchanged(sim, raw(sim)[:-5]) == b""
    assert post(sim).status_code == 200


# -------------------------------------------------------------- many at once


@pytest.mark.anyio
async def test_two_hundred_streams_at_once_are_all_whole_and_their_own(sim: Simulator) -> None:
    def behaviour(request: SimRequest) -> Reply:
        return reply(f"{request.json['messages'][0]['content']} " * 20)

    sim.behaviour = behaviour
    headers = {"authorization": f"Bearer {sim.token}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as client:

        async def said(number: int) -> str:
            body = {**STREAM, "messages": [{"role": "user", "content": f"n{number}"}]}
            text = ""
            async with client.stream("POST", sim.url + PATH, json=body) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            return text

        texts = await asyncio.gather(*map(said, range(200)))
    assert texts == [f"n{number} " * 20 for number in range(200)]
    assert len({request.serial for request in sim.requests}) == 200


def test_a_waiting_stream_does_not_hold_up_the_others(sim: Simulator) -> None:
    sim.faults.add(Fault("stall", at_event=1))
    headers = {"authorization": f"Bearer {sim.token}"}
    with (
        httpx.Client(headers=headers) as client,
        client.stream("POST", sim.url + PATH, json=STREAM) as stalled,
    ):
        next(stalled.iter_bytes())
        assert post(sim).status_code == 200
    assert sim.requests.wait_idle()
    assert sim.requests[0].disconnected


def test_a_client_that_leaves_in_mid_stream_is_noticed(sim: Simulator) -> None:
    sim.script(["word " * 30_000])
    headers = {"authorization": f"Bearer {sim.token}"}
    with (
        httpx.Client(headers=headers) as client,
        client.stream("POST", sim.url + PATH, json=STREAM) as response,
    ):
        next(response.iter_bytes())
    assert sim.requests.wait_idle()
    assert sim.requests[0].disconnected
    assert sim.requests[0].events_sent < 30_000


# --------------------------------------------------------------- determinism


def transcript(seed: int) -> list[bytes]:
    """The bodies of a small conversation."""
    script = [reply("Hello", reasoning="greet"), call("add", a=1), reply("done", chunk_tokens=2)]
    with serve(script, seed=seed) as sim:
        return [post(sim, STREAM).content for _ in script]


def test_equal_runs_give_equal_bytes_and_another_seed_others() -> None:
    assert transcript(7) == transcript(7)
    assert transcript(7) != transcript(8)


def test_virtual_time_passes_only_when_told() -> None:
    with serve(latency=Latency(first_token_s=3600, tokens_per_s=0.001)) as sim:
        first = post(sim).json()["created"]
        sim.advance("6m")
        assert post(sim).json()["created"] - first == 360
        assert [request.at_s for request in sim.requests] == [0.0, 360.0]
        assert sim.requests[0].first_event_s == 3600
        assert sim.requests[0].duration_s > 3600


def test_a_real_clock_paces_a_stream() -> None:
    with serve(
        ["one two three"], realtime=True, latency=Latency(first_token_s=0.05, tokens_per_s=100)
    ) as sim:
        elapsed = post(sim, STREAM).elapsed.total_seconds()
        assert elapsed >= 0.05 + 0.01 * 3


# ------------------------------------------------------------------ the end


def test_stopping_closes_open_streams_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sim = serve()
        sim.faults.add(Fault("stall", at_event=1))
        peer = socket.create_connection(("127.0.0.1", sim.port), timeout=5)
        peer.sendall(raw(sim, body=json.dumps(STREAM).encode()))
        assert peer.recv(65536)
        sim.stop()
        sim.stop()
        while peer.recv(65536):
            pass
        peer.close()
        del sim, peer
        gc.collect()
    assert [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)] == []
    assert set(threading.enumerate()) == before


def test_connections_that_arrive_while_it_stops_are_closed_too() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):
            with contextlib.ExitStack() as peers:
                sim = serve()
                for _ in range(8):
                    peer = peers.enter_context(socket.socket())
                    peer.setblocking(False)
                    peer.connect_ex(("127.0.0.1", sim.port))
                sim.stop()
        del sim
        gc.collect()
    assert [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)] == []


def test_a_stopped_server_accepts_no_one() -> None:
    sim = serve()
    sim.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", sim.port), timeout=5)


def test_a_taken_port_is_said_so(sim: Simulator) -> None:
    with pytest.raises(UsageError, match=str(sim.port)):
        serve(port=sim.port)


def test_the_shared_simulator_is_one_and_runs() -> None:
    first = shared()
    assert shared() is first
    assert post(first).status_code == 200


# ------------------------------------------------------------------- the log


def test_the_log_keeps_the_newest() -> None:
    with serve(log_size=2) as sim:
        for _ in range(3):
            post(sim)
        assert [request.serial for request in sim.requests] == [1, 2]
        assert len(sim.requests[0:2]) == 2
        sim.requests.clear()
        assert len(sim.requests) == 0


def test_the_log_says_what_was_asked_and_answered(sim: Simulator) -> None:
    post(sim)
    assert sim.requests.wait_idle()
    request = sim.requests[0]
    assert (request.method, request.path, request.vendor, request.wire) == (
        "POST",
        PATH,
        "openai",
        "openai_chat",
    )
    assert request.json == CHAT
    assert request.status == 200
    assert request.usage is not None
    assert request.usage.input_tokens
    assert request.finished
    assert not request.disconnected
