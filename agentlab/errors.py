"""Every error agentlab raises, in one tree.

    AgentlabError
    ├── UsageError                 you called it wrong; nothing was sent
    │   ├── InvalidHistory         a message list no provider would accept
    │   ├── UnsupportedCapability  the model or vendor cannot do what was asked
    │   ├── MissingKey             no API key where one is needed
    │   └── MissingExtra           an optional package is not installed
    ├── ModelError                 a model call failed; carries status, body, ids, partial message
    │   ├── AuthenticationFailed   401, 403: the key was refused
    │   ├── BadRequest             400, 404, 409, 413, 422: the provider did not accept the request
    │   │   ├── NotFound           404: no such model or endpoint
    │   │   └── ContextTooLong     the prompt does not fit the model's window
    │   ├── RateLimited            429: too many requests or tokens; `retry_after` says how long
    │   ├── ServerError            5xx, 529: the provider failed or is overloaded
    │   ├── ContentFiltered        the provider blocked the prompt or the answer
    │   ├── ConnectionFailed       no connection, or it broke before the first event
    │   ├── ResponseTimeout        connect, gap between events or wall clock exceeded
    │   ├── StreamInterrupted      the stream ended without its terminal event
    │   └── ProtocolError          the provider sent something its wire does not allow
    ├── ToolError                  a tool call failed; the model is told, the loop goes on
    │   ├── InvalidToolArguments   the arguments are not JSON or do not fit the schema
    │   ├── UnknownTool            no tool has that name
    │   ├── ToolTimeout            the tool took longer than its timeout
    │   └── ToolInterrupted        the tool was ended early; its text is what it had by then
    ├── RunError                   an agent run could not finish; carries the whole history
    │   ├── MaxTurnsReached        the budget of model calls is spent
    │   ├── RetrievalFailed        an index could not be asked; nothing was sent to the model
    │   ├── ApprovalNeeded         a tool asks before it runs and nobody is there to answer; the run can go on
    │   ├── RunStopped             a hook or the user stopped the run; carries the reason
    │   │   └── SweepStopped       no further request is wanted: the sweep it belongs to has ended
    │   │       └── BudgetSpent    the money set for the sweep is spent
    │   ├── AnswerTruncated        the final turn was cut before it gave an answer
    │   ├── OutputInvalid          the structured output does not fit its type
    │   │   └── NoData             there is none: the model said nothing, or nothing that is JSON
    │   └── RunProtocolViolation   a driver answered a run out of turn; the run is unharmed
    ├── ToolServerFailed           an MCP server did not start, hangs, broke its protocol or went away
    ├── LoadFailed                 a file could not be made into documents; says which and why
    ├── WorkersLost                the workers of a sweep went away; finished rows are stored
    └── StoreError                 a store of runs did not do what was asked; what it holds is unharmed
        ├── StoreUnusable          it cannot be opened: no store, damaged, read-only, of a newer version
        ├── StoreWriteFailed       a row could not be written: a full disk, a lock, a store that went away
        └── CellsNotStored         strict replay wants runs that are not stored; says what changed

`asyncio.CancelledError` and `KeyboardInterrupt` are never replaced: they pass through, and the run they ended keeps
a valid history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agentlab.rich_display import traceback_of

if TYPE_CHECKING:
    from agentlab.messages import AssistantMessage, Message, ToolCall, Usage

__all__ = [
    "AgentlabError",
    "AnswerTruncated",
    "AuthenticationFailed",
    "BadRequest",
    "BudgetSpent",
    "CellsNotStored",
    "ConnectionFailed",
    "ContentFiltered",
    "ContextTooLong",
    "InvalidHistory",
    "InvalidToolArguments",
    "LoadFailed",
    "MaxTurnsReached",
    "MissingExtra",
    "MissingKey",
    "ModelError",
    "NoData",
    "NotFound",
    "OutputInvalid",
    "ProtocolError",
    "RateLimited",
    "ResponseTimeout",
    "RetrievalFailed",
    "RunError",
    "RunProtocolViolation",
    "RunStopped",
    "ServerError",
    "StoreError",
    "StoreUnusable",
    "StoreWriteFailed",
    "StreamInterrupted",
    "SweepStopped",
    "ToolError",
    "ToolInterrupted",
    "ToolServerFailed",
    "ToolTimeout",
    "UnknownTool",
    "UnsupportedCapability",
    "UsageError",
    "WorkersLost",
]


class AgentlabError(Exception):
    """Base of all errors of this library; catch it to catch them all."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints for it: what was wrong, at which line of the user's, and what to do."""
        return traceback_of(self)


class UsageError(AgentlabError):
    """The library was called in a way it cannot serve; nothing was sent."""


