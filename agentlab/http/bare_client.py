"""A client with no more of `httpx.AsyncClient` than a provider's wire asks for, around one of httpx's transports.

No redirect is followed, few servers set cookies, an authentication is a header or some: what httpx does for all of them with
every request is as much work as sending it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import httpx

__all__ = ["BareClient"]

_LOG: Final = logging.getLogger("agentlab.http")

_WAITS: Final = ("connect", "read", "write", "pool")


class BareClient:
    """Sends requests over a transport; what `AsyncClientLike` asks for.

    Args:
        transport: What carries the bytes; closed with the client.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._headers = dict(httpx.AsyncClient(transport=transport, trust_env=False).headers)
        self._cookies = httpx.Cookies()
        # Few addresses are asked, again and again; reading one takes as long as making the request.
        self._read_url = lru_cache(maxsize=64)(httpx.URL)

    def build_request(
        self,
        method: str,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
        timeout: tuple[float | None, float | None, float | None, float | None],
    ) -> httpx.Request:
        """A request, with the headers that httpx sends where they are not given.

        Args:
            method: The HTTP method.
            url: Where it goes.
            content: The body.
            headers: Its own headers.
            timeout: Seconds for connecting, for each read, for each write, and for a free connection.

        Raises:
            httpx.InvalidURL: The URL is none.
        """
        return httpx.Request(
            method,
            self._read_url(url),
            content=content,
            headers={**self._headers, **headers},
            extensions={"timeout": dict(zip(_WAITS, timeout, strict=True))},
        )

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool,
        follow_redirects: bool,
        auth: Callable[[httpx.Request], httpx.Request] | None = None,
    ) -> httpx.Response:
        """Send a request and give its answer, the body still to be read.

        Args:
            request: From `build_request`.
            stream: Always true, as the body is not read here.
            follow_redirects: Always false.
            auth: Puts the headers that authenticate it in, at the last moment.

        Raises:
            httpx.TransportError: It failed.
        """
        assert stream
        assert not follow_redirects
        if self._cookies:
            self._cookies.set_cookie_header(request)
        answer = await self._transport.handle_async_request(request if auth is None else auth(request))
        if "set-cookie" in answer.headers:
            answer.request = request
            self._cookies.extract_cookies(answer)
        _LOG.info("%s %s: %d", request.method, request.url, answer.status_code)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
