"""Runs the tool calls of one turn: at the same time, bounded, each with a timeout, none able to break the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from agentlab.agent.approvals import Told
from agentlab.agent.approving.judging import Judge
from agentlab.agent.current_run import RunScope, inside
from agentlab.agent.hooks import HookContext, Hooks, RewriteArguments, RewriteResult, Skip, Stop
from agentlab.agent.telemetry import RunSpans
from agentlab.errors import ApprovalNeeded, InvalidToolArguments, ToolError, ToolInterrupted, ToolTimeout
from agentlab.messages import ApprovalAsked, ApprovalGiven, Judged, Text, ToolCall, ToolResult, ToolStarted
from agentlab.tools import Tool, ToolContext, Toolset, as_content, sendable

__all__ = ["ToolDispatch", "failed_result"]

_CLEANUP_S: Final = 5.0
_LONGEST_ERROR: Final = 2_000


ToolEvent = Told | ToolStarted | ToolResult
_News = ToolEvent | Stop | BaseException
_REFUSED: Final = "the user did not approve this call"


def failed_result(call: ToolCall, text: str) -> ToolResult:
    """A result that tells the model what went wrong."""
    return _result(call, sendable(text), "failed")


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
        judge: Says of each call whether it may run.
        spans: Telemetry of the run.
        scope: What runs that begin in a tool belong to.

    Attributes:
        unclaimed: Results that came while `run` was being closed, too late to be given.
    """

    def __init__(
        self,
        toolset: Toolset,
        *,
        context: ToolContext,
        concurrency: int,
        timeout_s: float | None,
        hooks: Hooks,
        judge: Judge,
        spans: RunSpans,
        scope: RunScope | None = None,
    ) -> None:
        self._toolset = toolset
        self._context = context
        self._limit = asyncio.Semaphore(max(1, concurrency))
        self._timeout_s = timeout_s
        self._hooks = hooks
        self._judge = judge
        self._spans = spans
        self._scope = scope
        self._closing = False
        self.unclaimed: list[ToolResult] = []

    async def run(
        self, calls: Sequence[ToolCall], hook_context: HookContext, *, truncated: bool = False
    ) -> AsyncGenerator[ToolEvent | Stop, None]:
        """Run the calls; give a `ToolStarted` and a `ToolResult` for each as they happen, or the first `Stop`.

        Calls that nobody can be asked about are left, and raised when all others have their results.

        Args:
            calls: The calls.
            hook_context: Passed to hooks.
            truncated: A token limit cut the turn: calls without whole arguments are not run.

        Raises:
            ApprovalNeeded: Calls are left that nobody could be asked about.
            UsageError: A hook gave an answer it may not give.
            Exception: What a hook raised.
        """
        news: asyncio.Queue[_News] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._one(call, hook_context, news, truncated), name=f"tool {call.name}")
            for call in calls
        ]
        waiting = len(tasks)
        unasked: list[ApprovalNeeded] = []
        try:
            while waiting:
                event = await news.get()
                if isinstance(event, ApprovalNeeded):
                    unasked.append(event)
                    waiting -= 1
                    continue
                if isinstance(event, BaseException):
                    raise event
                waiting -= not isinstance(event, ToolStarted | ApprovalAsked | ApprovalGiven | Judged)
                yield event
                if isinstance(event, Stop):
                    return
            if unasked:
                raise _together(unasked)
        finally:
            self._closing = True
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_CLEANUP_S)
            while not news.empty():
                left = news.get_nowait()
                if isinstance(left, ToolResult):
                    self.unclaimed.append(left)

    async def _one(
        self, call: ToolCall, context: HookContext, news: asyncio.Queue[_News], truncated: bool
    ) -> None:
        """Put exactly one result, stop or error for the call, whatever happens."""
        outcome: _News
        try:
            async with self._limit:
                outcome = await self._answered(call, context, news, truncated)
        except asyncio.CancelledError:
            if self._closing:
                raise
            _take_back_cancellation()
            outcome = failed_result(call, f"the tool `{call.name}` cancelled itself")
        except KeyboardInterrupt as error:
            news.put_nowait(error)
            raise
        except BaseException as error:  # noqa: BLE001 - a hook's error is raised where the run is waited for
            outcome = error
        news.put_nowait(outcome)

    async def _answered(
        self, call: ToolCall, context: HookContext, news: asyncio.Queue[_News], truncated: bool
    ) -> ToolResult | Stop:
        answer = await self._hooks.ask("on_tool_call", context, call)
        if isinstance(answer, Stop):
            return answer
        if isinstance(answer, Skip):
            result = _result(call, answer.reason, "skipped")
        else:
            arguments = answer.arguments if isinstance(answer, RewriteArguments) else None
            result = await self._refused(call, arguments, news) or await self._run(
                call, arguments, news, truncated
            )
        answer = await self._hooks.ask("on_tool_result", context, call, result)
        if isinstance(answer, RewriteResult):
            result = msgspec.structs.replace(result, content=as_content(answer.content))
        return answer if isinstance(answer, Stop) else result

    async def _refused(
        self, call: ToolCall, arguments: Mapping[str, Any] | None, news: asyncio.Queue[_News]
    ) -> ToolResult | None:
        """The result of a call that may not run; None where it may."""
        given = call.arguments if arguments is None and call.has_valid_arguments else arguments or {}
        judged = self._judge.judgement(call, self._toolset.get(call.name), given, news.put_nowait)
        if judged.verdict == "allow":
            return None
        if judged.verdict == "deny":
            return _result(call, sendable(judged.reason), "skipped")
        # A call that waits for a person takes no slot from those that could run.
        self._limit.release()
        try:
            decision = await self._judge.decision(call, judged.reason, news.put_nowait)
        finally:
            await self._limit.acquire()  # it is given back where the call ends, however it was decided
        return None if decision.approved else _result(call, sendable(decision.note or _REFUSED), "skipped")

    async def _run(
        self,
        call: ToolCall,
        arguments: Mapping[str, Any] | None,
        news: asyncio.Queue[_News],
        truncated: bool,
    ) -> ToolResult:
        news.put_nowait(ToolStarted(call.id, call.name))
        scope = self._scope_of(call, news)
        with inside(scope), self._spans.tool(call) as span:
            result = await self._executed(call, arguments, truncated)
            brought = None if scope is None else scope.approving
            return span.done(self._judge.seen(result, self._toolset.get(call.name), brought))

    def _scope_of(self, call: ToolCall, news: asyncio.Queue[_News]) -> RunScope | None:
        """What runs inside a call belong to."""
        if self._scope is None:
            return None
        loop = asyncio.get_running_loop()

        def tell(event: Told) -> None:
            # A plain tool runs in a thread, and what it asks may run on another loop.
            loop.call_soon_threadsafe(news.put_nowait, event)

        return replace(
            self._scope,
            call_id=call.id,
            ask=self._judge.approvals.asked_within(call, tell),
            approving=self._judge.around(call, tell),
        )

    async def _executed(
        self, call: ToolCall, arguments: Mapping[str, Any] | None, truncated: bool
    ) -> ToolResult:
        tool = self._toolset.get(call.name)
        if tool is None:
            return failed_result(call, self.unknown(call))
        try:
            _check_whole(call, truncated)
            returned = await self._within_time(tool, call.arguments if arguments is None else arguments)
            return ToolResult(call.id, call.name, as_content(returned), "success", call.provider_id)
        except ToolInterrupted as error:
            return _result(call, sendable(str(error)), "interrupted")
        except ToolError as error:
            return failed_result(call, str(error) or type(error).__name__)
        except asyncio.CancelledError:
            if self._closing:
                raise
            _take_back_cancellation()
            return failed_result(call, f"the tool `{call.name}` cancelled itself")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a tool raises, the model is told and the loop goes on
            return failed_result(call, f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])

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


def _together(unasked: Sequence[ApprovalNeeded]) -> ApprovalNeeded:
    """The first of them, with the calls of all."""
    first = unasked[0]
    first.calls = tuple(call for each in unasked for call in each.calls)
    return first


def _check_whole(call: ToolCall, truncated: bool) -> None:
    if truncated and (not call.has_valid_arguments or not call.arguments_json.strip()):
        raise InvalidToolArguments(
            "the call was cut off by the token limit before its arguments were complete"
        )


def _take_back_cancellation() -> None:
    """Let the current task go on after a cancellation that came from its own tool."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
