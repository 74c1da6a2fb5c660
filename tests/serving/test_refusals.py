"""Which status and code an error has for a client."""

from __future__ import annotations

import pytest

from agentlab.errors import (
    AgentlabError,
    ApprovalNeeded,
    AuthenticationFailed,
    BadRequest,
    BudgetSpent,
    ConnectionFailed,
    ContentFiltered,
    ContextTooLong,
    MaxTurnsReached,
    NotFound,
    ProtocolError,
    RateLimited,
    ResponseTimeout,
    RunStopped,
    ServerError,
    StreamInterrupted,
    UnsupportedCapability,
)
from agentlab.messages import ToolCall
from agentlab.serving.refusals import error_answer, invalid


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (invalid("no", "model", code="model_not_found", status=404), 404, "model_not_found"),
        (UnsupportedCapability("no"), 400, "unsupported"),
        (AuthenticationFailed("no", status=401), 502, "upstream_error"),
        (NotFound("no", status=404), 502, "upstream_error"),
        (BadRequest("no", status=400, code="invalid_image"), 400, "invalid_image"),
        (BadRequest("no", status=409), 502, "upstream_error"),
        (ContextTooLong("no", status=400), 400, "context_length_exceeded"),
        (ContentFiltered("no", status=400), 400, "content_filter"),
        (RateLimited("no", status=429), 429, "rate_limit_exceeded"),
        (ServerError("no", status=500), 502, "upstream_error"),
        (ServerError("no", status=529), 503, "upstream_error"),
        (ConnectionFailed("no"), 502, "upstream_unreachable"),
        (ResponseTimeout("no"), 504, "upstream_timeout"),
        (StreamInterrupted("no"), 502, "upstream_error"),
        (ProtocolError("no"), 502, "upstream_error"),
        (MaxTurnsReached("no", max_turns=1), 500, "max_turns"),
        (RunStopped("no", reason="no"), 403, "run_stopped"),
        (BudgetSpent("no", reason="no"), 429, "insufficient_quota"),
        (ApprovalNeeded("no", calls=[ToolCall("c", "risky")]), 500, "approval_needed"),
        (AgentlabError("no"), 500, "run_failed"),
        (RuntimeError("a secret of the server"), 500, "internal_error"),
    ],
)
def test_every_error_has_a_status_and_a_code(error: Exception, status: int, code: str) -> None:
    answer = error_answer(error)
    assert (answer.status, answer.code) == (status, code)
    assert answer.body["error"]["message"]
    assert "secret" not in answer.message


def test_a_wait_the_provider_asks_for_is_passed_on() -> None:
    assert error_answer(RateLimited("no", retry_after=2.5)).headers == {"retry-after": "2.5"}


@pytest.mark.parametrize(
    "error", [MaxTurnsReached("no", max_turns=1), BudgetSpent("no", reason="no"), RuntimeError("no")]
)
def test_what_would_fail_again_is_not_to_be_retried(error: Exception) -> None:
    assert error_answer(error).headers["x-should-retry"] == "false"
