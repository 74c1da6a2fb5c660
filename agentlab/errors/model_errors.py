"""A model call failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentlab.errors.base import AgentlabError, rebuilt

if TYPE_CHECKING:
    from agentlab.messages import AssistantMessage, Message, Usage

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
    "ConnectionFailed",
    "ContentFiltered",
    "ContextTooLong",
    "ModelError",
    "NotFound",
    "ProtocolError",
    "RateLimited",
    "ResponseTimeout",
    "ServerError",
    "StreamInterrupted",
]


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
        return (rebuilt, (type(self), self.args, self.__dict__))


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
