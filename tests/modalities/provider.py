"""A provider on the loopback that keeps each request as it came, and small files of every kind."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http.loopback import Peer, response, serve

__all__ = ["FLAC", "JPEG", "MP3", "OGG", "PNG", "WAV", "Asked", "Provider", "Reply", "provider"]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0" + b"\xff\0\0" * 2))
    + _chunk(b"IEND", b"")
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
WAV = (
    b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x08\0\0\0"
    + b"\0" * 8
)
MP3 = b"\xff\xfb\x90\x00" + b"\0" * 413
OGG = b"OggS\0\x02" + b"\0" * 22
FLAC = b"fLaC\0\0\0\x22" + b"\0" * 34


@dataclass
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> bytes:
        """A form's body, its boundary replaced."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        return re.sub(re.escape(boundary), b"BOUNDARY", self.body)


@dataclass(frozen=True)
class Reply:
    """An answer that is not plain success."""

    body: Any
    status: str = "200 OK"
    headers: tuple[str, ...] = ()


@dataclass
class Provider:
    """Where it is, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def provider(answer: Any | Callable[[Asked], Any]) -> AsyncIterator[Provider]:
    """Run a provider that answers every request so: with JSON, bytes, a `Reply`, or what a function of it gives."""

    async def script(peer: Peer) -> None:
        first, *lines = peer.head.decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        asked = Asked(first.split(" ")[1], headers, peer.body)
        running.asked.append(asked)
        given = answer(asked) if callable(answer) else answer
        reply = given if isinstance(given, Reply) else Reply(given)
        is_bytes = isinstance(reply.body, bytes)
        data = reply.body if is_bytes else json.dumps(reply.body).encode()
        kind = "application/octet-stream" if is_bytes else "application/json"
        await peer.send(response(data, reply.status, f"content-type: {kind}", *reply.headers))

    async with serve(script) as raw:
        running = Provider(raw.url)
        yield running
