"""Bodies of every wire cut into blocks, in render order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import Block, split, split_object
from agentlab.caching.blocks.chain import chain
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

    one, other = split("anthropic", body(0)), split("anthropic", body(2))
    assert [block.digest for block in one] == [block.digest for block in other]
    assert chain(one) == chain(other)
    assert [block.marker for block in one] == ["default", None, None] * 2
    assert [block.marker for block in other] == [None, None, "default"] * 2


def test_a_text_part_and_the_bare_text_are_the_same_block() -> None:
    bare = split("anthropic", b'{"system":"s","messages":[{"role":"user","content":"u"}]}')
    parts = split(
        "anthropic",
        b'{"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"u"}]}]}',
    )
    assert chain(bare) == chain(parts)


def test_the_order_of_keys_in_a_tool_is_part_of_its_block() -> None:
    one = b'{"tools":[{"name":"f","description":"d"}]}'
    other = b'{"tools":[{"description":"d","name":"f"}]}'
    assert chain(split("anthropic", one)) != chain(split("anthropic", other))


def test_each_part_of_a_message_is_a_block_and_the_last_ends_it() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image", "source": {}},
        {"type": "tool_result", "tool_use_id": "t"},
    ]
    blocks = split("anthropic", json.dumps({"messages": [{"role": "user", "content": parts}]}))
    assert [block.path for block in blocks] == [f"messages[0].content[{n}]" for n in range(3)]
    assert [block.ends_message for block in blocks] == [False, False, True]
    assert {block.message for block in blocks} == {0}


def test_markers_of_their_own_belong_to_the_block_before_them() -> None:
    body = {
        "system": [{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": [{"text": "u"}, {"cachePoint": {"type": "default"}}]}],
    }
    blocks = split("bedrock-converse", json.dumps(body))
    assert [(block.label, block.marker) for block in blocks] == [("system", "1h"), ("user", "default")]


def test_a_link_of_the_chain_stands_for_everything_before_it() -> None:
    one = split("ollama", b'{"messages":[{"role":"user","content":"a"},{"role":"user","content":"c"}]}')
    other = split("ollama", b'{"messages":[{"role":"user","content":"b"},{"role":"user","content":"c"}]}')
    assert one[1].digest == other[1].digest
    assert chain(one)[1] != chain(other)[1]


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
def test_any_list_of_messages_is_cut_in_order_and_counts_its_own_tokens(messages: list[Any]) -> None:
    blocks = split("openai_chat", json.dumps({"messages": messages}))
    numbers = [block.message for block in blocks]
    assert sorted(set(numbers)) == list(range(len(messages)))  # type: ignore[type-var]
    assert numbers == sorted(numbers)  # type: ignore[type-var]
    assert [block.tokens for block in blocks] == [len(block.token_ids()) for block in blocks]


@pytest.mark.parametrize("body", ["", "[]", "nope", b"\xff", "1"])
def test_a_body_that_is_no_object_is_refused(body: str | bytes) -> None:
    with pytest.raises(UsageError):
        split("anthropic", body)


def test_an_unknown_wire_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="smoke_signals"):
        split("smoke_signals", "{}")


def test_a_marker_of_the_whole_request_is_that_of_its_last_block():
    body = {"system": "be brief", "messages": [{"role": "user", "content": "hello"}]}
    marks = [
        block.marker for block in split_object("anthropic-messages", {**body, "cache_control": {"ttl": "1h"}})
    ]
    assert marks == [None, "1h"]
    assert [block.marker for block in split_object("anthropic-messages", body)] == [None, None]


def test_bedrock_documents_stand_ahead_of_the_texts_of_their_message():
    said = [
        {"text": "read"},
        {"cachePoint": {"type": "default"}},
        {"document": {"name": "d", "format": "txt"}},
    ]
    blocks = split_object("bedrock-converse", {"messages": [{"role": "user", "content": said}]})
    assert [block.path for block in blocks] == ["messages[0].content[2]", "messages[0].content[0]"]
    assert [block.marker is not None for block in blocks] == [False, True]
