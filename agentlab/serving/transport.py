"""Bytes in and out of ASGI: a bounded body, a JSON answer, a stream of server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing
from typing import Any, Final

import msgspec

from agentlab.errors import AgentlabError
from agentlab.serving.refusals import ErrorAnswer, Refused, error_answer, invalid
from agentlab.serving.running import ClientGone, Receive

__all__ = ["KEEP_ALIVE", "Send", "frame", "send_error", "send_events", "send_json", "whole_body"]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

KEEP_ALIVE: Final = b": keep-alive\n\n"
_LOG: Final = logging.getLogger("agentlab.serving")
_SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx holds streams back otherwise
}


async def whole_body(receive: Receive, limit: int) -> bytes:
    """A request's body.

    Args:
        receive: ASGI's.
        limit: Bytes it may have.

    Raises:
        Refused: It is larger.
        ClientGone: The client went away before it was whole.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > limit:
            raise invalid(f"the body is larger than {limit} bytes", code="request_too_large", status=413)
        if not message.get("more_body", False):
            return bytes(body)


async def send_json(
    send: Send, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with JSON."""
    body = msgspec.json.encode(value)
    all_headers = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    await _start(send, status, all_headers)
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: Exception) -> None:
    """Answer with an error, in OpenAI's shape."""
    answer = _told(error)
    await send_json(send, answer.body, status=answer.status, headers=answer.headers)


async def send_events(
    send: Send, chunks: AsyncGenerator[bytes, None], failed: Callable[[ErrorAnswer], bytes]
) -> None:
    """Answer with a stream. It begins with its first bytes: an error before them still has a status of its own.

    Args:
        send: ASGI's.
        chunks: The events, framed.
        failed: The last bytes of a stream that breaks off.
    """
    started = False
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                if not started:
                    started = True
                    await _start(send, 200, _SSE_HEADERS)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001 - the client is told
        if not started:
            await send_error(send, error)
            return
        await send({"type": "http.response.body", "body": failed(_told(error)), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def frame(value: Any, event: str | None = None) -> bytes:
    """A server-sent event; `event` is its type."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + msgspec.json.encode(value) + b"\n\n"


def _told(error: Exception) -> ErrorAnswer:
    """What the client is told; what it is not told is logged."""
    if not isinstance(error, AgentlabError | Refused):
        _LOG.error("a request failed", exc_info=error)
    return error_answer(error)


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
