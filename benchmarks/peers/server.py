"""The provider of the benchmarks: a loopback server in a process of its own that answers from ready bytes.

The scenario stands first in the path: `http://127.0.0.1:PORT/text-10000/v1/chat/completions`. Which answer of a scenario
is due is read from the last tool call that the request names.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.peers.scenarios import CALL_ID
from benchmarks.peers.wires import PATHS, answer

__all__ = ["ROOT", "response", "serving"]

ROOT: Final = Path(__file__).resolve().parents[2]
_CALL_ID: Final = CALL_ID.encode()
_MISSING: Final = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


class Connection(asyncio.Protocol):
    """One client: requests are read whole, and answered with one write."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole now."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            length = end + 4 + _content_length(head)
            if len(self._received) < length:
                return
            body = bytes(self._received[end + 4 : length])
            del self._received[:length]
            self._transport.write(response(head, body))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def response(head: bytes, body: bytes) -> bytes:
    """The answer to a request: its head without the empty line, and its body."""
    path = head.split(b" ", 2)[1].partition(b"?")[0]
    wire = next((wire for wire, end in PATHS.items() if path.endswith(end)), None)
    if wire is None:
        return _MISSING
    last = body.rfind(_CALL_ID)
    turn = 0 if last < 0 else int(body[last + len(_CALL_ID) : last + len(_CALL_ID) + 5]) + 1
    streamed = b'"stream":true' in body or b'"stream": true' in body
    return answer(wire, path.split(b"/", 2)[1].decode(), turn, streamed=streamed)


@contextmanager
def serving() -> Iterator[str]:
    """A server in a process of its own; gives its origin, `http://127.0.0.1:PORT`."""
    command = [sys.executable, "-m", "benchmarks.peers.server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
