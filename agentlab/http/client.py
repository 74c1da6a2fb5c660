"""The HTTP client: the one door to the network."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from weakref import WeakKeyDictionary

from agentlab.errors import ModelError, ProtocolError
from agentlab.http.attempt import Attempt
from agentlab.http.framing import DEFAULT_MAX_EVENT_BYTES
from agentlab.http.own_client import Transport, check_transport, chosen_transport, new_client
from agentlab.http.pools import Pools
from agentlab.http.request import HttpRequest
from agentlab.http.secret import RedactingFilter, Secret
from agentlab.http.timeouts import Timeouts

__all__ = ["AsyncClientLike", "HttpClient", "HttpRequest", "HttpResponse"]

_LOGGERS = (
    "agentlab",
    "agentlab.http",
    "httpx",
    "httpx2",
    "aiohttp.client",
    "aiohttp.internal",
    *(
        f"{package}.{part}"
        for package in ("httpcore", "httpcore2")
        for part in ("connection", "http11", "http2", "proxy", "socks")
    ),
)


class AsyncClientLike(Protocol):
    """What is used of `httpx.AsyncClient`; a client of httpx2, or one of your own, has it too."""

    @property
    def build_request(self) -> Callable[..., Any]:
        """Make a request object."""

    @property
    def send(self) -> Callable[..., Awaitable[Any]]:
        """Send it and return the response with its body still to be read."""

    async def aclose(self) -> None:
        """Close all connections."""


class HttpResponse:
    """A response whose body is still coming.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case.
    """

    def __init__(self, response: Any, attempt: Attempt, *, unwinds: bool = False) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._attempt = attempt
        self._unwinds = unwinds and response.http_version.startswith("HTTP/1")
        self._body: AsyncIterator[bytes] = _body_of(response, own=unwinds)

    def __repr__(self) -> str:
        return f"HttpResponse(status={self.status})"

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body, once, as it comes and however it is cut; content encodings are undone.

        Raises:
            ConnectionFailed: The connection broke.
            ResponseTimeout: The provider was silent for too long, or the wall clock passed.
        """
        return _Chunks(self._attempt, self._body)

    async def read(self, limit: int = DEFAULT_MAX_EVENT_BYTES, *, truncate: bool = False) -> bytes:
        """Read the whole body.

        Args:
            limit: Largest body taken, in bytes.
            truncate: Return the first `limit` bytes of a larger one instead of raising.

        Raises:
            ProtocolError: The body is larger than `limit`.
        """
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk[: limit + 1 - len(body)]
            if len(body) > limit:
                if truncate:
                    return bytes(body[:limit])
                raise ProtocolError(
                    f"The provider sent a body of more than {limit:,} bytes.", status=self.status
                )
        return bytes(body)

    async def aclose(self) -> None:
        """Close the response; a body that was not read to its end costs the connection."""
        with suppress(ModelError):  # there is nothing left to lose
            await self._attempt.run(self._response.aclose, bounded=False)
            if self._unwinds:
                await self._attempt.run(self._unwind, bounded=False)

    async def _unwind(self) -> None:
        """Let httpx's nested generators run into the closed socket and end.

        Left suspended, each would be ended by a task of its own some turns of the loop later. With HTTP/2 the socket
        stays open for others, so there they are left.
        """
        with suppress(Exception):
            while await anext(self._body, None) is not None:
                pass


class _Chunks:
    """The body of a response; an iterator and no generator, so that one left early leaves nothing to finalise."""

    def __init__(self, attempt: Attempt, body: AsyncIterator[bytes]) -> None:
        self._attempt = attempt
        self._body = body

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[bytes]:
        return self._attempt.pull(self._body)


def _body_of(response: Any, *, own: bool) -> AsyncIterator[bytes]:
    """The body, its content encoding undone.

    Where there is none to undo, httpx's own clients give the pieces at once: `aiter_bytes` would lead each of them through
    two more generators, a seventh of what a piece costs.
    """
    body = response.stream if own and "content-encoding" not in response.headers else response.aiter_bytes()
    return aiter(body)


@dataclass(slots=True)
class _Lease:
    """The clients of one event loop, and how many use them."""

    pools: Pools[AsyncClientLike]
    users: int = 0


