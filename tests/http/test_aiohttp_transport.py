"""What is aiohttp's alone: addresses as they were signed, large bodies, proxies, and no end without a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agentlab.errors import ConnectionFailed, ResponseTimeout
from agentlab.http import Failure, HttpClient, HttpRequest, Timeouts
from tests.http.loopback import Peer, answering, response, serve, unused_port
from tests.http.sending import post, read

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_remains")]


@pytest.mark.parametrize(
    "target", ["/model/a%3Ab%2F0/converse?x=%2F1&y=a%20b", "/v1?a=%C3%A9&b=1+2", "/v1/a:b,c;d(e)"]
)
async def test_an_address_is_sent_as_it_was_signed(target: str) -> None:
    async with serve(answering(response(b""))) as server:
        await read(HttpClient(transport="aiohttp"), post(server.url + target))
        await read(HttpClient(transport="httpcore"), post(server.url + target))
        sent, as_httpcore = (peer.head.split(b" ")[1] for peer in server.peers)
        assert sent == as_httpcore == target.encode()


async def test_the_headers_are_those_of_httpcore() -> None:
    async with serve(answering(response(b""))) as server:
        for client in (HttpClient(transport="aiohttp"), HttpClient(transport="httpcore")):
            await read(client, post(server.url, headers={"content-type": "application/json", "x-a": "1"}))
            await read(client, HttpRequest("GET", server.url))
        sent = [sorted(peer.head.lower().split(b"\r\n")) for peer in server.peers]
        assert sent[:2] == sent[2:]


async def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * 20_000
    async with serve(answering(response(b"ok"))) as server:
        assert (
            await read(HttpClient(transport="aiohttp"), HttpRequest("POST", server.url, body=body)) == b"ok"
        )
        assert server.peers[0].body == body
        assert b"transfer-encoding" not in server.peers[0].head.lower()


async def test_a_server_that_takes_no_bytes_times_out() -> None:
    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _reader._transport.pause_reading()  # type: ignore[attr-defined]
        await left.wait()
        writer.transport.abort()

    left = asyncio.Event()
    listener = await asyncio.start_server(never, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        waits = Timeouts(connect=0.05, write=0.05, event_gap=0.05)
        request = HttpRequest("POST", f"http://127.0.0.1:{port}", body=bytes(30_000_000))
        with pytest.raises(ResponseTimeout, match="write timeout") as stuck:
            await read(HttpClient(transport="aiohttp", timeouts=waits), request)
        assert Failure.of(stuck.value) is Failure.WRITE_TIMEOUT
        left.set()


@pytest.mark.parametrize(
    "proxy", [str, str.upper, lambda url: url.removeprefix("http://")], ids=["url", "upper case", "address"]
)
async def test_the_proxy_of_the_environment_is_used_but_for_those_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch, proxy: Callable[[str], str]
) -> None:
    async with serve(answering(response(b"from the proxy"))) as server:
        monkeypatch.setenv("http_proxy", proxy(server.url))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        client = HttpClient(transport="aiohttp")
        assert await read(client, post("http://provider.invalid/v1")) == b"from the proxy"
        assert server.peers[0].head.startswith(b"POST http://provider.invalid/v1 HTTP/1.1")
        assert await read(client, post(f"{server.url}/v1")) == b"from the proxy"
        assert server.peers[1].head.startswith(b"POST /v1 ")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
        with pytest.raises(ConnectionFailed) as refused:
            await read(HttpClient(transport="aiohttp"), post("http://provider.invalid/v1"))
        assert Failure.of(refused.value) is Failure.CONNECT


async def test_a_proxy_that_aiohttp_does_not_know_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5://user:hidden@127.0.0.1:1080")
    with pytest.raises(ConnectionFailed, match=r"no `socks5` proxies; take transport='httpcore'") as refused:
        await read(HttpClient(transport="aiohttp"), post("http://provider.invalid/v1"))
    assert "hidden" not in str(refused.value)


async def test_cookies_are_kept_once() -> None:
    async with serve(answering(response(b"", "200 OK", "set-cookie: a=1; path=/"))) as server:
        async with HttpClient(transport="aiohttp") as client:
            await read(client, post(server.url))
            await read(client, post(server.url))
        assert server.peers[1].head.lower().count(b"cookie: a=1") == 1


@pytest.mark.parametrize("body", [b"", b"x" * 100_000])
async def test_without_timeouts_it_waits(body: bytes) -> None:
    async def script(peer: Peer) -> None:
        await asyncio.sleep(0)
        await peer.send(response(body))

    endless = Timeouts(connect=None, event_gap=None, write=None, pool=None)
    async with serve(script) as server:
        assert await read(HttpClient(transport="aiohttp", timeouts=endless), post(server.url)) == body


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_connection_that_is_refused_is_told_in_plain_words(scheme: str) -> None:
    address = f"127.0.0.1:{unused_port()}"
    with pytest.raises(ConnectionFailed) as refused:
        await read(HttpClient(transport="aiohttp"), post(f"{scheme}://{address}"))
    assert str(refused.value) == f"No connection to {address}: Connection refused."


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"nonsense\r\n\r\n", "Bad status line"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", "Not enough data"),
    ],
)
async def test_a_broken_answer_is_told_without_a_status_it_never_had(sent: bytes, words: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(sent)
        peer.writer.close()

    async with serve(script) as server:
        with pytest.raises(ConnectionFailed) as broken:
            await read(HttpClient(transport="aiohttp"), post(server.url))
        assert str(broken.value).startswith(
            f"The connection to {server.url.removeprefix('http://')} broke: {words}"
        )
