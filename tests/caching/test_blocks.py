"""Bodies of every wire cut into blocks, in render order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import Block, split
from agentlab.errors import UsageError


def outline(blocks: tuple[Block, ...]) -> list[tuple[str, str]]:
    return [(block.kind, block.label) for block in blocks]


def test_chat_renders_tools_before_messages_and_settings_before_both() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}],
        "reasoning_effort": "low",
        "temperature": 0,
    }
    assert outline(split("openai_chat", json.dumps(body))) == [
        ("setting", "reasoning_effort"),
        ("tool", "add"),
        ("system", "system"),
        ("message", "user"),
    ]


def test_responses_renders_tools_instructions_input() -> None:
    body = {
        "input": [
            {"role": "user", "content": "u"},
            {"type": "function_call", "name": "f", "arguments": "{}"},
        ],
        "instructions": "i",
        "tools": [{"type": "function", "name": "f"}],
    }
    assert outline(split("openai_responses", json.dumps(body))) == [
        ("tool", "f"),
        ("system", "system"),
        ("message", "user"),
        ("message", "function_call"),
    ]


def test_responses_takes_a_plain_string_as_the_user() -> None:
    assert outline(split("openai-responses", b'{"input":"hello"}')) == [("message", "user")]


def test_anthropic_renders_tools_system_messages() -> None:
    body = {
        "messages": [{"role": "user", "content": "u"}],
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "tools": [{"name": "f", "input_schema": {}}],
        "tool_choice": {"type": "auto"},
    }
    assert outline(split("anthropic", json.dumps(body))) == [
        ("tool", "f"),
        ("system", "system"),
        ("system", "system"),
        ("setting", "tool_choice"),
        ("message", "user"),
    ]


def test_gemini_renders_each_declaration_as_a_tool() -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "u"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
    }
    assert outline(split("gemini", json.dumps(body))) == [
        ("tool", "f"),
        ("tool", "g"),
        ("system", "system"),
        ("message", "user"),
    ]


def test_ollama_renders_tools_before_messages() -> None:
    body = {"messages": [{"role": "user", "content": "u"}], "tools": [{"function": {"name": "f"}}]}
    assert outline(split("ollama", json.dumps(body))) == [("tool", "f"), ("message", "user")]


def test_a_moved_cache_marker_changes_no_block() -> None:
    def body(marked: int) -> str:
        texts: list[dict[str, Any]] = [{"type": "text", "text": str(n)} for n in range(3)]
        texts[marked]["cache_control"] = {"type": "ephemeral"}
        return json.dumps({"system": texts, "messages": [{"role": "user", "content": texts}]})

    assert split("anthropic", body(0)) == split("anthropic", body(2))


def test_the_order_of_keys_is_part_of_a_block() -> None:
    one = b'{"messages":[{"role":"user","content":"u"}]}'
    other = b'{"messages":[{"content":"u","role":"user"}]}'
    assert split("ollama", one) != split("ollama", other)


def test_inline_media_costs_a_flat_number_of_tokens() -> None:
    def tokens(size: int) -> int:
        url = "data:image/png;base64," + "QUJD" * size
        content = [{"type": "image_url", "image_url": {"url": url}}]
        return split("openai_chat", json.dumps({"messages": [{"role": "user", "content": content}]}))[
            0
        ].tokens

    assert tokens(1_000) == tokens(100_000) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["role", "content", "data", "url"]), json_values), max_size=5)
)
def test_any_list_of_messages_gives_one_block_each_and_counts_its_own_tokens(messages: list[Any]) -> None:
    blocks = split("openai_chat", json.dumps({"messages": messages}))
    assert len(blocks) == len(messages)
    assert [block.tokens for block in blocks] == [len(block.token_ids()) for block in blocks]


@pytest.mark.parametrize("body", ["", "[]", "nope", b"\xff", "1"])
def test_a_body_that_is_no_object_is_refused(body: str | bytes) -> None:
    with pytest.raises(UsageError):
        split("anthropic", body)


def test_an_unknown_wire_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="smoke_signals"):
        split("smoke_signals", "{}")
