"""One client connection: HTTP/1.1 by `h11`, answers paced and faults carried out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import msgspec

from agentlab.simulator.latency import VirtualClock
from agentlab.simulator.log import LoggedRequest, RequestLog
from agentlab.simulator.provider import Answer, Incoming, Provider

__all__ = ["Connection"]

_READ: Final = 65_536
_SECRET_HEADERS: Final = ("authorization", "x-api-key", "x-goog-api-key", "api-key")
_TOGETHER: Final = 32
"""Events of an unpaced answer in one write: each keeps its own HTTP chunk, and the others get their turn after it."""


class _Gone(Exception):
    """The client closed the connection."""


class Connection:
    """Serves one connection until either side closes it.

    Args:
        reader: What the client sends.
        writer: What it gets.
        provider: Decides the answers.
        log: Where requests are noted.
        serial: Gives the place of the next request in the server's sequence.
        clock: The server's time.
        realtime: Whether the pace of an answer is kept; else everything is sent at once.
        max_body: Bytes of a request body that are accepted.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        provider: Provider,
        log: RequestLog,
        serial: Callable[[], int],
        clock: VirtualClock,
        realtime: bool,
        max_body: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._provider = provider
        self._log = log
        self._serial = serial
        self._clock = clock
        self._realtime = realtime
        self._max_body = max_body
        self._http = h11.Connection(h11.SERVER)
        self._out = bytearray()
        self._pending: asyncio.Task[bytes] | None = None

    async def serve(self) -> None:
        """Answer requests until the connection ends; the socket is closed in any case."""
        try:
            while await self._exchange():
                self._http.start_next_cycle()
        except (_Gone, ConnectionError):
            pass
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
        finally:
            await self._close()

    async def _exchange(self) -> bool:
        """One request and its answer; whether another may follow."""
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return False
        body = bytearray()
        while True:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            event = await self._next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._max_body:
                    await self._refuse(413, f"The request body is larger than {self._max_body} bytes.")
                    return False
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        incoming = _incoming(head, bytes(body))
        entry = self._logged(incoming)
        try:
            await self._reply(self._provider.answer(incoming, entry), entry)
        except (_Gone, ConnectionError):
            entry.disconnected = True
            raise
        except Exception as error:
            entry.error = f"{type(error).__name__}: {error}"
            self._writer.transport.abort()
            raise _Gone from error
        finally:
            self._log.finish(entry)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _logged(self, incoming: Incoming) -> LoggedRequest:
        entry = LoggedRequest(
            serial=self._serial(),
            method=incoming.method,
            path=incoming.path,
            headers={name: value for name, value in incoming.headers.items() if name not in _SECRET_HEADERS},
            body=incoming.body,
            at_s=self._clock.now(),
        )
        self._log.add(entry)
        return entry

    async def _reply(self, answer: Answer, entry: LoggedRequest) -> None:
        if answer.before_headers and answer.ending != "end":
            await self._end(answer, entry)
            return
        events = answer.events
        if answer.streamed:
            framing = ("transfer-encoding", "chunked")
        else:
            events = tuple(events)
            length = sum(map(len, events)) + (1 if answer.ending != "end" else 0)
            framing = ("content-length", str(length))
        await self._pause(answer, first=True)
        self._queue(h11.Response(status_code=answer.status, headers=[*answer.headers, framing]))
        paced = self._realtime and answer.latency is not None
        for index, event in enumerate(events):
            if index and paced:
                await self._pause(answer, first=False)
            self._queue(h11.Data(data=event))
            entry.events_sent += 1
            entry.bytes_sent += len(event)
            if paced or index % _TOGETHER == _TOGETHER - 1:
                await self._flush()
        await self._flush()
        await self._end(answer, entry)

    async def _end(self, answer: Answer, entry: LoggedRequest) -> None:
        if answer.ending == "end":
            await self._send(h11.EndOfMessage())
        elif answer.ending == "stall":
            while await self._heard(None):
                pass
            raise _Gone
        elif answer.ending == "rst":
            _linger_zero(self._writer)
            self._writer.transport.abort()
        else:
            self._writer.close()
        entry.duration_s = max(entry.duration_s, entry.first_event_s)

    async def _pause(self, answer: Answer, *, first: bool) -> None:
        if not self._realtime or answer.latency is None:
            return
        latency = answer.latency
        span = latency.before_first(answer.unread_tokens) if first else latency.between(answer.event_tokens)
        if first and not answer.streamed:
            span += latency.between(answer.event_tokens)
        await self._heard(span)

    async def _heard(self, timeout_s: float | None) -> bool:
        """Wait for the client to speak or go, or for the time to pass; raises `_Gone` where it went."""
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._reader.read(_READ))
        done, _ = await asyncio.wait({self._pending}, timeout=timeout_s)
        if not done:
            return False
        data = self._pending.result()
        self._pending = None
        if not data:
            raise _Gone
        self._http.receive_data(data)
        return True

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._heard(None)
            else:
                return event  # type: ignore[return-value]

    async def _send(self, event: h11.Event) -> None:
        self._queue(event)
        await self._flush()

    def _queue(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._out += data

    async def _flush(self) -> None:
        """Write what is queued, wait until the client takes it, and let other connections run."""
        if self._out:
            data, self._out = bytes(self._out), bytearray()
            self._writer.write(data)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def _refuse(self, status: int, message: str) -> None:
        """Answer a request that is no HTTP, or too much of it, and close."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        body = msgspec.json.encode({"error": {"message": message, "code": status}})
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        with contextlib.suppress(ConnectionError):
            await self._send(h11.Response(status_code=status, headers=headers))
            await self._send(h11.Data(data=body))
            await self._send(h11.EndOfMessage())

    async def _close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._pending
        self._writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self._writer.wait_closed()


def _incoming(head: h11.Request, body: bytes) -> Incoming:
    target = urlsplit(head.target.decode("latin-1"))
    headers: dict[str, str] = {}
    for name, value in head.headers:
        headers[name.decode("latin-1")] = value.decode("latin-1")
    return Incoming(
        method=head.method.decode("latin-1"),
        path=unquote(target.path),
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        headers=headers,
        body=body,
        target=head.target.decode("latin-1"),
    )


def _linger_zero(writer: asyncio.StreamWriter) -> None:
    """Make the close of this socket a reset (`SO_LINGER` with a timeout of zero)."""
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
