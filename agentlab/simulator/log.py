"""What the server was asked and what it did, for tests to assert on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from msgspec import Struct, field

from agentlab.messages import Usage

__all__ = ["LoggedRequest", "RequestLog"]


class LoggedRequest(Struct):
    """One request; the last fields change until it is done.

    Attributes:
        serial: Its place in the server's sequence, from 0.
        method: HTTP method.
        path: Path with the vendor, without the query.
        headers: Names in lower case, without the key.
        body: The body as sent.
        vendor: First segment of the path.
        wire: The dialect that took it, or None.
        json: The parsed body, or None.
        status: HTTP status answered.
        error: The sentence of an error answer, or of an exception in the behaviour.
        usage: Tokens reported, or None for an error.
        fault: Kind of the fault it met, or None.
        at_s: When it came, on the server's clock.
        first_event_s: Seconds until the first event, as the latency has it.
        duration_s: Seconds until the last event, as the latency has it.
        events_sent: Wire events sent so far.
        bytes_sent: Bytes of the body sent so far.
        disconnected: Whether the client went before the answer was complete.
        finished: Whether the server is done with it.
    """

    serial: int
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    vendor: str = ""
    wire: str | None = None
    json: dict[str, Any] | None = None
    status: int = 0
    error: str | None = None
    usage: Usage | None = None
    fault: str | None = None
    at_s: float = 0.0
    first_event_s: float = 0.0
    duration_s: float = 0.0
    events_sent: int = 0
    bytes_sent: int = 0
    disconnected: bool = False
    finished: bool = False


class RequestLog(Sequence[LoggedRequest]):
    """The newest requests, oldest first. Written by the server's thread, read by any.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=size)
        self._changed = threading.Condition()

    def add(self, entry: LoggedRequest) -> None:
        """Append a request."""
        with self._changed:
            self._entries.append(entry)

    def finish(self, entry: LoggedRequest) -> None:
        """Mark a request as done and wake who waits for it."""
        with self._changed:
            entry.finished = True
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float = 5.0) -> bool:
        """Block until every request is done; whether that came true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: all(entry.finished for entry in self._entries), timeout_s)

    def clear(self) -> None:
        """Forget all requests."""
        with self._changed:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._changed:
            return iter(list(self._entries))

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoggedRequest]: ...
    def __getitem__(self, index: int | slice) -> LoggedRequest | list[LoggedRequest]:
        with self._changed:
            return list(self._entries)[index]
