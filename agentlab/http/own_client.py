"""The clients that are opened here: httpx's own over httpcore, a bare one over aiohttp."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final, Literal, get_args
from urllib.request import getproxies

import httpx

from agentlab.errors import MissingExtra, UsageError
from agentlab.http.bare_client import BareClient

__all__ = ["Transport", "check_transport", "chosen_transport", "new_client"]

Transport = Literal["httpcore", "aiohttp"]
"""What carries the bytes."""

_KEEPALIVE_S: Final = 30.0
_LIMITS: Final = httpx.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=_KEEPALIVE_S
)


def check_transport(transport: Transport | None, *, http2: bool, own: bool) -> None:
    """Find out that a transport cannot be had before a request is under way.

    Args:
        transport: Its name; None where the choice is left to `chosen_transport`.
        http2: Whether it must speak HTTP/2.
        own: Whether the client is opened here; one that is given brings its transport.

    Raises:
        UsageError: There is none of that name, it does not speak HTTP/2, or the client has one already.
    """
    if transport is None:
        return
    known = get_args(Transport)
    if transport not in known:
        raise UsageError(f"there is no transport {transport!r}; there are {' and '.join(map(repr, known))}")
    if not own:
        raise UsageError("a `client` of your own brings its transport; leave one of the two out")
    if transport == "aiohttp" and http2:
        raise UsageError("aiohttp speaks HTTP/1.1 only; leave one of `transport` and `http2` out")


def chosen_transport(transport: Transport | None, *, http2: bool) -> Transport:
    """The transport that is named, or else aiohttp, or httpcore for what aiohttp does not know: HTTP/2 and SOCKS."""
    if transport is not None:
        return transport
    return "httpcore" if http2 or _names_socks(getproxies()) else "aiohttp"


def new_client(transport: Transport, *, http2: bool) -> httpx.AsyncClient | BareClient:
    """Open a client in the running event loop.

    Raises:
        MissingExtra: HTTP/2, or a SOCKS proxy of the environment, needs a package that is not installed.
    """
    if transport == "aiohttp":
        # A tenth of a second, which a program that sends nothing need not wait for.
        from agentlab.http.aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - heavy

        return BareClient(AiohttpTransport(_ssl_context(transport), keepalive_s=_KEEPALIVE_S))
    try:
        return httpx.AsyncClient(verify=_ssl_context(transport), http2=http2, limits=_LIMITS)
    except ImportError:
        if http2 and find_spec("h2") is None:
            raise MissingExtra("HTTP/2 needs the package `h2`: pip install 'httpx[http2]'.") from None
        raise MissingExtra("SOCKS proxies need the package `socksio`: pip install 'httpx[socks]'.") from None


def _names_socks(proxies: Mapping[str, str]) -> bool:
    return any(proxies.get(scheme, "").lower().startswith("socks") for scheme in ("http", "https", "all"))


@functools.cache
def _ssl_context(transport: Transport) -> ssl.SSLContext:
    """The certificates of the machine; loading them takes tens of milliseconds, so it is done once a transport.

    httpcore writes into it, at each connection, which versions of HTTP it offers there; aiohttp would offer them too.
    """
    context = httpx.create_ssl_context()
    if transport == "aiohttp":
        context.set_alpn_protocols(["http/1.1"])
    return context
