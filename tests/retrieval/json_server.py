"""A provider on the loopback that answers JSON, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http.loopback import Peer, response, serve


@dataclass
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class JsonServer:
    """Where it is, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@dataclass(frozen=True)
class Reply:
    """An answer that is not plain success."""

    body: Any
    status: str = "200 OK"
    headers: tuple[str, ...] = ()


@asynccontextmanager
async def json_server(answer: Callable[[Asked], Any]) -> AsyncIterator[JsonServer]:
    """Run a server that gives each request to `answer`, which gives JSON, bytes or a `Reply`."""

    async def script(peer: Peer) -> None:
        first, *lines = peer.head.decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        asked = Asked(first.split(" ")[1], headers, json.loads(peer.body))
        server.asked.append(asked)
        given = answer(asked)
        reply = given if isinstance(given, Reply) else Reply(given)
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        await peer.send(response(data, reply.status, "content-type: application/json", *reply.headers))

    async with serve(script) as raw:
        server = JsonServer(raw.url)
        yield server
