"""Runs the tool calls of one turn: at the same time, bounded, each with a timeout, none able to break the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

import msgspec

from agentlab.agent.hooks import HookContext, Hooks, RewriteArguments, RewriteResult, Skip, Stop
from agentlab.agent.telemetry import RunSpans
from agentlab.errors import InvalidToolArguments, ToolError, ToolTimeout, UsageError
from agentlab.messages import Text, ToolCall, ToolResult, ToolStarted
from agentlab.tools import Tool, ToolContext, Toolset, as_content

__all__ = ["ToolDispatch", "failed_result"]

_CLEANUP_S: Final = 5.0
_LONGEST_ERROR: Final = 2_000


def failed_result(call: ToolCall, text: str) -> ToolResult:
    """A result that tells the model what went wrong."""
    return _result(call, text, "failed")


def _result(call: ToolCall, text: str, status: Any) -> ToolResult:
    return ToolResult(call.id, call.name, (Text(text),), status, call.provider_id)


class ToolDispatch:
    """Runs tool calls for one run.

    Args:
        toolset: The tools that were offered.
        context: Values for tools; every call gets a copy.
        concurrency: Calls that may run at the same time, at least 1.
        timeout_s: Seconds a call may take where its tool does not say; None for no limit.
        hooks: Asked before and after each call.
        spans: Telemetry of the run.
    """

    def __init__(
        self,
        toolset: Toolset,
        *,
        context: ToolContext,
        concurrency: int,
        timeout_s: float | None,
        hooks: Hooks,
        spans: RunSpans,
    ) -> None:
        self._toolset = toolset
        self._context = context
        self._limit = asyncio.Semaphore(max(1, concurrency))
        self._timeout_s = timeout_s
        self._hooks = hooks
        self._spans = spans

    async def run(
        self, calls: Sequence[ToolCall], hook_context: HookContext, *, truncated: bool = False
    ) -> AsyncGenerator[ToolStarted | ToolResult | Stop, None]:
        """Run the calls; give a `ToolStarted` and a `ToolResult` for each as they happen, or the first `Stop`.

        Args:
            calls: The calls.
            hook_context: Passed to hooks.
            truncated: A token limit cut the turn: calls without whole arguments are not run.
        """
        news: asyncio.Queue[ToolStarted | ToolResult | Stop] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._one(call, hook_context, news, truncated), name=f"tool {call.name}")
            for call in calls
        ]
        waiting = len(tasks)
        try:
            while waiting:
                event = await news.get()
                waiting -= not isinstance(event, ToolStarted)
                yield event
                if isinstance(event, Stop):
                    return
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_CLEANUP_S)

    async def _one(
        self,
        call: ToolCall,
        context: HookContext,
        news: asyncio.Queue[ToolStarted | ToolResult | Stop],
        truncated: bool,
    ) -> None:
        """Put exactly one result or stop for the call, whatever happens."""
        try:
            async with self._limit:
                outcome = await self._answered(call, context, news, truncated)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            outcome = _result(call, f"the tool `{call.name}` cancelled itself", "failed")
        except UsageError as error:
            outcome = Stop(str(error))
        news.put_nowait(outcome)

    async def _answered(
        self,
        call: ToolCall,
        context: HookContext,
        news: asyncio.Queue[ToolStarted | ToolResult | Stop],
        truncated: bool,
    ) -> ToolResult | Stop:
        answer = await self._hooks.ask("on_tool_call", context, call)
        if isinstance(answer, Stop):
            return answer
        if isinstance(answer, Skip):
            result = _result(call, answer.reason, "skipped")
        else:
            if answer is not None and not isinstance(answer, RewriteArguments):
                raise UsageError(
                    f"`on_tool_call` may return `RewriteArguments`, `Skip`, `Stop` or None, not {answer!r}"
                )
            news.put_nowait(ToolStarted(call.id, call.name))
            span = self._spans.tool_started(call)
            result = await self._executed(call, answer.arguments if answer else None, truncated)
            self._spans.tool_finished(span, result)
        answer = await self._hooks.ask("on_tool_result", context, call, result)
        if isinstance(answer, RewriteResult):
            result = msgspec.structs.replace(result, content=answer.content)
        return answer if isinstance(answer, Stop) else result

    async def _executed(
        self, call: ToolCall, arguments: Mapping[str, Any] | None, truncated: bool
    ) -> ToolResult:
        tool = self._toolset.get(call.name)
        if tool is None:
            return failed_result(call, self.unknown(call))
        try:
            if truncated and (not call.has_valid_arguments or not call.arguments_json.strip()):
                raise InvalidToolArguments(
                    "the call was cut off by the token limit before its arguments were complete"
                )
            content = as_content(
                await self._within_time(tool, call.arguments if arguments is None else arguments)
            )
        except ToolError as error:
            return failed_result(call, str(error) or type(error).__name__)
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a tool raises, the model is told and the loop goes on
            return failed_result(call, f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])
        return ToolResult(call.id, call.name, content, "success", call.provider_id)

    async def _within_time(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        limit = tool.timeout_s if tool.timeout_s is not None else self._timeout_s
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                return await tool.call(arguments, self._context.copy())
        except TimeoutError as error:
            if not deadline.expired():
                raise
            late = ToolTimeout(f"the tool `{tool.definition.name}` took longer than {limit:g} s")
            raise late from error

    def unknown(self, call: ToolCall) -> str:
        """What the model is told about a call to a tool that does not exist."""
        return f"there is no tool `{call.name}`; there are {', '.join(self._toolset.names) or 'none'}"


def _check_whole(call: ToolCall, truncated: bool) -> None:
    if truncated and (not call.has_valid_arguments or not call.arguments_json.strip()):
        raise InvalidToolArguments(
            "the call was cut off by the token limit before its arguments were complete"
        )
