"""Cancels a coroutine at its k-th suspension, and finds what it left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio.lowlevel import checkpoint

from agentlab.http import HttpClient, HttpRequest, HttpResponse

__all__ = ["Suspended", "Trickle", "assert_nothing_left", "open_connections"]

_INTERNET = {socket.AF_INET, socket.AF_INET6}


class Suspended(Awaitable[Any]):
    """Runs a coroutine in the current task and cancels that task at one of its suspensions.

    Args:
        coroutine: What is run.
        at: At which suspension, from 1.
        later: After how many turns of the loop from there; 0 cancels the very future that is waited for.

    Attributes:
        count: Suspensions so far.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], at: int, later: int = 0) -> None:
        self._coroutine = coroutine
        self._at = at
        self._later = later
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        running = self._coroutine.__await__()
        task = asyncio.current_task()
        assert task is not None
        sent: Any = None
        thrown: BaseException | None = None
        while True:
            try:
                waited = running.send(sent) if thrown is None else running.throw(thrown)
            except StopIteration as done:
                return done.value
            self.count += 1
            if self.count == self._at:
                _cancel(task, self._later)
            thrown = sent = None
            try:
                sent = yield waited
            except BaseException as error:
                thrown = error


def _cancel(task: asyncio.Task[Any], later: int) -> None:
    if later:
        task.get_loop().call_soon(_cancel, task, later - 1)
    else:
        task.cancel()


class _Pieces:
    """A response whose body comes in small pieces, each with a turn of the loop."""

    def __init__(self, response: HttpResponse, size: int) -> None:
        self.status = response.status
        self.headers = response.headers
        self.read = response.read
        self._response = response
        self._size = size

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.chunks():
            for start in range(0, len(chunk), self._size):
                await checkpoint()
                yield chunk[start : start + self._size]


class Trickle(HttpClient):
    """A client whose answers come in pieces of at most `size` bytes, so that there is much to be cancelled at.

    Pieces of 160 bytes cut the runs of `test_cancel` at 46 to 191 places, by the wire; the gauntlet's, at 80 to 367.
    """

    size = 80 if os.environ.get("AGENTLAB_GAUNTLET") == "1" else 160

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[Any]:
        async with super().open(request) as response:
            yield _Pieces(response, self.size)


def open_connections(port: int) -> int:
    """How many sockets of this process are connected, as clients, to a port of this machine."""
    return sum(_connected_to(int(entry.name)) == port for entry in Path("/proc/self/fd").iterdir())


def _connected_to(descriptor: int) -> int | None:
    """The port at the other end of a connection; None where a descriptor is none."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        with socket.socket(fileno=os.dup(descriptor)) as again:
            peer = again.getpeername()
    except OSError:  # closed, or connected to nothing
        return None
    return peer[1] if again.family in _INTERNET else None


async def assert_nothing_left(port: int) -> None:
    """Fail where a task still runs or a connection is still open, a few turns of the loop later."""
    for _ in range(5):
        await checkpoint()
    others = {
        task for task in asyncio.all_tasks() - {asyncio.current_task()} if "TestRunner" not in repr(task)
    }
    assert not others, f"tasks still run: {others}"
    assert open_connections(port) == 0, "a connection is still open"
