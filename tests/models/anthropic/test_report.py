from __future__ import annotations

from typing import Any

import pytest

from agentlab.errors import ContextTooLong, ProtocolError, RateLimited, ServerError
from agentlab.models.anthropic.report import cache_diagnosis_of, error_of, finish_reason_of, usage_of
from agentlab.models.anthropic.wire import AnthropicMessages


def test_the_split_of_cache_writes_grows_with_their_total_only_where_it_is_certain() -> None:
    def split(short: int, long: int, total: int) -> tuple[int | None, int | None]:
        usage = usage_of(
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": total,
                "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            }
        )
        return usage.cache_write_5m_tokens, usage.cache_write_1h_tokens

    assert split(5, 7, 12) == (5, 7)
    assert split(5, 0, 9) == (9, 0)
    assert split(0, 7, 9) == (0, 9)
    assert split(0, 0, 9) == (None, None)
    assert split(5, 7, 20) == (None, None)


def test_usage_that_is_not_reported_is_none_and_iterations_stay_in_raw() -> None:
    assert usage_of({}).input_tokens is None
    assert usage_of({"input_tokens": 3}).cache_read_tokens is None
    rounds = [{"type": "compaction", "input_tokens": 9}]
    assert usage_of({"input_tokens": 3, "iterations": rounds}).raw == {
        "input_tokens": 3,
        "iterations": rounds,
    }
    assert usage_of({"input_tokens": 3, "cost": 0.5}).reported_cost_usd == 0.5


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
        ("a_new_word", "other"),
        (None, None),
    ],
)
def test_stop_reasons_are_normalised(word: str | None, reason: str | None) -> None:
    assert finish_reason_of(word) == reason


def test_http_errors_are_read_from_their_body() -> None:
    wire = AnthropicMessages()
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}'
    assert isinstance(wire.error(400, body), ContextTooLong)
    body = b'{"error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit"}}'
    assert isinstance(wire.error(400, body), ContextTooLong)
    plain = wire.error(502, b"<html>Bad gateway</html>")
    assert isinstance(plain, ServerError)
    assert plain.body == "<html>Bad gateway</html>"
    assert "Bad gateway" in str(plain)
    assert isinstance(error_of({"message": "slow down"}, status=429), RateLimited)


def test_usage_of_another_type_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        usage_of({"input_tokens": "many"})


@pytest.mark.parametrize(
    ("native", "told"),
    [
        (None, None),
        (
            {"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 7}},
            ("miss", "tools_changed", 7),
        ),
        ({"cache_miss_reason": {"type": "brand_new_reason"}}, ("miss", "brand_new_reason", None)),
        ({"cache_miss_reason": {"type": "unavailable"}}, ("unavailable", "unavailable", None)),
        (
            {"cache_miss_reason": {"type": "previous_message_not_found"}},
            ("not_found", "previous_message_not_found", None),
        ),
        ({"cache_miss_reason": None}, ("pending", None, None)),
        ({}, ("pending", None, None)),
    ],
)
def test_the_providers_word_on_a_miss_is_kept(
    native: dict[str, Any] | None, told: tuple[str, str | None, int | None] | None
) -> None:
    found = cache_diagnosis_of(native)
    if found is None:
        assert told is None
    else:
        assert (found.verdict, found.reason, found.missed_tokens) == told
        assert found.raw == native
