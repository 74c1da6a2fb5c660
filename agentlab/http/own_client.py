"""The clients of httpx that are opened here, over httpcore or over aiohttp."""

from __future__ import annotations

import functools
import ssl
from importlib.util import find_spec
from typing import Final, Literal, get_args

import httpx

from agentlab.errors import MissingExtra, UsageError

__all__ = ["Transport", "check_transport", "new_client"]

Transport = Literal["httpcore", "aiohttp"]
"""What carries the bytes beneath httpx."""

_KEEPALIVE_S: Final = 30.0
_LIMITS: Final = httpx.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=_KEEPALIVE_S
)


def check_transport(transport: Transport, *, http2: bool, own: bool) -> None:
    """Find out that a transport cannot be had before a request is under way.

    Args:
        transport: Its name.
        http2: Whether it must speak HTTP/2.
        own: Whether the client is opened here; one that is given brings its transport.

    Raises:
        UsageError: There is none of that name, it does not speak HTTP/2, or the client has one already.
        MissingExtra: Its package is not installed.
    """
    known = get_args(Transport)
    if transport not in known:
        raise UsageError(f"there is no transport {transport!r}; there are {' and '.join(map(repr, known))}")
    if transport == "aiohttp":
        if not own:
            raise UsageError("a `client` of your own brings its transport; leave one of the two out")
        if http2:
            raise UsageError(
                "aiohttp speaks HTTP/1.1 only; leave `http2` out, or take `transport='httpcore'`"
            )
        if find_spec("aiohttp") is None:
            raise MissingExtra("the transport `aiohttp` is an extra: pip install 'agentlab[aiohttp]'")


def new_client(transport: Transport, *, http2: bool) -> httpx.AsyncClient:
    """Open a client in the running event loop.

    Raises:
        MissingExtra: HTTP/2 needs a package that is not installed.
    """
    if transport == "aiohttp":
        from agentlab.http.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - optional

        return httpx.AsyncClient(transport=AiohttpTransport(_ssl_context(), keepalive_s=_KEEPALIVE_S))
    try:
        return httpx.AsyncClient(verify=_ssl_context(), http2=http2, limits=_LIMITS)
    except ImportError:
        raise MissingExtra("HTTP/2 needs the package `h2`: pip install 'httpx[http2]'.") from None


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """The certificates of the machine; loading them takes tens of milliseconds, so it is done once."""
    return httpx.create_ssl_context()
