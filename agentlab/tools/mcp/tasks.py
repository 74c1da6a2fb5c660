"""Calls of tools that run as tasks (MCP 2025-11-25): the server answers with a task, and the result is asked for after.

Only tools that say they must be called so are. The SDK has the types of this revision's tasks, and no calls for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mcp import ClientSession, types

__all__ = ["call_as_task"]

_KEPT_MS: Final = 3_600_000
_CANCEL_S: Final = 2.0


async def call_as_task(
    session: ClientSession, name: str, arguments: Mapping[str, Any]
) -> types.CallToolResult:
    """Call a tool as a task, and wait until the task has ended; a cancellation cancels the task.

    Args:
        session: The SDK's session.
        name: The server's name of the tool.
        arguments: Its arguments.
    """
    from mcp import types  # noqa: PLC0415 - the extra is optional

    # The session would refuse a task for an answer, so the request goes past its check of answers.
    raw = await session._dispatcher.send_raw_request(  # noqa: SLF001 - see above
        "tools/call", {"name": name, "arguments": dict(arguments), "task": {"ttl": _KEPT_MS}}
    )
    if "task" not in raw:
        return types.CallToolResult.model_validate(raw)
    task = types.CreateTaskResult.model_validate(raw).task.task_id
    asked = types.GetTaskPayloadRequest(params=types.GetTaskPayloadRequestParams(task_id=task))
    try:
        return await session.send_request(asked, types.CallToolResult)
    except asyncio.CancelledError:
        cancelling = types.CancelTaskRequest(params=types.CancelTaskRequestParams(task_id=task))
        with suppress(Exception):
            async with asyncio.timeout(_CANCEL_S):
                await session.send_request(cancelling, types.CancelTaskResult)
        raise
