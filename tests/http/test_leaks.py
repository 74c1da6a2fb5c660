"""The canary matrix: whatever goes wrong on the way, the key is nowhere to be read."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast, get_args
from urllib.parse import quote

import httpx
import httpx2
import pytest

from agentlab.http import MASK, HttpClient, HttpRequest, HttpResponse, Secret, Timeouts
from agentlab.http.own_client import Transport
from tests.http.leaking import shown_of
from tests.http.loopback import END, STREAM, Peer, Script, piece, response, serve, unused_port

pytestmark = pytest.mark.anyio

VALUE = "sk-CANARY/0123456789+abcdef"
FORMS = [
    VALUE,
    quote(VALUE, safe=""),
    base64.b64encode(VALUE.encode()).decode(),
    VALUE.replace("/", "\\/"),
]
PLACES = [("authorization", "Bearer "), ("x-api-key", ""), ("x-goog-api-key", "")]


async def fin_at_once(peer: Peer) -> None:
    peer.writer.close()


async def rst_mid_body(peer: Peer) -> None:
    await peer.send(STREAM + piece(b"data: 1\n\n"))
    peer.reset()


async def fin_mid_body(peer: Peer) -> None:
    await peer.send(STREAM + piece(b"data: 1\n\n"))
    peer.writer.close()


async def silence(peer: Peer) -> None:
    await peer.gone()


async def silence_mid_body(peer: Peer) -> None:
    await peer.send(STREAM + piece(b"data: 1\n\n"))
    await peer.gone()


async def no_http(peer: Peer) -> None:
    await peer.send(VALUE.encode() + b" is no status line\r\n\r\n")
    peer.writer.close()


async def bad_header(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\n" + VALUE.encode() + b" : x\r\n\r\n")
    peer.writer.close()


async def bad_encoding(peer: Peer) -> None:
    await peer.send(response(VALUE.encode(), "200 OK", "content-encoding: gzip"))


async def echo(peer: Peer) -> None:
    """A refusal that repeats the key in its headers, reason and body, in several spellings."""
    headers = [f"x-echo-{number}: {form}" for number, form in enumerate(FORMS)]
    await peer.send(response(VALUE.encode(), f"401 {VALUE}", *headers))


async def redirect(peer: Peer) -> None:
    await peer.send(response(b"", "302 Found", f"location: http://127.0.0.1/?key={VALUE}"))


async def whole(peer: Peer) -> None:
    await peer.send(STREAM + piece(b"data: 1\n\n") + END)


SERVERS: list[Script] = [
    *(fin_at_once, rst_mid_body, fin_mid_body, silence, silence_mid_body, no_http),
    *(bad_header, bad_encoding, echo, redirect, whole),
]


class Stopped(BaseException):
    """What a user's code may raise while it reads."""


async def read_all(answer: HttpResponse) -> None:
    await answer.read()


async def fail_while_reading(answer: HttpResponse) -> None:
    await anext(answer.chunks(), None)
    raise Stopped


async def stopped(
    client: HttpClient, request: HttpRequest, use: Callable[[HttpResponse], Awaitable[None]]
) -> None:
    async with client.open(request) as answer:
        use_locals = (client, request, answer, vars(client), answer.headers.get("x-none"))
        await use(answer)
        del use_locals


def assert_clean(text: str) -> None:
    for form in FORMS:
        assert form not in text


def client_of(kind: str) -> tuple[HttpClient, Any]:
    waits = Timeouts(event_gap=0.05)
    if kind in get_args(Transport):
        return HttpClient(timeouts=waits, transport=cast("Transport", kind)), None
    given = (httpx if kind == "httpx" else httpx2).AsyncClient()
    return HttpClient(client=given, timeouts=waits), given


@pytest.fixture
def log() -> Any:
    """All that a handler at the root gets at DEBUG."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("kind", [*get_args(Transport), "httpx", "httpx2"])
@pytest.mark.parametrize("server", SERVERS, ids=lambda script: script.__name__)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[0])
async def test_no_failure_shows_the_key(
    kind: str, server: Script, place: tuple[str, str], log: io.StringIO
) -> None:
    client, given = client_of(kind)
    async with serve(server) as running:
        request = HttpRequest("POST", running.url, body=b"{}", auth=(*place, Secret(VALUE)))
        for use in (read_all, fail_while_reading):
            try:
                await stopped(client, request, use)
            except BaseException as error:
                assert_clean(shown_of(error, locals_of_tests=True))
        assert VALUE.encode() in running.peers[0].head
    if given is not None:
        await given.aclose()
    logged = log.getvalue()
    assert_clean(logged)
    if kind == "aiohttp":  # it logs nothing of a request
        return
    assert "send_request_headers" in logged
    if server in {echo, redirect}:
        assert MASK in logged


@pytest.mark.parametrize("kind", [*get_args(Transport), "httpx", "httpx2"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "nonsense", "http://[::1", "ftp://127.0.0.1/"])
async def test_no_refusal_shows_the_key(kind: str, url: str, log: io.StringIO) -> None:
    client, given = client_of(kind)
    request = HttpRequest("POST", url.format(port=unused_port()), auth=("x-api-key", "", Secret(VALUE)))
    with pytest.raises(Exception, match=r".") as refused:
        await stopped(client, request, read_all)
    assert_clean(shown_of(refused.value, locals_of_tests=True) + log.getvalue())
    if given is not None:
        await given.aclose()


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_no_cancellation_shows_the_key(turns: int, transport: Transport, log: io.StringIO) -> None:
    async with serve(silence_mid_body) as running:
        request = HttpRequest("POST", running.url, auth=("x-goog-api-key", "", Secret(VALUE)))
        client = HttpClient(timeouts=Timeouts(wall_clock=30), transport=transport)
        task = asyncio.create_task(stopped(client, request, read_all))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    assert_clean(shown_of(cancelled.value, locals_of_tests=True) + log.getvalue())


async def test_a_request_body_of_the_wrong_kind_does_not_show_the_key(log: io.StringIO) -> None:
    request = HttpRequest("POST", "http://127.0.0.1", {"a": 7}, auth=("x-api-key", "", Secret(VALUE)))  # type: ignore[dict-item]
    with pytest.raises((TypeError, AttributeError)) as refused:
        await stopped(HttpClient(), request, read_all)
    assert_clean(shown_of(refused.value, locals_of_tests=True) + log.getvalue())


async def test_without_the_door_the_key_would_show() -> None:
    """The matrix can fail: plain httpx shows the key in the locals of a traceback."""
    async with serve(fin_at_once) as running, httpx.AsyncClient() as plain:
        with pytest.raises(httpx.RemoteProtocolError) as leaking:
            await plain.post(running.url, headers={"x-api-key": VALUE})
    with pytest.raises(AssertionError):
        assert_clean(shown_of(leaking.value, locals_of_tests=True))


async def test_the_log_filter_is_gone_with_the_client() -> None:
    loggers = [logging.getLogger(name) for name in ("agentlab", "httpx", "httpcore.http11")]
    before = [list(logger.filters) for logger in loggers]
    async with HttpClient() as client:
        async with client:
            assert [len(logger.filters) for logger in loggers] == [len(filters) + 1 for filters in before]
        assert [len(logger.filters) for logger in loggers] == [len(filters) + 1 for filters in before]
    assert [logger.filters for logger in loggers] == before
