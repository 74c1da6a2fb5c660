"""Token counts of the Chat Completions wire, vendor by vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlab.http import Frame
from agentlab.models.openai_chat.decoder import ChatDecoder
from agentlab.models.openai_chat.dialect import ChatDialect
from agentlab.models.openai_chat.usage import read_usage

PLAIN = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def test_what_is_not_reported_is_none() -> None:
    usage = read_usage(PLAIN)
    assert (usage.input_tokens, usage.output_tokens, usage.reported_total_tokens) == (100, 20, 120)
    assert usage.cache_read_tokens is None
    assert usage.cache_write_tokens is None
    assert usage.reasoning_tokens is None
    assert usage.reported_cost_usd is None
    assert usage.raw == PLAIN


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt_tokens_details": {"cached_tokens": 64}},
        {"prompt_token_details": {"cached_tokens": 64}},
        {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        {"num_cached_tokens": 64},
        {"cached_tokens": 64},
        {"cache_read_input_tokens": 64},
        {"prompt_tokens_details": {"cached_tokens": 64}, "cached_tokens": 1},
        {"prompt_tokens_details": None, "cached_tokens": 64},
    ],
)
def test_cache_reads_are_found_under_every_vendors_name(fields: dict[str, Any]) -> None:
    usage = read_usage({**PLAIN, **fields})
    assert usage.cache_read_tokens == 64
    assert usage.input_tokens == 100


@pytest.mark.parametrize(
    "fields",
    [{"prompt_tokens_details": {"cache_write_tokens": 30}}, {"cache_creation_input_tokens": 30}],
)
def test_cache_writes_are_found(fields: dict[str, Any]) -> None:
    assert read_usage({**PLAIN, **fields}).cache_write_tokens == 30


def test_a_reported_zero_stays_zero() -> None:
    assert read_usage({**PLAIN, "prompt_tokens_details": {"cached_tokens": 0}}).cache_read_tokens == 0


def test_reasoning_is_part_of_the_output() -> None:
    usage = read_usage({**PLAIN, "completion_tokens_details": {"reasoning_tokens": 15}})
    assert (usage.output_tokens, usage.reasoning_tokens) == (20, 15)


def test_reasoning_outside_the_output_is_added_where_the_total_proves_it() -> None:
    fields = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 15},
    }
    assert read_usage(fields).output_tokens == 35


def test_an_unexplained_total_changes_nothing() -> None:
    fields = {**PLAIN, "total_tokens": 999, "completion_tokens_details": {"reasoning_tokens": 15}}
    assert read_usage(fields).output_tokens == 20


@pytest.mark.parametrize(
    ("fields", "beside", "usd"),
    [
        ({"cost": 0.25}, None, 0.25),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005}}, None, 0.006),
        ({"cost_in_usd_ticks": 2_500_000_000}, None, 0.25),
        ({}, {"usd": 0.5, "diem": 0.5}, 0.5),
        ({"cost": None}, None, None),
    ],
)
def test_costs_are_read_in_usd(fields: dict[str, Any], beside: Any, usd: float | None) -> None:
    assert read_usage({**PLAIN, **fields}, beside).reported_cost_usd == usd


def test_odd_values_are_not_counts() -> None:
    usage = read_usage({"prompt_tokens": "many", "completion_tokens": 3.0, "prompt_tokens_details": []})
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (None, 3, None)


def stream(*chunks: dict[str, Any]) -> ChatDecoder:
    reader = ChatDecoder(ChatDialect())
    for each in chunks:
        reader.frame(Frame(json.dumps(each).encode()))
    return reader


def choice(finish: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": {"content": "x"}, "finish_reason": finish}]


@pytest.mark.parametrize(
    "chunks",
    [
        [{"choices": choice("stop")}, {"choices": [], "usage": PLAIN}],
        [{"choices": choice("stop"), "usage": PLAIN}],
        [{"choices": choice("stop")}, {"choices": choice("stop"), "usage": PLAIN}],
        [
            {"choices": choice(), "usage": {**PLAIN, "completion_tokens": 1}},
            {"choices": choice(), "usage": PLAIN},
        ],
        [{"choices": choice("stop"), "x_groq": {"id": "r", "usage": PLAIN}}],
        [{"choices": choice("stop"), "x_groq": {"usage": PLAIN}}, {"choices": [], "usage": PLAIN}],
        [{"choices": choice(), "usage": None}, {"usage": PLAIN}],
    ],
    ids=["last", "finish", "second finish", "every chunk", "x_groq", "twice", "no choices at all"],
)
def test_usage_is_found_wherever_a_vendor_puts_it(chunks: list[dict[str, Any]]) -> None:
    usage = stream(*chunks).assembly.usage
    assert (usage.input_tokens, usage.output_tokens, usage.raw) == (100, 20, PLAIN)


def test_a_cost_beside_the_usage_is_reported() -> None:
    reader = stream({"choices": [], "usage": PLAIN, "cost": {"usd": 0.1, "diem": 0.1}})
    assert reader.assembly.usage.reported_cost_usd == 0.1
