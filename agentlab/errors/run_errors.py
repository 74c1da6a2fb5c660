"""A run of an agent could not finish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agentlab.errors.base import AgentlabError, rebuilt

if TYPE_CHECKING:
    from agentlab.messages import AssistantMessage, Message, ToolCall, Usage

__all__ = [
    "AnswerTruncated",
    "ApprovalNeeded",
    "BudgetSpent",
    "MaxTurnsReached",
    "NoData",
    "OutputInvalid",
    "RetrievalFailed",
    "RunError",
    "RunProtocolViolation",
    "RunStopped",
    "SweepStopped",
]


class RunError(AgentlabError):
    """An agent run could not finish.

    Attributes:
        history: Every message up to the error, valid to send again.
        usage: Tokens of all model calls of the run; None where no run made any.
        cost_usd: What they cost; None where that is not known.
    """

    def __init__(self, message: str, *, history: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.history = tuple(history)
        self.usage: Usage | None = None
        self.cost_usd: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuilt, (type(self), self.args, self.__dict__))


class MaxTurnsReached(RunError):
    """The run made `max_turns` model calls and the model still wants to call tools."""

    def __init__(self, message: str, *, max_turns: int, history: Sequence[Message] = ()) -> None:
        super().__init__(message, history=history)
        self.max_turns = max_turns


class RunStopped(RunError):
    """A hook, a limit or the user stopped the run.

    Attributes:
        reason: Why, in the words of whoever stopped it.
        partial: What of the assistant's message had arrived, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        history: Sequence[Message] = (),
        partial: AssistantMessage | None = None,
    ) -> None:
        super().__init__(message, history=history)
        self.reason = reason
        self.partial = partial


class RetrievalFailed(RunError):
    """An index that a run asks before its first model call failed, or did not answer in time; nothing was sent.

    What it raised is the `__cause__`.

    Attributes:
        index: Name of the index.
    """

    def __init__(self, message: str, *, index: str, history: Sequence[Message] = ()) -> None:
        super().__init__(message, history=history)
        self.index = index


class ApprovalNeeded(RunError):
    """A tool asks before it runs, and nobody is there to answer. The run stands still and can go on.

        run = Run.from_json(error.run_json)
        run.decide(error.calls[0].id, approved=True)
        agent.resume(run)

    Attributes:
        calls: The calls that wait.
        run_json: The run, as `Run.from_json` reads it.
    """

    def __init__(
        self, message: str, *, calls: Sequence[ToolCall], run_json: str = "", history: Sequence[Message] = ()
    ) -> None:
        super().__init__(message, history=history)
        self.calls = tuple(calls)
        self.run_json = run_json


class SweepStopped(RunStopped):
    """No further request is wanted: the sweep that the run belongs to was stopped, or has its result, or no money."""


class BudgetSpent(SweepStopped):
    """The budget has no room for a model call, or for more of its answer; `partial` is what had arrived."""


class AnswerTruncated(RunError):
    """The final turn ended at a limit before it gave any answer; raise `max_tokens`."""


class OutputInvalid(RunError):
    """The structured output is missing or does not fit its type."""


class NoData(OutputInvalid):
    """There is no structured output at all: the model said nothing, or nothing that is JSON."""


class RunProtocolViolation(RunError):
    """A driver answered a run out of turn. The run is unharmed and can go on."""
