from __future__ import annotations

import asyncio
import gzip
import pickle
import sys
import threading

import httpx
import httpx2
import pytest

from agentlab.errors import ConnectionFailed, MissingExtra, ProtocolError, ResponseTimeout, UsageError
from agentlab.http import Failure, HttpClient, HttpRequest, Secret, Timeouts
from agentlab.http.own_client import Transport
from tests.http.loopback import (
    END,
    STREAM,
    Peer,
    answering,
    open_sockets,
    piece,
    response,
    serve,
    unused_port,
)
from tests.http.sending import post, read

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_remains")]

KEY = Secret("sk-CANARY-0123456789abcdef")


async def test_a_request_arrives_as_it_was_given(transport: Transport) -> None:
    async with serve(answering(response(b"ok", "201 Created", "X-Request-Id: 7", "a: 1", "A: 2"))) as server:
        request = HttpRequest(
            "POST",
            f"{server.url}/v1/chat?alt=sse",
            {"content-type": "application/json", "x-beta": "b"},
            b'{"a": 1}',
            ("x-api-key", "", KEY),
            {"version": "1 2"},
        )
        async with HttpClient(transport=transport).open(request) as answer:
            assert (answer.status, answer.headers["x-request-id"], answer.headers["a"]) == (201, "7", "1, 2")
            assert await answer.read() == b"ok"
        head = server.peers[0].head.lower()
        assert head.startswith(b"post /v1/chat?alt=sse&version=1%202 http/1.1")
        assert b"x-api-key: " + KEY.reveal().lower().encode() in head
        assert b"x-beta: b" in head
        assert b"content-type: application/json" in head
        assert server.peers[0].body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("url", "query", "sent"),
    [
        ("/v1", None, b"/v1"),
        ("/v1", {}, b"/v1"),
        ("/v1?a=1", None, b"/v1?a=1"),
        ("/v1?a=%2F1", {"b": "x/y &"}, b"/v1?a=%2F1&b=x%2Fy%20%26"),
        ("/v1", {"api-version": "2025-01-01"}, b"/v1?api-version=2025-01-01"),
    ],
)
async def test_a_query_is_added_to_the_one_the_url_has(
    transport: Transport, url: str, query: dict[str, str] | None, sent: bytes
) -> None:
    async with serve(answering(response(b""))) as server:
        await read(HttpClient(transport=transport), post(server.url + url, query=query))
        assert server.peers[0].head.split(b" ")[1] == sent


async def test_without_a_key_no_key_is_sent(transport: Transport) -> None:
    async with serve(answering(response(b""))) as server:
        assert await read(HttpClient(transport=transport), post(server.url)) == b""
        assert b"authorization" not in server.peers[0].head.lower()


async def test_a_client_that_is_not_entered_opens_and_closes_by_itself(transport: Transport) -> None:
    async with serve(answering(response(b"ok"))) as server:
        client = HttpClient(transport=transport)
        for _ in range(3):
            assert await read(client, post(server.url)) == b"ok"
        assert server.connections == 3


async def test_an_entered_client_keeps_its_connection_until_the_last_leaves(transport: Transport) -> None:
    async with serve(answering(response(b"ok"))) as server:
        client = HttpClient(transport=transport)
        async with client:
            async with client:
                await read(client, post(server.url))
            await read(client, post(server.url))
            assert server.connections == 1
            assert not server.left.is_set()
        await server.left.wait()
        await read(client, post(server.url))
        assert server.connections == 2


async def test_every_event_loop_has_its_own_pool(transport: Transport) -> None:
    async with serve(answering(response(b"ok"))) as server:
        client = HttpClient(transport=transport)
        bodies: list[bytes] = []

        def other_loop() -> None:
            bodies.append(asyncio.run(read(client, post(server.url))))

        async with client:
            await read(client, post(server.url))
            thread = threading.Thread(target=other_loop)
            thread.start()
            await asyncio.to_thread(thread.join)
            await read(client, post(server.url))
        assert bodies == [b"ok"]
        assert server.connections == 2
        await asyncio.get_running_loop().shutdown_default_executor()


@pytest.mark.parametrize("package", [httpx, httpx2])
async def test_a_client_of_ones_own_is_used_and_not_closed(package: type[httpx]) -> None:  # type: ignore[valid-type]
    async with serve(answering(response(b"ok"))) as server, package.AsyncClient() as given:  # type: ignore[attr-defined]
        client = HttpClient(client=given)
        async with client:
            await read(client, post(server.url, auth=("authorization", "Bearer ", KEY)))
        await read(client, post(server.url))
        assert not given.is_closed
        assert server.connections == 1
        assert b"Bearer " + KEY.reveal().encode() in server.peers[0].head
        with pytest.raises(ConnectionFailed) as refused:
            await read(client, post(f"http://127.0.0.1:{unused_port()}"))
        assert Failure.of(refused.value) is Failure.CONNECT


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "429 Too Many", "529 Overloaded"])
async def test_an_error_status_is_a_response(transport: Transport, status: str) -> None:
    script = answering(response(b"no", status, "retry-after: 2"))
    async with serve(script) as server, HttpClient(transport=transport).open(post(server.url)) as answer:
        assert answer.status == int(status[:3])
        assert answer.headers["retry-after"] == "2"
        assert await answer.read() == b"no"


async def test_a_redirect_is_not_followed(transport: Transport) -> None:
    async with serve(answering(response(b"", "307 Temporary", "location: http://example.com/"))) as server:
        async with HttpClient(transport=transport).open(
            post(server.url, auth=("x-api-key", "", KEY))
        ) as answer:
            assert answer.status == 307
        assert len(server.peers) == 1


