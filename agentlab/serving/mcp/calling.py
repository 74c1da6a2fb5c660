"""One tool call that came over MCP: whatever happens, the client gets a result."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from agentlab.agent.approvals import reason_to_ask
from agentlab.agent.settings import Approver
from agentlab.errors import ToolError
from agentlab.messages import ToolCall
from agentlab.serving.mcp.contents import failed_call, tool_result
from agentlab.tools import Tool, ToolContext, as_content

if TYPE_CHECKING:
    from mcp.types import CallToolResult

__all__ = ["call_tool"]

_LONGEST_ERROR: Final = 2_000
_NOBODY: Final = "it asks for approval, and nobody is there to give it: give the server an `approver`"


async def call_tool(
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    context: ToolContext,
    timeout_s: float | None,
    approver: Approver | None,
) -> CallToolResult:
    """Run a tool.

    It runs in a task of its own: the SDK cancels again and again until its task ends, and an agent that is a tool needs
    one cancellation and then time to end in order.

    Args:
        tool: The tool.
        arguments: Its arguments, not yet validated.
        context: Values for the tool.
        timeout_s: Seconds a call may take where the tool does not say; None for no limit.
        approver: Decides on calls of tools that ask.

    Returns:
        What it returned, or what went wrong as a result that says so.
    """
    name = tool.definition.name
    try:
        refusal = await _refusal(tool, arguments, approver)
        if refusal is not None:
            return failed_call(f"`{name}` was not run: {refusal}")
        limit = tool.timeout_s if tool.timeout_s is not None else timeout_s
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                returned = await _in_own_task(tool, arguments, context.copy())
        except TimeoutError:
            if not deadline.expired():
                raise
            return failed_call(f"the tool `{name}` took longer than {limit:g} s")
        return tool_result(as_content(returned))
    except ToolError as error:
        return failed_call(str(error) or type(error).__name__)
    except Exception as error:  # noqa: BLE001 - whatever a tool raises, the client is told and the server goes on
        return failed_call(f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])


async def _in_own_task(tool: Tool, arguments: Mapping[str, Any], context: ToolContext) -> Any:
    task = asyncio.ensure_future(tool.call(arguments, context))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])
        raise


async def _refusal(tool: Tool, arguments: Mapping[str, Any], approver: Approver | None) -> str | None:
    """Why a call may not run; None where it may."""
    reason = reason_to_ask(tool, arguments)
    if reason is None:
        return None
    if approver is None:
        return _NOBODY
    call = ToolCall(secrets.token_hex(8), tool.definition.name, msgspec.json.encode(dict(arguments)).decode())
    answer = approver(call, reason)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is True:
        return None
    return answer if isinstance(answer, str) else "the call was not approved"