class InvalidHistory(UsageError):
    """A list of messages breaks a rule that every provider enforces.

    `agentlab.repair(messages)` mends what can be mended.
    """


class UnsupportedCapability(UsageError):
    """The vendor or model is known not to do what the request needs; refused before any I/O."""


class MissingKey(UsageError):
    """No API key was given, and none was found in the environment or the keyring."""


class MissingExtra(UsageError):
    """An optional integration is not installed; the message names the extra to install."""


class ModelError(AgentlabError):
    """A model call failed.

    Attributes:
        status: HTTP status, or None where no response stood behind the error.
        body: Response body with every known secret redacted, or None.
        code: The provider's own error code or type, or the kind of failure where no response came; None where unknown.
        request_id: The provider's request id from the response headers, or None.
        retry_after: Seconds the provider asked to wait, or None.
        partial: What of the assistant's message had arrived, or None.
        attempts: How many requests were made.
        history: Every message up to the error where an agent run made the call, else empty.
        usage: Tokens of the run's finished model calls; None where no run made the call.
        cost_usd: What they cost; None where that is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        body: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        partial: AssistantMessage | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.partial = partial
        self.attempts = attempts
        self.history: tuple[Message, ...] = ()
        self.usage: Usage | None = None
        self.cost_usd: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


class AuthenticationFailed(ModelError):
    """The provider refused the key (401 or 403)."""


class BadRequest(ModelError):
    """The provider did not accept the request; sending it again will not help."""


class NotFound(BadRequest):
    """The provider knows no such model or endpoint (404)."""


class ContextTooLong(BadRequest):
    """The prompt does not fit the model's context window."""


class RateLimited(ModelError):
    """Too many requests or tokens (429); wait `retry_after` seconds where it is given."""


class ServerError(ModelError):
    """The provider failed or is overloaded (5xx, 529)."""


class ContentFiltered(ModelError):
    """The provider blocked the prompt or the answer."""


class ConnectionFailed(ModelError):
    """No connection could be made, or it broke before the first event."""


class ResponseTimeout(ModelError):
    """A timeout passed: connecting, waiting for the next event, or the wall clock of the call."""


class StreamInterrupted(ModelError):
    """The stream ended without its terminal event; `partial` is what had arrived, and no tool of it runs."""


class ProtocolError(ModelError):
    """The provider sent something its wire format does not allow."""


class ToolError(AgentlabError):
    """A tool call failed. Raise it in a tool to give the model exactly this text."""


class InvalidToolArguments(ToolError):
    """The arguments are not a JSON object or do not fit the tool's schema."""


class UnknownTool(ToolError):
    """The model called a tool that was not offered to it."""


class ToolTimeout(ToolError):
    """The tool took longer than its timeout."""


class ToolInterrupted(ToolError):
    """The tool was ended before it was done, by a stop or its timeout; the text is what it had by then.

    A tool that is cancelled may raise it in place of the cancellation, which keeps the text in the history.
    """


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
        return (_rebuild, (type(self), self.args, self.__dict__))


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


class ToolServerFailed(AgentlabError):
    """An MCP server could not be reached, did not answer in time, broke its protocol, or went away.

    A tool call that meets such a server is a `ToolError`: the model is told and the run goes on.

    Attributes:
        server: The name it was given.
        stderr: The end of what the server's process wrote to its standard error, secrets masked; empty over HTTP.
    """

    def __init__(self, message: str, *, server: str = "", stderr: str = "") -> None:
        super().__init__(message)
        self.server = server
        self.stderr = stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


class LoadFailed(AgentlabError):
    """A file could not be made into documents: it is missing, damaged, too large, or has no text.

    Attributes:
        path: The file, as it was named.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


class WorkersLost(AgentlabError):
    """The executor of a sweep takes no more work: it was shut down, its workers died, its cluster is gone.

    Rows that were finished are stored; running the plan again runs the rest.
    """


class StoreError(AgentlabError):
    """A store of runs did not do what was asked. What it held before is unharmed."""


class StoreUnusable(StoreError):
    """A store cannot be opened, or not the way it was asked to be; nothing was sent, nothing was changed."""


class StoreWriteFailed(StoreError):
    """A row could not be stored, and none of it was; every row stored before is safe."""


class CellsNotStored(StoreError):
    """Strict replay answers from the store alone, and these cells are not in it.

    Attributes:
        missing: Their keys, in the order they were asked for.
        changed: The parts of a cell that differ from the nearest stored cell, the most frequent first.
    """

    def __init__(self, message: str, *, missing: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.changed = tuple(changed)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[AgentlabError], args: tuple[Any, ...], state: dict[str, Any]) -> AgentlabError:
    """Rebuild an error from its pickle without calling its `__init__`, whose parameters differ."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
