"""A transport of httpx over aiohttp, whose parser and connections cost a fraction of httpcore's.

It differs from the package httpx-aiohttp in what a provider notices: a URL is sent as it was signed, and a connection that
broke is not taken for one that was never made.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

__all__ = ["AiohttpTransport"]

_LARGE: Final = 2**20
"""Bytes of a body from which aiohttp would rather have it piece by piece."""

_PIECE: Final = 2**18

_HEADER_BYTES: Final = 2**16
"""Length of a header that is taken; some gateways' security policies are longer than the 8 kB of aiohttp's default."""

_OWN_HEADERS: Final = frozenset({"Accept", "Accept-Encoding", "Content-Type", "User-Agent"})

_ERRORS: Final[Mapping[type[Exception], type[httpx.TransportError]]] = {
    aiohttp.SocketTimeoutError: httpx.ReadTimeout,
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    aiohttp.ClientProxyConnectionError: httpx.ProxyError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.InvalidURL: httpx.UnsupportedProtocol,
    aiohttp.NonHttpUrlClientError: httpx.UnsupportedProtocol,
    aiohttp.ClientConnectionError: httpx.ReadError,
    aiohttp.ClientPayloadError: httpx.ReadError,
    aiohttp.ClientResponseError: httpx.RemoteProtocolError,
    aiohttp.ClientError: httpx.ReadError,
    TimeoutError: httpx.WriteTimeout,
    OSError: httpx.ReadError,
    ValueError: httpx.LocalProtocolError,
}
"""What an error of aiohttp is to httpx; the first that fits, so that a class stands before those it is one of."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx's requests over aiohttp. HTTP/1.1 only; to be made within a running loop.

    Proxies are those of the environment. aiohttp has no timeout for writing: until the headers of an answer are there, the
    timeouts of connecting, writing and reading bound a request together.

    Args:
        ssl_context: The certificates that are trusted.
        keepalive_s: Seconds for which a connection that is not used is kept.
    """

    def __init__(self, ssl_context: ssl.SSLContext, *, keepalive_s: float) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=ssl_context,
                limit=0,
                keepalive_timeout=keepalive_s,
                resolver=aiohttp.ThreadedResolver(),  # the machine's, also where aiodns is installed
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )
        self._proxies = getproxies()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, the body still to be read.

        Raises:
            httpx.TransportError: It failed.
        """
        waits = request.extensions.get("timeout", {})
        content = request.content
        with _as_errors_of_httpx():
            async with asyncio.timeout(_until_headers_s(waits)):
                answer = await self._session.request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=request.headers.multi_items(),
                    data=_in_pieces(content) if len(content) >= _LARGE else content or None,
                    allow_redirects=False,
                    proxy=self._proxy(request.url),
                    timeout=aiohttp.ClientTimeout(
                        total=None, sock_connect=waits.get("connect"), sock_read=waits.get("read")
                    ),
                )
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode()},
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _proxy(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if proxy is None or proxy_bypass(url.host):
            return None
        scheme, separator, _ = proxy.partition("://")
        if not separator:
            return f"http://{proxy}"
        if scheme.lower() not in {"http", "https"}:
            raise httpx.ProxyError(f"aiohttp knows no `{scheme}` proxies; take transport='httpcore'")
        return proxy


class _Body(httpx.AsyncByteStream):
    """The body of an answer, in the pieces in which it arrives."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_errors_of_httpx():
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """Let the connection go; it is used again if the body was read to its end."""
        self._answer.close()


@contextmanager
def _as_errors_of_httpx() -> Iterator[None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        kind = next(kind for kind in _ERRORS if isinstance(error, kind))
        raise _ERRORS[kind](_words_of(error)) from error


async def _in_pieces(content: bytes) -> AsyncIterator[memoryview]:
    whole = memoryview(content)
    for start in range(0, len(whole), _PIECE):
        yield whole[start : start + _PIECE]


def _words_of(error: Exception) -> str:
    """What happened, without the address, TLS context and status of its own that aiohttp tells with it."""
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientPayloadError) and isinstance(cause, HttpProcessingError):
        error = cause
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return " ".join(error.message.split())
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(cause, OSError):
        return _words_of_system(cause)
    return str(error)


def _words_of_system(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) or error.errno is None:
        return str(error)
    return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)


def _until_headers_s(waits: Mapping[str, float | None]) -> float | None:
    """The timeouts that bound the way to the headers, together; None where one of them is none."""
    connect, write, read = (waits.get(name) for name in ("connect", "write", "read"))
    return None if connect is None or write is None or read is None else connect + write + read
