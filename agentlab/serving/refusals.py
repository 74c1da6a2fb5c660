"""What a client is told when its request cannot be answered: OpenAI's error object, and the HTTP status it goes with.

A client must see what it did wrong and what only the server's owner can mend apart: a provider that refuses the server's
key is no 401 of the client's, but a failure behind the server (502). Where sending the same again cannot help, the
header `x-should-retry` says so; OpenAI's SDK reads it.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from agentlab.errors import (
    AgentlabError,
    ApprovalNeeded,
    BudgetSpent,
    ConnectionFailed,
    ContentFiltered,
    ContextTooLong,
    MaxTurnsReached,
    ModelError,
    RateLimited,
    ResponseTimeout,
    RunStopped,
    ServerError,
    UsageError,
)

__all__ = ["ErrorAnswer", "Refused", "error_answer", "invalid"]

_NO_RETRY: Final = {"x-should-retry": "false"}
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


class ErrorAnswer(Struct, frozen=True):
    """An error as it is sent.

    Attributes:
        status: HTTP status.
        message: What was wrong, and what to do.
        code: A word for programs.
        param: The field of the request that is wrong, or None.
        headers: Headers beside the usual ones.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """OpenAI's error object."""
        kind = _TYPES.get(self.status, "server_error")
        return {
            "error": {"message": self.message, "type": kind, "param": self.param, "code": self.code},
        }


class Refused(Exception):
    """A request that is answered with an error; never leaves the server.

    Args:
        answer: What the client is told.
    """

    def __init__(self, answer: ErrorAnswer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def invalid(message: str, param: str | None = None, *, code: str | None = None, status: int = 400) -> Refused:
    """A refusal of what the client sent; `param` names the field."""
    return Refused(ErrorAnswer(status, message, code, param))


def error_answer(error: Exception) -> ErrorAnswer:
    """What a client is told of an error.

    Args:
        error: What was raised; errors that are not this library's are not shown to clients.
    """
    if isinstance(error, Refused):
        return error.answer
    if isinstance(error, ModelError):
        return _of_model(error)
    if isinstance(error, ApprovalNeeded):
        names = ", ".join(f"`{call.name}`" for call in error.calls)
        return ErrorAnswer(
            500,
            f"{names} of the served agent asks for approval and nobody is there to give it; give the agent an `approver`",
            "approval_needed",
            headers=_NO_RETRY,
        )
    if isinstance(error, MaxTurnsReached):
        return ErrorAnswer(500, str(error), "max_turns", headers=_NO_RETRY)
    if isinstance(error, BudgetSpent):
        return ErrorAnswer(429, str(error), "insufficient_quota", headers=_NO_RETRY)
    if isinstance(error, RunStopped):
        return ErrorAnswer(403, str(error), "run_stopped")
    if isinstance(error, UsageError):
        return ErrorAnswer(400, str(error), "unsupported")
    if isinstance(error, AgentlabError):
        return ErrorAnswer(500, str(error), "run_failed", headers=_NO_RETRY)
    return ErrorAnswer(500, "the server failed; its log says why", "internal_error", headers=_NO_RETRY)


def _of_model(error: ModelError) -> ErrorAnswer:
    """A failed model call. What only the server's owner can mend is a failure behind the server."""
    message = str(error)
    if isinstance(error, RateLimited):
        wait = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
        return ErrorAnswer(429, message, "rate_limit_exceeded", headers=wait)
    if isinstance(error, ContextTooLong):
        return ErrorAnswer(400, message, "context_length_exceeded")
    if isinstance(error, ContentFiltered):
        return ErrorAnswer(400, message, "content_filter")
    if isinstance(error, ResponseTimeout):
        return ErrorAnswer(504, message, "upstream_timeout")
    if isinstance(error, ConnectionFailed):
        return ErrorAnswer(502, message, "upstream_unreachable")
    if isinstance(error, ServerError):
        return ErrorAnswer(503 if error.status in {503, 529} else 502, message, "upstream_error")
    if error.status in {400, 413, 422}:
        return ErrorAnswer(400, message, error.code or "upstream_refused")
    known_lost = {} if error.status is None else _NO_RETRY
    return ErrorAnswer(502, message, "upstream_error", headers=known_lost)
