"""The floors: what reading the bytes costs, without a library for models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from benchmarks.peers.scenarios import expected
from benchmarks.peers.way import ADD_TOOL, MODELS, PREAMBLE, PROMPT, Way, add

__all__ = ["WAYS"]

_EACH = 4
_PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}


def _body(wire: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    field = "input" if wire == "responses" else "messages"
    return {"model": MODELS[wire], field: messages, "stream": True, "tools": [ADD_TOOL]}


class RawSocket(Way):
    """One asyncio stream a call: bytes in, nothing done with them."""

    async def text(self) -> str:
        """Read to the last chunk."""
        address = urlsplit(self.url)
        assert address.hostname is not None
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        body = json.dumps(_body(self.wire, [{"role": "user", "content": PROMPT}])).encode()
        writer.write(
            f"POST {address.path}{_PATHS[self.wire]} HTTP/1.1\r\nhost: {address.netloc}\r\n".encode()
            + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            received = await reader.read(1 << 18)
            assert received
            tail = (tail + received)[-7:]
        writer.close()
        return expected(address.path[1:])


class RawSocketAnthropic(RawSocket):
    """The same on the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class RawSocketResponses(RawSocket):
    """The same on the Responses wire."""

    wire: ClassVar[str] = "responses"


class Httpx(Way):
    """`httpx`, its chunks and nothing done with them.

    A client has few requests in flight: its pool looks through all its connections whenever one begins or ends, so that
    500 on one client cost eight times what they cost on many.
    """

    async def open(self) -> None:
        """Make a client."""
        self._context = httpx.create_ssl_context()
        self._clients = [self._new_client()]
        self._in_flight = [0]

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=600, verify=self._context)

    async def close(self) -> None:
        """Close it."""
        for client in self._clients:
            await client.aclose()

    async def chunks(self, messages: list[dict[str, Any]]) -> AsyncIterator[bytes]:
        """The body of one answer."""
        address, body = self.url + _PATHS[self.wire], _body(self.wire, messages)
        place = next(
            (place for place, count in enumerate(self._in_flight) if count < _EACH), len(self._clients)
        )
        if place == len(self._clients):
            self._clients.append(self._new_client())
            self._in_flight.append(0)
        self._in_flight[place] += 1
        async with self._clients[place].stream("POST", address, json=body) as response:
            async for chunk in response.aiter_bytes():
                yield chunk
        self._in_flight[place] -= 1

    async def text(self) -> str:
        """Read to the end."""
        async for _ in self.chunks([{"role": "user", "content": PROMPT}]):
            pass
        return expected(urlsplit(self.url).path[1:])


class HttpxAnthropic(Httpx):
    """The same on the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class HttpxResponses(Httpx):
    """The same on the Responses wire."""

    wire: ClassVar[str] = "responses"


class Split(Httpx):
    """`httpx`, a bare splitter, `json.loads` of each event, and `json.dumps` of the whole history each turn."""

    async def said(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The message of one answer."""
        pieces: list[str] = []
        pending = b""
        call: dict[str, Any] = {}
        async for chunk in self.chunks(messages):
            *events, pending = (pending + chunk).split(b"\n\n")
            for event in events:
                if not event.startswith(b"data: {"):
                    continue
                for choice in json.loads(event[6:])["choices"]:
                    delta = choice["delta"]
                    if content := delta.get("content"):
                        pieces.append(content)
                    for part in delta.get("tool_calls") or ():
                        call = call or part
                        pieces.append(part["function"]["arguments"])
        if not call:
            return {"role": "assistant", "content": "".join(pieces)}
        call["function"]["arguments"] = "".join(pieces)
        return {"role": "assistant", "tool_calls": [call]}

    async def text(self) -> str:
        """The text of one answer."""
        message = await self.said([{"role": "user", "content": PROMPT}])
        return str(message["content"])

    async def run(self) -> str:
        """A loop by hand."""
        messages = [{"role": "system", "content": PREAMBLE}, {"role": "user", "content": PROMPT}]
        while True:
            message = await self.said(messages)
            messages.append(message)
            if "tool_calls" not in message:
                return str(message["content"])
            for call in message["tool_calls"]:
                result = add(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": str(result)})

    async def arguments(self) -> str:
        """The arguments of the call."""
        message = await self.said([{"role": "user", "content": PROMPT}])
        return str(json.loads(message["tool_calls"][0]["function"]["arguments"])["text"])

    async def continued(self, past: list[dict[str, Any]]) -> str:
        """One more call."""
        message = await self.said([*past, {"role": "user", "content": PROMPT}])
        return str(message["content"])


WAYS = {
    "raw socket": RawSocket,
    "raw socket (anthropic)": RawSocketAnthropic,
    "raw socket (responses)": RawSocketResponses,
    "httpx aiter_bytes": Httpx,
    "httpx aiter_bytes (anthropic)": HttpxAnthropic,
    "httpx aiter_bytes (responses)": HttpxResponses,
    "httpx, split, json": Split,
}
