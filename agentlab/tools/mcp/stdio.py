"""The transport of a server that is a child process: JSON-RPC in lines over its standard input and output.

The SDK has one too. This one bounds what a server can do to its client: the length of a line, the time it takes to end, and
what is kept of its standard error, which is quoted when the server fails. The process has a group of its own, and the group
is ended with it, by its number, also where the interpreter ends without having closed the connection.
"""

from __future__ import annotations

import asyncio
import os
import signal
import weakref
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agentlab.tools.mcp.lines import BoundedLines, LineTooLong, Tail

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

__all__ = ["ServerProcess"]

_CHUNK: Final = 65_536
_POLL_S: Final = 0.01
_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)
_BUFFERED: Final = 16
_ROUNDS: Final = 5


class ServerProcess:
    """One child process, and the transport over its pipes.

    Args:
        command: The program and its arguments; never given to a shell.
        env: Environment variables besides the few that are safe to inherit (`PATH`, `HOME`, ...).
        cwd: Its working directory.
        max_message_bytes: Longest message it may send.
        grace_s: Seconds it is given to end after its input was closed, and again after a signal.

    Attributes:
        failure: Why the connection ended, where it did not end by itself.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path | None,
        max_message_bytes: int,
        grace_s: float,
    ) -> None:
        self._command = list(command)
        self._env = dict(env)
        self._cwd = cwd
        self._limit = max_message_bytes
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._tail = Tail()
        self._made_to_end = False
        self.failure = ""

    @property
    def pid(self) -> int | None:
        """Number of the process, None before it was started."""
        return None if self._process is None else self._process.pid

    @property
    def stderr(self) -> str:
        """The end of its standard error."""
        return self._tail.text

    def ending(self) -> str:
        """How it ended by itself, in words; empty while it runs and where it was made to."""
        code = None if self._process is None or self._made_to_end else self._process.returncode
        if code is None:
            return ""
        return f"it was ended by signal {-code}" if code < 0 else f"it exited with code {code}"

    async def settled(self, within_s: float) -> None:
        """Wait until it has exited and its last words were read, but not longer than some seconds."""
        if self._process is not None:
            await _exited(self._process, within_s)
            await asyncio.sleep(_POLL_S)

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[TransportStreams]:
        """Start the process, give the SDK its streams, and end the process whatever happens.

        Raises:
            OSError: It could not be started.
        """
        import anyio  # noqa: PLC0415 - nothing of this is needed before a server is started
        from mcp.client.stdio import get_default_environment  # noqa: PLC0415
        from mcp.shared.message import SessionMessage  # noqa: PLC0415

        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=get_default_environment() | self._env,
                cwd=self._cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self.failure = f"the program `{self._command[0]}` could not be started: {error}; is it installed, and on the PATH?"
            raise
        self._process = process
        last_resort = weakref.finalize(self, _signal_group, process.pid, _KILL)
        to_session, inbound = anyio.create_memory_object_stream[SessionMessage | Exception](_BUFFERED)
        outbound, from_session = anyio.create_memory_object_stream[SessionMessage](_BUFFERED)
        tasks = [
            asyncio.create_task(self._read(process, to_session)),
            asyncio.create_task(self._write(process, from_session, to_session)),
            asyncio.create_task(self._read_stderr(process)),
        ]
        try:
            yield inbound, outbound
        finally:
            for stream in (to_session, inbound, outbound, from_session):
                stream.close()
            await self._end(process)
            last_resort.detach()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=self._grace_s)
            await _close_pipes(process)

    async def _read(
        self,
        process: asyncio.subprocess.Process,
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        import anyio  # noqa: PLC0415
        from mcp.shared.message import SessionMessage  # noqa: PLC0415
        from mcp.types import jsonrpc_message_adapter  # noqa: PLC0415

        assert process.stdout is not None
        lines = BoundedLines(self._limit)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            async with to_session:
                while data := await process.stdout.read(_CHUNK):
                    try:
                        complete = lines.feed(data)
                    except LineTooLong:
                        self.failure = f"it sent a message longer than {self._limit:,} bytes"
                        break
                    for line in complete:
                        try:
                            message = SessionMessage(
                                jsonrpc_message_adapter.validate_json(line, by_name=False)
                            )
                        except ValueError:
                            await to_session.send(ValueError(line[:200].decode("utf-8", "replace")))
                        else:
                            await to_session.send(message)
        # A server that still writes must not wait for a reader before it can end.
        with suppress(ConnectionError):
            while await process.stdout.read(_CHUNK):
                pass

    async def _write(
        self,
        process: asyncio.subprocess.Process,
        from_session: MemoryObjectReceiveStream[SessionMessage],
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        import anyio  # noqa: PLC0415

        assert process.stdin is not None
        try:
            async with from_session:
                async for outgoing in from_session:
                    text = outgoing.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(text.encode("utf-8", "replace") + b"\n")
                    await process.stdin.drain()
        except (anyio.ClosedResourceError, ConnectionError, RuntimeError):
            # It takes no more input: to the session this is the end, not a silence.
            to_session.close()

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        with suppress(ConnectionError):
            while data := await process.stderr.read(_CHUNK):
                self._tail.feed(data)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Close its input, wait, ask its group to end, wait, end the group."""
        assert process.stdin is not None
        process.stdin.close()
        try:
            if not await _exited(process, self._grace_s):
                self._made_to_end = True
                _signal_group(process.pid, signal.SIGTERM)
                await _exited(process, self._grace_s)
        finally:
            # Also where the process itself has gone: what it started may be left.
            _signal_group(process.pid, _KILL)
        await _exited(process, self._grace_s)
        await _group_gone(process.pid, self._grace_s)


async def _exited(process: asyncio.subprocess.Process, within_s: float) -> bool:
    """Whether it exits in time. `process.wait` would also wait for pipes that its children hold open."""
    deadline = asyncio.get_running_loop().time() + within_s
    while process.returncode is None:
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def _group_gone(pid: int, within_s: float) -> None:
    """Wait until nothing of a group is left, or the time is over: what nobody reaps is dead and still counted."""
    deadline = asyncio.get_running_loop().time() + within_s
    while os.name == "posix" and asyncio.get_running_loop().time() < deadline:
        try:
            os.killpg(pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        await asyncio.sleep(_POLL_S)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


async def _close_pipes(process: asyncio.subprocess.Process) -> None:
    """Close the transport, which nothing public gives, so that no pipe is left to the garbage collector."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
    for _ in range(_ROUNDS):  # the loop closes what was closed above in rounds of its own
        await asyncio.sleep(0)