class HttpClient:
    """Sends requests, with connections of its own for each running event loop.

    Use it as an async context manager around work that sends more than one request, so that connections are kept;
    entering again is counted, and the last to leave closes them. `open` works without entering too.

    Args:
        client: An `httpx.AsyncClient`, one of httpx2, or anything with their `build_request` and `send`. It is used
            as it is, belongs to one event loop, and is never closed here.
        timeouts: What a request may wait for.
        http2: Offer HTTP/2; needs the `h2` package.
        transport: What carries the bytes: `aiohttp`, or `httpcore` beneath an `httpx.AsyncClient`, which takes three times the
            processor time for a stream and twice for many at once. Where none is named it is aiohttp, but httpcore for
            HTTP/2 and where the environment names a SOCKS proxy. Not for a `client` of your own.

    Raises:
        UsageError: There is no such transport, it does not speak HTTP/2, or there is a `client` too.
    """

    def __init__(
        self,
        *,
        client: AsyncClientLike | None = None,
        timeouts: Timeouts | None = None,
        http2: bool = False,
        transport: Transport | None = None,
    ) -> None:
        check_transport(transport, http2=http2, own=client is None)
        self.timeouts = Timeouts() if timeouts is None else timeouts
        self._given = client
        self._http2 = http2
        self._transport = transport
        self._leases: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lease] = WeakKeyDictionary()
        self._log_filter = RedactingFilter()

    def __repr__(self) -> str:
        own = ", client=…" if self._given is not None else ""
        return (
            f"HttpClient(timeouts={self.timeouts!r}, http2={self._http2}, transport={self._transport!r}{own})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its options: connections stay where they are."""
        if self._given is not None:
            raise TypeError(
                "an HTTP client of your own cannot be sent to another process; give `timeouts` instead"
            )
        return (
            functools.partial(
                HttpClient, timeouts=self.timeouts, http2=self._http2, transport=self._transport
            ),
            (),
        )

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        lease = self._leases.get(loop)
        if lease is None:
            lease = self._leases[loop] = _Lease(self._pools())
            for name in _LOGGERS:
                logging.getLogger(name).addFilter(self._log_filter)
        lease.users += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        lease = self._leases[loop]
        lease.users -= 1
        if lease.users:
            return
        del self._leases[loop]
        if not self._leases:
            for name in _LOGGERS:
                logging.getLogger(name).removeFilter(self._log_filter)
        if self._given is None:
            await lease.pools.aclose()

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[HttpResponse]:
        """Send a request once and give its response as soon as the headers are there, whatever the status.

        Leaving the block, also by a cancellation, closes the response.

        Raises:
            AuthenticationFailed: The request cannot be signed.
            ConnectionFailed: No connection, or it broke before the headers came.
            ResponseTimeout: A timeout passed; the message says which.
            ProtocolError: What was sent or received is no valid HTTP.
        """
        secrets: tuple[Secret, ...] = ()
        authentic: dict[str, str] = {}
        if request.auth is not None:
            secrets = (request.auth[2],)
        elif request.signer is not None:
            authentic = await request.signer.headers(
                request.method, request.full_url(), request.headers, request.body
            )
            secrets = request.signer.secrets
        for secret in secrets:
            self._log_filter.add(secret)
        async with self:
            with self._leases[asyncio.get_running_loop()].pools.taken() as client:
                host = request.url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
                attempt = Attempt(host or "the provider", self.timeouts, secrets)
                response = await attempt.run(functools.partial(self._send, client, request, authentic))
                answer = HttpResponse(response, attempt, unwinds=self._given is None)
                try:
                    yield answer
                finally:
                    await answer.aclose()

    def _pools(self) -> Pools[AsyncClientLike]:
        given = self._given
        if given is not None:
            return Pools(lambda: given, each=None)
        transport = chosen_transport(self._transport, http2=self._http2)
        together = self._http2 or transport == "aiohttp"  # neither looks through its connections
        make = functools.partial(new_client, transport, http2=self._http2)
        return Pools(make, each=None) if together else Pools(make)

    async def _send(self, client: AsyncClientLike, request: HttpRequest, authentic: Mapping[str, str]) -> Any:
        """Hand the request to httpx; key or signature go in behind its authentication hook, at the last moment."""
        waits = self.timeouts
        outgoing = client.build_request(
            request.method,
            request.full_url(),
            content=request.body,
            headers={"user-agent": "agentlab", **request.headers},
            timeout=(waits.connect, waits.event_gap, waits.write, waits.pool),
        )
        options: dict[str, Any] = {}
        if request.auth is not None:
            options["auth"] = _key_header(*request.auth)
        elif authentic:
            options["auth"] = _signature(authentic)
        return await client.send(outgoing, stream=True, follow_redirects=False, **options)


def _key_header(name: str, prefix: str, key: Secret) -> Callable[[Any], Any]:
    """Return the authentication hook that puts a key into its header."""

    def attach(outgoing: Any) -> Any:
        outgoing.headers[name] = prefix + key.reveal()
        return outgoing

    return attach


def _signature(headers: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return the authentication hook that puts a signature's headers in."""

    def attach(outgoing: Any) -> Any:
        outgoing.headers.update(headers)
        return outgoing

    return attach
