"""The streams between the SDK and a server, with a watch on them, whatever transport they belong to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from agentlab.tools.mcp.watching import REFUSED, Flood, Watch

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams, WriteStream
    from mcp.shared.message import SessionMessage

__all__ = ["watched"]

_NOT_SENT: Final = -32_000


@asynccontextmanager
async def watched(
    transport: AbstractAsyncContextManager[TransportStreams], watch: Watch, ended: Callable[[str], None]
) -> AsyncGenerator[TransportStreams]:
    """A transport whose messages pass a watch, in the order of the wire.

    Args:
        transport: The transport.
        watch: Sees every message in both directions.
        ended: Called when no more messages will come, with the reason; empty where the server just closed.
    """
    import anyio  # noqa: PLC0415
    from mcp.shared.message import SessionMessage  # noqa: PLC0415
    from mcp.types import ErrorData, JSONRPCError  # noqa: PLC0415

    async def inward(read: ReadStream[SessionMessage | Exception]) -> None:
        reason = ""
        async with to_session:
            try:
                async for item in read:
                    if isinstance(item, Exception):
                        watch.invalid_received(str(item))
                    elif watch.received(item.message, anyio.current_time()):
                        await to_session.send(item)
            except Flood as flood:
                reason = str(flood)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                pass
        ended(reason)

    async def outward(write: WriteStream[SessionMessage]) -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for item in from_session:
                refused = watch.sending(item.message)
                if refused is None:
                    await write.send(item)
                else:
                    error = ErrorData(code=_NOT_SENT, message=refused, data=REFUSED)
                    answer = JSONRPCError(jsonrpc="2.0", id=getattr(item.message, "id", None), error=error)
                    await to_session.send(SessionMessage(answer))

    async with transport as (read, write):
        to_session, inbound = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outbound, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        async with to_session, inbound, outbound, from_session, anyio.create_task_group() as pumps:
            pumps.start_soon(inward, read)
            pumps.start_soon(outward, write)
            try:
                yield inbound, outbound
            finally:
                pumps.cancel_scope.cancel()