@pytest.mark.parametrize("own", [True, False], ids=["own", "given"])
@pytest.mark.parametrize("encoding", ["gzip", "identity", ""])
async def test_a_body_comes_decoded_and_once(transport: Transport, encoding: str, own: bool) -> None:
    said = b"one" * 5_000
    body = gzip.compress(said) if encoding == "gzip" else said
    headers = [f"content-encoding: {encoding}"] if encoding else []
    async with serve(answering(response(body, "200 OK", *headers))) as server, httpx.AsyncClient() as given:
        client = HttpClient(transport=transport) if own else HttpClient(client=given)
        async with client.open(post(server.url)) as answer:
            assert b"".join([chunk async for chunk in answer.chunks()]) == said
            assert [chunk async for chunk in answer.chunks()] == []


async def test_a_piece_is_there_before_the_next_is_sent(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await go_on.wait()
        await peer.send(piece(b"two") + END)

    async with serve(script) as server, HttpClient(transport=transport).open(post(server.url)) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"one"
        go_on.set()
        assert [chunk async for chunk in chunks] == [b"two"]


async def test_a_body_over_the_limit_is_an_error_or_cut(transport: Transport) -> None:
    async with serve(answering(response(b"x" * 100_000))) as server:
        client = HttpClient(transport=transport)
        async with client.open(post(server.url)) as answer:
            with pytest.raises(ProtocolError, match="more than 1,000 bytes"):
                await answer.read(1000)
        async with client.open(post(server.url)) as answer:
            assert await answer.read(1000, truncate=True) == b"x" * 1000
        async with client.open(post(server.url)) as answer:
            assert len(await answer.read(100_000)) == 100_000


async def test_a_stream_left_early_closes_its_socket_and_leaves_no_task(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one") + piece(b"two"))
        await peer.gone()

    async with serve(script) as server:
        async with HttpClient(transport=transport) as client:
            async with client.open(post(server.url)) as answer:
                async for _ in answer.chunks():
                    break
            before = asyncio.all_tasks()
            del answer
            await asyncio.sleep(0)
            assert asyncio.all_tasks() <= before  # nor do generators left behind make tasks to end themselves
        await server.left.wait()


async def test_an_error_in_the_block_passes_and_closes_the_socket(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await peer.gone()

    async with serve(script) as server:
        with pytest.raises(KeyError, match="mine"):
            async with HttpClient(transport=transport).open(post(server.url)) as answer:
                raise KeyError("mine")
        assert answer.status == 200
        await server.left.wait()


async def test_cancelled_at_every_turn_of_the_loop_it_leaves_nothing_open(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await asyncio.sleep(0)
        await peer.send(piece(b"two") + END)

    async with serve(script) as server:
        await read(HttpClient(transport=transport), post(server.url))
        turns = cancelled = 0
        while True:
            before = open_sockets()
            task = asyncio.create_task(read(HttpClient(transport=transport), post(server.url)))
            for _ in range(turns):
                await asyncio.sleep(0)
            if task.done():
                break
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            for _ in range(5):
                await asyncio.sleep(0)
            assert open_sockets() <= before
            turns += 1
        assert await task == b"onetwo"
        assert cancelled >= 5


async def test_a_stream_left_after_the_wall_clock_is_closed_all_the_same(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await peer.gone()

    async with serve(script) as server:
        loop = asyncio.get_running_loop()
        async with HttpClient(transport=transport, timeouts=Timeouts(wall_clock=0.05)).open(
            post(server.url)
        ) as answer:
            late = asyncio.Event()
            loop.call_later(0.06, late.set)
            await late.wait()
            with pytest.raises(ResponseTimeout, match="wall clock"):
                await anext(answer.chunks())
        await server.left.wait()


async def test_http2_without_its_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(MissingExtra, match="h2"):
        await read(HttpClient(http2=True), post("http://127.0.0.1"))


async def test_a_transport_that_cannot_be_had_says_why() -> None:
    with pytest.raises(UsageError, match="'curl'; there are 'httpcore' and 'aiohttp'"):
        HttpClient(transport="curl")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"HTTP/1\.1 only"):
        HttpClient(transport="aiohttp", http2=True)
    async with httpx.AsyncClient() as given:
        with pytest.raises(UsageError, match="brings its transport"):
            HttpClient(client=given, transport="aiohttp")


async def test_where_no_transport_is_named_what_aiohttp_does_not_know_goes_over_httpcore(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(answering(response(b""))) as server:
        monkeypatch.setitem(sys.modules, "aiohttp", None)  # who imports it fails
        monkeypatch.delitem(sys.modules, "agentlab.http.aiohttp_transport", raising=False)
        with pytest.raises(ImportError):
            await read(HttpClient(), post(server.url))
        await read(HttpClient(http2=True), post(server.url))
        monkeypatch.setitem(sys.modules, "socksio", None)
        for proxy in ("socks5://127.0.0.1:1080", "SOCKS5://127.0.0.1:1080"):
            monkeypatch.setenv("all_proxy", proxy)
            with pytest.raises(MissingExtra, match="socksio"):
                await read(HttpClient(), post(server.url))
        assert len(server.peers) == 1


async def test_a_header_may_be_long(transport: Transport) -> None:
    async with serve(answering(response(b"ok", "200 OK", f"x-policy: {'a' * 30_000}"))) as server:
        assert await read(HttpClient(transport=transport), post(server.url)) == b"ok"


async def test_a_client_is_pickled_with_its_options(transport: Transport) -> None:
    client = HttpClient(timeouts=Timeouts(event_gap=7), transport=transport)
    assert repr(pickle.loads(pickle.dumps(client))) == repr(client)
