from __future__ import annotations

import asyncio

import httpx
import pytest

from agentlab.errors import ConnectionFailed, ModelError, ProtocolError, ResponseTimeout
from agentlab.http import Failure, HttpClient, Timeouts
from agentlab.http.own_client import Transport
from tests.http.loopback import (
    STREAM,
    Peer,
    Script,
    piece,
    response,
    serve,
    unused_port,
)
from tests.http.sending import post, read

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_remains")]


async def fin_at_once(peer: Peer) -> None:
    peer.writer.close()


async def rst_at_once(peer: Peer) -> None:
    peer.reset()


async def fin_mid_body(peer: Peer) -> None:
    await peer.send(STREAM + piece(b"data: 1\n\n"))
    peer.writer.close()


async def fin_mid_piece(peer: Peer) -> None:
    await peer.send(STREAM + b"ff\r\nda")
    peer.writer.close()


async def fin_before_length(peer: Peer) -> None:
    await peer.send(response(b"x" * 50)[:-10])
    peer.writer.close()


async def no_http(peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH\r\n\r\n")
    peer.writer.close()


async def bad_encoding(peer: Peer) -> None:
    await peer.send(response(b"not gzip", "200 OK", "content-encoding: gzip"))


@pytest.mark.parametrize(
    ("script", "kind", "failure"),
    [
        (fin_at_once, ConnectionFailed, Failure.BROKEN),
        (rst_at_once, ConnectionFailed, Failure.BROKEN),
        (fin_mid_body, ConnectionFailed, Failure.BROKEN),
        (fin_mid_piece, ConnectionFailed, Failure.BROKEN),
        (fin_before_length, ConnectionFailed, Failure.BROKEN),
        (no_http, ConnectionFailed, Failure.BROKEN),
        (bad_encoding, ProtocolError, Failure.MALFORMED),
    ],
)
async def test_a_broken_connection_is_our_error(
    transport: Transport, script: Script, kind: type[ModelError], failure: Failure
) -> None:
    async with serve(script) as server:
        with pytest.raises(kind) as broken:
            await read(HttpClient(transport=transport), post(server.url))
        assert Failure.of(broken.value) is failure
        assert server.url.removeprefix("http://") in str(broken.value)
        assert broken.value.__cause__ is None
        assert broken.value.__context__ is None


async def test_a_reset_in_the_middle_gives_what_came_before(transport: Transport) -> None:
    received = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await received.wait()
        peer.reset()

    async with serve(script) as server, HttpClient(transport=transport).open(post(server.url)) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"one"
        received.set()
        with pytest.raises(ConnectionFailed):
            await anext(chunks)


async def test_a_refused_connection_is_our_error(transport: Transport) -> None:
    with pytest.raises(ConnectionFailed) as refused:
        await read(
            HttpClient(transport=transport),
            post(f"http://127.0.0.1:{unused_port()}/v1?key=hidden-0123456789"),
        )
    assert Failure.of(refused.value) is Failure.CONNECT
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nonsense", "http://[::1"])
async def test_an_impossible_url_is_our_error(transport: Transport, url: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        await read(HttpClient(transport=transport), post(url))
    assert Failure.of(refused.value) is Failure.MALFORMED


async def test_silence_before_the_headers_times_out(transport: Transport) -> None:
    async with serve(Peer.gone) as server:
        with pytest.raises(ResponseTimeout, match="event gap") as silent:
            await read(HttpClient(transport=transport, timeouts=Timeouts(event_gap=0.02)), post(server.url))
        assert Failure.of(silent.value) is Failure.READ_TIMEOUT
        await server.left.wait()


async def test_silence_between_pieces_times_out_and_closes_the_socket(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM + piece(b"one"))
        await peer.gone()

    async with serve(script) as server:
        async with HttpClient(transport=transport, timeouts=Timeouts(event_gap=0.02)).open(
            post(server.url)
        ) as answer:
            chunks = answer.chunks()
            assert await anext(chunks) == b"one"
            with pytest.raises(ResponseTimeout, match=r"silent for 0\.02 s"):
                await anext(chunks)
        await server.left.wait()


async def test_the_wall_clock_ends_a_stream_that_never_pauses(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(STREAM)
        while not peer.writer.is_closing():
            await peer.send(piece(b": ping\n\n"))
            await asyncio.sleep(0)

    async with serve(script) as server:
        with pytest.raises(ResponseTimeout, match=r"did not finish within 0\.1 s") as late:
            await read(HttpClient(transport=transport, timeouts=Timeouts(wall_clock=0.1)), post(server.url))
        assert Failure.of(late.value) is Failure.WALL_CLOCK
        await server.left.wait()


async def test_the_wall_clock_counts_the_silence_before_the_headers(transport: Transport) -> None:
    async with serve(Peer.gone) as server:
        with pytest.raises(ResponseTimeout, match="wall clock"):
            await read(HttpClient(transport=transport, timeouts=Timeouts(wall_clock=0.02)), post(server.url))
        await server.left.wait()


async def test_a_full_pool_times_out() -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        arrived.set()
        await peer.gone()

    async with (
        serve(script) as server,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as given,
    ):
        client = HttpClient(client=given, timeouts=Timeouts(pool=0.02))
        first = asyncio.create_task(read(client, post(server.url)))
        await arrived.wait()
        with pytest.raises(ResponseTimeout, match="pool") as full:
            await read(client, post(server.url))
        assert Failure.of(full.value) is Failure.POOL_TIMEOUT
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
