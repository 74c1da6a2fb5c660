from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.calibration.recorded_usage import recorded_at, recorded_cost, recorded_usage


def _expected(native):
    counts = {"input_total": 100, "cache_read": 60, "cache_write": 30, "output_total": 5}
    return {"usage": counts, "usage_native": native}


@pytest.mark.parametrize(
    "native",
    [
        {"cache_creation": {"ephemeral_5m_input_tokens": 19, "ephemeral_1h_input_tokens": 11}},
        {"cacheDetails": [{"ttl": "1h", "inputTokens": 11}, {"ttl": "5m", "inputTokens": 19}]},
    ],
    ids=["anthropic", "bedrock"],
)
def test_writes_are_split_by_lifetime(native):
    usage = recorded_usage(_expected(native))
    assert usage is not None
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (19, 11)
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (100, 60, 30)


def test_writes_that_are_not_split_stay_unknown():
    usage = recorded_usage(_expected({"prompt_tokens": 100}))
    assert usage is not None
    assert usage.cache_write_5m_tokens is None


@pytest.mark.parametrize("expected", [{}, {"usage": None}, {"usage": {"output_total": 3}}])
def test_a_response_without_a_prompt_count_has_no_usage(expected):
    assert recorded_usage(expected) is None


@pytest.mark.parametrize(
    ("native", "cost"),
    [
        ({"cost": 0.5}, 0.5),
        ({"cost": {"total_cost": 0.25, "request_cost": 0.2}}, 0.25),
        ({"cost_in_usd_ticks": 6_881_000}, 0.0006881),
        ({"cost_in_usd_ticks": 0}, None),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 0.2),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": None}}, 0.01),
        ({}, None),
    ],
)
def test_the_stated_cost_is_read_in_dollars(native, cost):
    assert recorded_cost(native) == (None if cost is None else pytest.approx(cost, abs=1e-15))


@pytest.mark.parametrize(
    ("body", "headers", "at"),
    [
        ({"created": 1744989825}, {}, 1744989825.0),
        ({"created_at": "1970-01-02T00:00:00Z"}, {}, 86400.0),
        ({"created": 0}, {}, None),
        ({}, {"anthropic-ratelimit-tokens-reset": "1970-01-02T00:00:00Z"}, 86400.0),
        ({"created": 0}, {"anthropic-ratelimit-tokens-reset": "1970-01-02T00:00:00Z"}, 86400.0),
        ({}, {"anthropic-ratelimit-tokens-reset": "soon"}, None),
        ({}, {}, None),
    ],
)
def test_a_response_is_dated_by_its_body_or_its_headers(body, headers, at):
    assert recorded_at({"response_body": json.dumps(body), "response_headers": headers}) == at


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_no_body_or_header_breaks_the_reader(body, headers):
    found = recorded_at({"response_body": body, "response_headers": headers})
    assert found is None or math.isfinite(found)


def test_a_date_beyond_all_time_is_no_date():
    assert recorded_at({"response_body": '{"created": 9e999}'}) is None
