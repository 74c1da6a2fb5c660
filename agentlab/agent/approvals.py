"""Whether a tool that asks may run: decided before, by a function, or by whoever watches the run.

Nothing that asks runs without a decision on record. Where nobody can be asked the run stands still: it is raised as
`ApprovalNeeded`, and goes on when its calls are decided, in this process or another.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

from agentlab.agent.current_run import Ask
from agentlab.agent.records import Decision
from agentlab.agent.run import Run
from agentlab.agent.settings import Approver
from agentlab.errors import ApprovalNeeded, UsageError
from agentlab.messages import ApprovalAsked, ApprovalGiven, Judged, ToolCall
from agentlab.tools import Tool

__all__ = ["Approvals", "Told", "reason_to_ask"]

Told = ApprovalAsked | ApprovalGiven | Judged
"""What is told while it is found out whether a call may run."""

_Waiting = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Decision]"]


class Approvals:
    """The decisions of one run.

    Args:
        run: Where decisions are kept.
        approver: Decides in place of a person; None where a person is to.

    Attributes:
        attended: Whether somebody reads the run's events and answers with `decide`.
        above: Asks those of the run this one is inside of; None where it is inside of none.
    """

    def __init__(self, run: Run, approver: Approver | None) -> None:
        self._run = run
        self._approver = approver
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self.attended = False
        self.above: Ask | None = None

    async def decision(self, call: ToolCall, reason: str, tell: Callable[[Told], None]) -> Decision:
        """The decision on a call; asks for it where there is none.

        Args:
            call: The call.
            reason: Why its tool asks.
            tell: Given the question and the answer as events.

        Raises:
            ApprovalNeeded: Nobody can be asked.
            UsageError: The approver gave an answer it may not give.
        """
        known = self._run.decisions.get(call.id)
        if known is not None:
            return known
        if self._approver is None and not self.attended and self.above is None:
            raise _nobody(call)
        tell(ApprovalAsked(call.id, call.name, reason))
        if self._approver is not None:
            decided = await self._judged(call, reason)
        elif self.above is not None and not self.attended:
            decided = await self.above(call, reason)
        else:
            decided = await self._asked(call.id)
        self._run.decisions[call.id] = decided
        tell(ApprovalGiven(call.id, decided.approved, decided.note))
        return decided

    def asked_within(self, outer: ToolCall, tell: Callable[[Told], None]) -> Ask:
        """How a run inside a call asks here: the approver is shown the inner call, whoever watches the outer one.

        Args:
            outer: The call of this run that the other run is inside of; what is asked is asked in its name, and `decide`
                takes its id.
            tell: Given the questions and the answers as events, from any thread.
        """
        one_at_a_time = asyncio.Lock()

        async def ask(call: ToolCall, reason: str) -> Decision:
            if self._approver is not None:
                return await self._judged(call, reason)
            if not self.attended:
                if self.above is None:
                    raise _nobody(call)
                return await self.above(call, reason)
            async with one_at_a_time:
                why = f"`{call.name}`({call.arguments_json})" + (f": {reason}" if reason else "")
                tell(ApprovalAsked(outer.id, outer.name, f"it wants to call {why}"))
                decided = await self._asked(outer.id)
                tell(ApprovalGiven(outer.id, decided.approved, decided.note))
                return decided

        return ask

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Answer a question; callable from any thread.

        Returns:
            Whether the call was being asked about; a second answer changes nothing.
        """
        with self._lock:
            waiting = self._waiting.pop(call_id, None)
        if waiting is None:
            return False
        loop, future = waiting
        loop.call_soon_threadsafe(_settle, future, Decision(approved, note))
        return True

    async def _asked(self, call_id: str) -> Decision:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()
        with self._lock:
            self._waiting[call_id] = (loop, future)
        try:
            return await future
        finally:
            with self._lock:
                self._waiting.pop(call_id, None)

    async def _judged(self, call: ToolCall, reason: str) -> Decision:
        assert self._approver is not None
        answer = self._approver(call, reason)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, bool):
            return Decision(answer, by="approver")
        if isinstance(answer, str):
            return Decision(approved=False, note=answer, by="approver")
        raise UsageError(
            f"an approver gives True, False, or a text that says why not; for `{call.name}` it gave {answer!r}"
        )


def _nobody(call: ToolCall) -> ApprovalNeeded:
    return ApprovalNeeded(
        f"the tool `{call.name}` asks for approval and nobody is there to give it: pass `approver=` to the agent, "
        "show the run in a notebook, or decide with `run.decide(...)` and `agent.resume(run)`",
        calls=(call,),
    )


def reason_to_ask(tool: Tool | None, arguments: Mapping[str, Any]) -> str | None:
    """Why a tool asks before it runs on these arguments; None where it does not.

    Args:
        tool: The tool; its `approval`, where it has one, is True, a reason, or a function of the arguments that gives
            either, or False.
        arguments: The call's arguments.
    """
    asks = getattr(tool, "approval", False)
    if callable(asks):
        asks = asks(arguments)
    if isinstance(asks, str):
        return asks
    return "" if asks else None


def _settle(future: asyncio.Future[Decision], decision: Decision) -> None:
    if not future.done():
        future.set_result(decision)
