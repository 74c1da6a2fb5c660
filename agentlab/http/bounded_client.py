"""An HTTP client for libraries that bring their own protocol and want `httpx2`: its responses are bounded.

The MCP SDK reads a JSON response whole, however long it is. Here it ends at a limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx2

from agentlab.http.secret import Secret

__all__ = ["bounded_client"]


def bounded_client(
    headers: Mapping[str, str | Secret],
    *,
    timeout_s: float | None,
    max_bytes: int,
    auth: Any = None,
    seen: Callable[[int], None] = lambda _status: None,
) -> httpx2.AsyncClient:
    """A client whose responses, other than event streams, end in an error where they are too long.

    Args:
        headers: Sent with every request.
        timeout_s: Seconds to connect, to send, and to wait for a free connection.
        max_bytes: Longest response.
        auth: An `httpx2.Auth`, or None.
        seen: Told the status of each response.
    """

    async def bound(response: httpx2.Response) -> None:
        seen(response.status_code)
        kind = response.headers.get("content-type", "")
        if isinstance(response.stream, httpx2.AsyncByteStream) and not kind.startswith("text/event-stream"):
            response.stream = _Bounded(response.stream, max_bytes)

    return httpx2.AsyncClient(
        headers={
            name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()
        },
        # A stream of events may be silent for hours; whoever waits for an answer has a limit of their own.
        timeout=httpx2.Timeout(timeout_s, read=None),
        auth=auth,
        event_hooks={"response": [bound]},
    )


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, up to a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for piece in self._stream:
            taken += len(piece)
            if taken > self._most:
                raise httpx2.StreamError(f"the response is longer than {self._most:,} bytes")
            yield piece

    async def aclose(self) -> None:
        """Close the response."""
        await self._stream.aclose()
