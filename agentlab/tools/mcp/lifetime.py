"""Opens and closes a connection from any task, and asks it from any loop, not longer than allowed."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from agentlab.errors import MissingExtra, ToolServerFailed, UsageError
from agentlab.tools.mcp.connection import Connection
from agentlab.tools.mcp.own_loop import OwnLoop

__all__ = ["Lifetime"]

T = TypeVar("T")

_CLOSE_S: Final = 12.0
_UNWIND_S: Final = 3.0


class Lifetime:
    """The connection of one client, while there is one.

    Args:
        name: Name of the server, for messages.
        make: Makes a connection, on the loop it is to live on.
    """

    def __init__(self, name: str, make: Callable[[], Connection]) -> None:
        self._name = name
        self._make = make
        self._loop: OwnLoop | None = None
        self.connection: Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether the server can be asked."""
        return self._loop is not None and self.connection is not None and self.connection.is_open

    async def open(self, within_s: float | None) -> None:
        """Connect, unless that is done; raises as `McpClient.open`."""
        if self.is_open:
            return
        await self.close()
        _import_sdk()
        loop = OwnLoop(f"mcp {self._name}")
        # Whoever forgets to close does not leave a program behind.
        weakref.finalize(self, loop.abandon, _UNWIND_S)

        async def opened() -> Connection:
            connection = self._make()
            self.connection = connection
            await connection.open(within_s)
            return connection

        self._loop = loop
        try:
            await loop.run(opened)
        except BaseException:
            self._loop = None
            loop.abandon(_UNWIND_S)
            raise

    async def close(self) -> None:
        """End the connection; safe to do twice."""
        loop, connection = self._loop, self.connection
        self._loop = None
        if loop is None:
            return
        try:
            if connection is not None:
                async with asyncio.timeout(_CLOSE_S):
                    await loop.run(connection.close)
        except (TimeoutError, UsageError):
            pass  # what is left is ended with the loop
        finally:
            await loop.close(_UNWIND_S)

    async def ask(self, limit: float | None, doing: str, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask on the connection's loop, and wait for it on the caller's.

        Args:
            limit: Seconds it may take; None for no limit.
            doing: What it does, for messages: `"list its prompts"`.
            question: Asks.

        Raises:
            ToolServerFailed: There is no connection, or it failed, or it took too long (then caused by a `TimeoutError`).
        """
        loop, connection = self._loop, self.connection
        if loop is None or connection is None:
            raise self._failed("it is not connected; use `async with` or `await client.open()`")
        try:
            async with asyncio.timeout(limit):
                return await loop.run(question, connection)
        except TimeoutError as error:
            raise self._failed(f"it did not {doing} within {limit or 0:g} s") from error
        except UsageError as error:
            raise self._failed(str(error)) from error

    def _failed(self, why: str) -> ToolServerFailed:
        return ToolServerFailed(f"the MCP server `{self._name}` failed: {why}", server=self._name)


def _import_sdk() -> None:
    try:
        import mcp  # noqa: F401, PLC0415 - the extra is optional
    except ImportError as error:
        raise MissingExtra(
            f"an MCP server needs the package `mcp`: pip install 'agentlab[mcp]' ({error})"
        ) from None
