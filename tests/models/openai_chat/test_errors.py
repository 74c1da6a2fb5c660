"""Error bodies of the Chat Completions wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    NotFound,
    RateLimited,
    ServerError,
)
from agentlab.models.openai_chat.errors import error_from_payload
from agentlab.models.openai_chat.wire import OpenAIChat


def error(status: int, body: Any) -> ModelError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return OpenAIChat().error(status, data)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message", "code"),
    [
        (401, {"error": {"message": "bad key", "type": "t", "code": "invalid_api_key"}}, AuthenticationFailed, "bad key", "invalid_api_key"),
        (404, {"error": "no such model"}, NotFound, "no such model", None),
        (400, {"code": 400, "message": "Validation", "type": "Bad Request"}, BadRequest, "Validation", "Bad Request"),
        (400, {"code": "3051", "message": "no", "object": "error", "type": "invalid_args"}, BadRequest, "no", "invalid_args"),
        (422, {"detail": [{"msg": "field required", "loc": ["body"]}]}, BadRequest, "field required", None),
        (422, {"detail": "nope"}, BadRequest, "nope", None),
        (403, {"errors": [{"code": 10000, "message": "denied"}], "success": False}, AuthenticationFailed, "denied", "10000"),
        (400, [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}], BadRequest, "bad", "400"),
        (429, {"error": {"code": 429, "message": "slow"}}, RateLimited, "slow", "429"),
        (502, b"<html>Bad gateway</html>", ServerError, "Bad gateway", None),
        (503, b"", ServerError, "HTTP 503", None),
        (500, [], ServerError, "HTTP 500", None),
    ],
)  # fmt: skip
def test_every_shape_of_body_gives_its_class_message_and_code(
    status: int, body: Any, kind: type[ModelError], message: str, code: str | None
) -> None:
    raised = error(status, body)
    assert type(raised) is kind
    assert message in str(raised)
    assert (raised.status, raised.code) == (status, code)


def test_the_body_is_kept_as_sent() -> None:
    assert error(500, b'{"error": "x"}').body == '{"error": "x"}'


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too much", "code": "context_length_exceeded"}},
        {"error": {"message": "This model's maximum context length is 10 tokens."}},
        {"error": {"code": 400, "message": "exceeds the available context size (512 tokens)"}},
        {"error": {"message": "too long.", "type": "too_many_prompt_tokens", "code": 400}},
    ],
)
def test_a_prompt_that_does_not_fit_is_told_apart(body: dict[str, Any]) -> None:
    assert type(error(400, body)) is ContextTooLong


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "content_filter", "message": "blocked"}},
        {
            "error": {
                "code": None,
                "message": "blocked",
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        {"error": {"code": "content_policy_violation", "message": "blocked"}},
    ],
)
def test_a_blocked_prompt_is_content_filtered(body: dict[str, Any]) -> None:
    assert type(error(400, body)) is ContentFiltered


def test_the_words_of_the_vendor_behind_a_router_are_shown() -> None:
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "try later"}}}
    assert "Provider returned error: try later" in str(error(429, body))


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"error": {"message": "x", "type": "server_error"}}, ServerError),
        ({"error": {"message": "x", "type": "overloaded_error"}}, ServerError),
        ({"error": {"message": "x", "type": "authentication_error"}}, AuthenticationFailed),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}}, RateLimited),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, RateLimited),
        ({"error": {"message": "x", "code": "429"}}, RateLimited),
        ({"error": {"message": "x", "status_code": 400}}, BadRequest),
        ({"error": {"message": "x", "code": 7}}, ServerError),
        ("words", ServerError),
        (None, ServerError),
    ],
)
def test_inside_a_stream_the_status_follows_from_the_payload(payload: Any, kind: type[ModelError]) -> None:
    assert type(error_from_payload(payload)) is kind


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["²", "429", "content_filter"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "errors",
                    "detail",
                    "message",
                    "code",
                    "type",
                    "status",
                    "metadata",
                    "raw",
                    "innererror",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([400, 401, 404, 429, 500, 503, 529]))
def test_any_body_gives_an_error_of_its_status(payload: Any, status: int) -> None:
    raised = error(status, payload)
    assert raised.status == status
    assert isinstance(error_from_payload(payload), ModelError)
