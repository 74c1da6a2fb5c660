"""The vendors' own diagnoses of a miss, read by their own SDKs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from agentlab.simulator import Simulator

LONG = "hello " * 6_000
TOOL: dict[str, Any] = {
    "name": "add",
    "description": "adds",
    "input_schema": {"type": "object", "properties": {}},
}
FIRST: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "tools": [TOOL],
    "system": LONG,
    "messages": [{"role": "user", "content": "one"}],
}
MORE: list[Any] = [{"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]


@pytest.fixture
def anthropic(sim: Simulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=sim.base_url("anthropic"), api_key=sim.token, max_retries=0) as client:
        yield client


@pytest.fixture
def openai(sim: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=sim.base_url("openai"), api_key=sim.token, max_retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"messages": [*FIRST["messages"], *MORE]}, None),
        ({"messages": [{"role": "user", "content": "other"}, *MORE]}, "messages_changed"),
        ({"system": LONG + "!"}, "system_changed"),
        ({"tools": [{**TOOL, "description": "sums"}]}, "tools_changed"),
        ({"model": "claude-opus-5"}, "model_changed"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_names_the_first_level_that_changed(
    anthropic: Anthropic, change: dict[str, Any], word: str | None, streamed: bool
) -> None:
    before = anthropic.beta.messages.create(**FIRST, diagnostics={"previous_message_id": None})
    assert before.diagnostics is None
    later = {**FIRST, **change, "diagnostics": {"previous_message_id": before.id}}
    if streamed:
        with anthropic.beta.messages.stream(**later) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = anthropic.beta.messages.create(**later)
    if word is None:
        assert answer.diagnostics is None
        return
    reason = answer.diagnostics.cache_miss_reason
    assert reason.type == word
    assert 0 < reason.cache_missed_input_tokens <= before.usage.input_tokens


def test_anthropic_does_not_know_a_message_it_never_sent(anthropic: Anthropic) -> None:
    answer = anthropic.beta.messages.create(**FIRST, diagnostics={"previous_message_id": "msg_unknown"})
    assert answer.diagnostics is not None
    assert answer.diagnostics.cache_miss_reason is not None
    assert answer.diagnostics.cache_miss_reason.type == "previous_message_not_found"


def test_nothing_is_diagnosed_unasked(anthropic: Anthropic, openai: OpenAI, sim: Simulator) -> None:
    assert anthropic.beta.messages.create(**FIRST).diagnostics is None
    answer = openai.responses.create(model="gpt-5.6", input="hi")
    assert answer.prompt_cache_diagnostics is None
    assert answer.prompt_cache_options is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instructions": "other " + LONG}, "input_changed"),
        ({"prompt_cache_key": "b"}, "prompt_cache_key_changed"),
        ({"reasoning": {"effort": "low"}}, "reasoning_effort_changed"),
        ({"text": {"verbosity": "low"}}, "verbosity_changed"),
        ({"model": "gpt-6"}, "model_changed"),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "name": "f",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": False,
                    }
                ]
            },
            "tools_changed",
        ),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_openai_names_what_changed(
    openai: OpenAI, change: dict[str, Any], reason: str, streamed: bool
) -> None:
    first: dict[str, Any] = {"model": "gpt-5.6", "instructions": LONG, "input": "one"}
    before = openai.responses.create(**first)
    assert before.usage is not None
    later = {**first, **change, "prompt_cache_options": {"comparison_response_id": before.id}}
    if streamed:
        *_, last = openai.responses.create(**later, stream=True)
        answer = last.response
    else:
        answer = openai.responses.create(**later)
    told = answer.prompt_cache_diagnostics
    assert (told.type, told.reason) == ("cache_miss", reason)
    assert 0 < told.cache_missed_tokens <= before.usage.input_tokens
    assert told.comparison_reusable_tokens == before.usage.input_tokens_details.cache_write_tokens > 0
    assert answer.prompt_cache_options.comparison_response_id == before.id


def test_openai_tells_a_hit_an_entry_that_is_over_and_an_answer_it_never_gave(
    openai: OpenAI, sim: Simulator
) -> None:
    def told(comparison: str) -> Any:
        options: Any = {"comparison_response_id": comparison}
        return openai.responses.create(
            model="gpt-5.6", input=LONG, prompt_cache_options=options
        ).prompt_cache_diagnostics

    before = openai.responses.create(model="gpt-5.6", input=LONG)
    assert told(before.id).type == "cache_hit"
    sim.advance("2h")
    assert told(before.id).type == "unavailable"
    assert told("resp_unknown").type == "comparison_response_not_found"
