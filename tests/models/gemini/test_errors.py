"""Gemini's error objects, in bodies and in streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    ModelError,
    NotFound,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame
from agentlab.models.gemini.wire import GeminiGenerate
from tests.models.gemini.frames import (
    chunk,
    decode,
    new_decoder,
    text,
)


def error_body(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "status", "message", "kind"),
        [
            (400, "INVALID_ARGUMENT", "Please use a valid role.", BadRequest),
            (
                400,
                "INVALID_ARGUMENT",
                "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
                ContextTooLong,
            ),
            (403, "PERMISSION_DENIED", "Denied.", AuthenticationFailed),
            (404, "NOT_FOUND", "models/x is not found.", NotFound),
            (429, "RESOURCE_EXHAUSTED", "Quota exceeded.", RateLimited),
            (503, "UNAVAILABLE", "Overloaded.", ServerError),
        ],
    )
    def test_error_bodies_by_status(self, code, status, message, kind):
        payload = error_body(code, status, message)
        for body in (payload, [payload]):
            error = GeminiGenerate().error(code, json.dumps(body).encode())
            assert type(error) is kind
            assert (error.status, error.code) == (code, status)
            assert message in str(error)

    def test_a_refused_key_is_an_authentication_error_although_its_status_is_400(self):
        body = error_body(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"})
        error = GeminiGenerate().error(400, json.dumps(body).encode())
        assert type(error) is AuthenticationFailed
        assert (error.status, error.code) == (400, "API_KEY_INVALID")

    def test_the_time_to_wait_is_read(self):
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
        error = GeminiGenerate().error(
            429, json.dumps(error_body(429, "RESOURCE_EXHAUSTED", "Quota.", retry)).encode()
        )
        assert error.retry_after == 34.07

    def test_a_body_that_is_no_json_is_quoted(self):
        error = GeminiGenerate().error(502, b"<html>Bad gateway</html>")
        assert type(error) is ServerError
        assert "Bad gateway" in str(error)

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b'{"error": "down"}', b'{"error": null}'])
    def test_an_error_body_of_any_shape_becomes_an_error(self, body):
        assert type(GeminiGenerate().error(500, body)) is ServerError

    def test_an_error_in_the_stream_has_the_class_of_its_own_status(self):
        decoder = new_decoder()
        decoder.frame(Frame(json.dumps(chunk(text("Hel"))).encode()))
        with pytest.raises(RateLimited) as caught:
            decoder.frame(Frame(json.dumps(error_body(429, "RESOURCE_EXHAUSTED", "Quota.")).encode()))
        assert caught.value.status == 429
        assert not decoder.assembly.complete

    def test_an_error_in_the_stream_without_a_status_is_the_servers(self):
        with pytest.raises(ModelError) as caught:
            decode({"error": {"message": "internal"}})
        assert type(caught.value) is ServerError
