"""Which run is under way here, and what a run that begins inside it takes over.

A context variable tells it, so an agent asked in a tool, in a step of a pipeline or by a router needs nothing passed to
it: its trace becomes a child of the other's, questions for approval go to whoever answers there, and a budget holds for
both. The variable is set only inside tasks of the library's own or around one `await`, never across a `yield`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agentlab.errors import UsageError
from agentlab.models import Model
from agentlab.models.interface import Governing

if TYPE_CHECKING:
    from agentlab.agent.approving.judging import Around
    from agentlab.agent.records import Decision
    from agentlab.agent.trace import Trace
    from agentlab.messages import ToolCall

__all__ = ["Ask", "RunScope", "current_run", "entered", "inside"]

MOST_DEEP: Final = 16

Ask = Callable[["ToolCall", str], Awaitable["Decision"]]
"""Asks whoever watches the run around for a decision on a call, given the tool's reason."""


@dataclass(frozen=True)
class RunScope:
    """A run under way, as a run inside it sees it.

    Attributes:
        trace: Its record; traces of runs inside it become children.
        model: The model it calls; None for a pipeline or a router, which call none themselves.
        max_turns: Model calls it may make itself; None where it makes none.
        depth: How many runs it is inside of.
        call_id: The tool call that is being run; empty where none is.
        ask: Asks whoever decides on its approvals; None where nobody does.
        loop: The event loop it runs on.
        approving: Its policies and its taint, which hold inside it too; None where it has no judge.
    """

    trace: Trace
    model: Model | None = None
    max_turns: int | None = None
    depth: int = 0
    call_id: str = ""
    ask: Ask | None = None
    loop: asyncio.AbstractEventLoop | None = field(default=None, compare=False)
    approving: Around | None = field(default=None, compare=False)

    def governed(self, model: Model) -> Model:
        """The model under the limits of this run's own: one budget, one stop.

        Raises:
            UsageError: There is a budget, and the run inside is on another event loop than the budget.
        """
        governor: object = self.model
        if not isinstance(governor, Governing):
            return model
        if asyncio.get_running_loop() is not self.loop:
            raise UsageError(
                "a budget holds for this run, and an agent asked with `prompt_sync` inside one of its tools cannot be "
                "counted in it: make the tool async, and `await agent.prompt(...)`"
            )
        return governor.governing(model)


_CURRENT: contextvars.ContextVar[RunScope | None] = contextvars.ContextVar("agentlab_run", default=None)


def current_run() -> RunScope | None:
    """The run whose tool, pipeline step or memory is being run here; None outside of any."""
    return _CURRENT.get()


@contextmanager
def inside(scope: RunScope | None) -> Iterator[None]:
    """Let runs that begin in this block belong to a run."""
    token = _CURRENT.set(scope)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def entered(trace: Trace, model: Model | None = None, max_turns: int | None = None) -> RunScope:
    """The scope of a run that begins now; where it begins inside another, its trace becomes a child of that one's.

    Args:
        trace: The record of the run that begins.
        model: The model it would call; the scope's `model` is the one it must call.
        max_turns: Model calls it may make.

    Raises:
        UsageError: Runs are nested too deep, most likely because agents ask each other without end; or a budget cannot be
            kept, see `RunScope.governed`.
    """
    around = current_run()
    loop = asyncio.get_running_loop()
    if around is None:
        return RunScope(trace, model, max_turns, loop=loop)
    if around.depth + 1 > MOST_DEEP:
        raise UsageError(
            f"runs are nested {MOST_DEEP} deep: do agents ask each other without end? Give one of them an answer of its own"
        )
    governor = model if model is None else around.governed(model)
    trace.call_id = around.call_id
    trace.began_s = max(0.0, trace.started_at - around.trace.started_at)
    around.trace.children.append(trace)
    return RunScope(
        trace,
        governor if model is not None else around.model,
        max_turns if max_turns is not None else around.max_turns,
        around.depth + 1,
        ask=around.ask,
        loop=around.loop if model is None else loop,
        approving=around.approving,
    )
