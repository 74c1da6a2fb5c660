"""Cutting bodies one after another gives the blocks that cutting each alone gives, and reads a message once."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching import workloads
from agentlab.caching.blocks import list_blocks
from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.blocks.splitting import split
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions
from tests.caching.encoded import MODELS, encoded

SIZES = workloads.Sizes(system=50, tools=2, tool=10, documents=30, few_shots=1, retrieved=20, result=20)
FIELDS = {
    "anthropic-messages": "messages",
    "bedrock-converse": "messages",
    "openai-chat": "messages",
    "openai-responses": "input",
    "gemini": "contents",
}
MARK: Any = {"cachePoint": {"type": "default"}}
EPHEMERAL = {"type": "ephemeral"}
MESSAGES: list[Any] = [
    {"role": "user", "content": "one"},
    {"role": "user", "content": [{"type": "text", "text": "one"}]},
    {"role": "user", "content": [{"type": "text", "text": "one", "cache_control": EPHEMERAL}]},
    {"role": "assistant", "content": [{"type": "text", "text": "数据"}, {"type": "text", "text": 'a"]}\\'}]},
    {"role": "user", "content": [{"type": "tool_result", "content": {"a": 1, "b": 2}}]},
    {"role": "user", "content": [{"type": "tool_result", "content": {"b": 2, "a": 1}}]},
    {"role": "user", "content": [MARK, {"text": "late"}]},
    {"role": "user", "content": [{"text": "early"}, MARK, MARK]},
    {"role": "user", "content": [MARK]},
    {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}], "content": None},
    {"role": "system", "content": '"messages":[{"role":"user"}],"input":['},
    {"role": "model", "parts": [{"text": "said"}]},
    {"type": "function_call_output", "call_id": "c", "output": "3"},
    "plain",
    1,
    12,
    None,
    MARK,
]
TOOLS: list[Any] = [
    {"name": "f", "description": "F"},
    {"name": "f", "description": "FF"},
    {"name": "g", "input_schema": {"default": {"messages": ["m"], "input": [1], "contents": []}}},
    {"functionDeclarations": [{"name": "h"}, {"name": "i"}]},
]
HEADS: dict[str, list[Any]] = {
    "model": ["m", 'n"messages":['],
    "tools": [[], TOOLS[:1], TOOLS[1:3], TOOLS, TOOLS[::-1]],
    "system": ["It is 9.", "It is 10.", [{"type": "text", "text": "It is 9."}], None],
    "instructions": ["Help.", "Be of help."],
    "toolConfig": [{"tools": [{"toolSpec": {"name": "t"}}, MARK]}, {"tools": [MARK]}],
    "cache_control": [EPHEMERAL, {"type": "ephemeral", "ttl": "1h"}],
    "tool_choice": [{"type": "auto"}, {"type": "any"}],
}
HEAD = st.fixed_dictionaries({}, optional={name: st.sampled_from(each) for name, each in HEADS.items()})
STEP = st.one_of(
    st.tuples(st.just("append"), st.lists(st.sampled_from(MESSAGES), max_size=3)),
    st.tuples(st.just("drop first"), st.just([])),
    st.tuples(st.just("edit"), st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=1)),
    st.tuples(st.just("cut"), st.just([])),
)


def next_messages(before: list[Any], how: str, given: list[Any], place: int) -> list[Any]:
    if how == "append":
        return [*before, *given]
    if how == "drop first":
        return before[1:]
    if how == "edit" and before:
        place %= len(before)
        return [*before[:place], *given, *before[place + 1 :]]
    return before[:-1]


def written(body: dict[str, Any], how: str) -> str:
    if how == "spaced":
        return json.dumps(body)
    return json.dumps(body, ensure_ascii=how == "escaped", separators=(",", ":"))


@pytest.mark.parametrize("wire", FIELDS)
@given(
    steps=st.lists(
        st.tuples(
            STEP, HEAD, HEAD, st.integers(0, 9), st.sampled_from(["plain", "plain", "escaped", "spaced"])
        ),
        min_size=2,
        max_size=7,
    )
)
def test_every_body_is_cut_as_if_it_stood_alone(wire: str, steps: list[Any]) -> None:
    cut = SentBlocks()
    messages: list[Any] = []
    for (how, new), head, tail, place, writing in steps:
        messages = next_messages(messages, how, new, place)
        body = written({**head, FIELDS[wire]: messages, **tail}, writing)
        read = cut.read(wire, body)
        assert read.blocks == split(wire, body)
        assert read.fields == msgspec.json.decode(body)
        assert {**read.settings, FIELDS[wire]: messages} == read.fields


@pytest.mark.parametrize(
    "second",
    [
        '{"messages":[1,2],"messages":[3]}',
        '{"messages":[1],"messages":"a"}',
        '{"messages":[1,2],"x":{"messages":[3]}}',
        '{"x":{"messages":[1,2]},"messages":[1]}',
        '{"x \\"messages":[1,2],"messages":[1]}',
        '{"messages":[12,3]}',
        '{"messages":[]}',
        '{"messages":"a"}',
        '{"messages":null}',
        "{}",
    ],
)
def test_what_only_looks_like_the_conversation_is_not_taken_for_it(second: str) -> None:
    cut = SentBlocks()
    for body in ('{"messages":[1]}', second, '{"messages":[1,2]}', second):
        assert cut.read("openai-chat", body).blocks == split("openai-chat", body)
        assert cut.read("openai-chat", body.encode()).fields == msgspec.json.decode(body)


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[1]",
        '{"messages":[1,]}',
        '{"messages":[1,2}',
        '{"messages":[1',
        '{"messages":[1]',
        b"\xff",
        '"\ud800"',
    ],
)
def test_a_body_that_is_no_json_object_is_refused_and_leaves_the_rest_as_it_was(broken: str | bytes) -> None:
    cut = SentBlocks()
    before = cut.read("openai-chat", '{"messages":[1]}')
    with pytest.raises(UsageError, match="the body is not"):
        cut.read("openai-chat", broken)
    after = cut.read("openai-chat", '{"messages":[1,2]}')
    assert after.blocks == split("openai-chat", '{"messages":[1,2]}')
    assert after.items[0] is before.items[0]


@pytest.mark.parametrize("name", MODELS.values())
def test_a_message_is_read_once_although_the_head_moves_with_every_call(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    real = list_blocks.item_blocks

    def watched(kind: Any, item: Any, *place: Any) -> Any:
        if kind == "message":
            read.append(item)
        return real(kind, item, *place)

    monkeypatch.setattr(list_blocks, "item_blocks", watched)
    calls = encoded(workloads.agent_loop(calls=6, sizes=SIZES, volatile=False), name)
    cut = SentBlocks()
    bodies = [
        cut.read(call.wire, call.body.replace('"model":"', f'"model":"{number} o\'clock ', 1))
        for number, call in enumerate(calls)
    ]
    assert len(read) == len(bodies[-1].items)
    for before, after in pairwise(bodies):
        assert before.settings == after.settings or before.settings["model"] != after.settings["model"]
        assert all(one is other for one, other in zip(before.items, after.items, strict=False))


def test_messages_behind_one_that_changes_with_every_call_stay_the_same_objects() -> None:
    cut = SentBlocks()
    rest = [f'{{"role":"user","content":"{number}"}}' for number in range(6)]
    before = None
    for turn in range(1, 5):
        first = f'{{"role":"user","content":"It is {turn} o\'clock, and not {{0}}."}}'
        body = f'{{"messages":[{",".join([first, *rest[: turn + 2]])}],"n":{turn}}}'
        now = cut.read("openai-chat", body)
        assert now.blocks == split("openai-chat", body)
        if before is not None:
            assert now.items[0] != before.items[0]
            assert all(one is other for one, other in zip(before.items[1:], now.items[1:], strict=False))
        before = now


def test_messages_behind_a_dropped_one_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = SentBlocks()
    texts = [f'{{"role":"user","content":"{number}"}}' for number in range(6)]
    cut.read("openai-chat", f'{{"messages":[{",".join(texts)}]}}')

    def refuse(*_: object) -> None:
        raise AssertionError("a message was cut again")

    monkeypatch.setattr(list_blocks, "item_blocks", refuse)
    body = f'{{"messages":[{",".join(texts[1:])}]}}'
    assert cut.read("openai-chat", body).blocks == split("openai-chat", body)


@pytest.mark.parametrize("name", MODELS.values())
def test_bodies_of_a_conversation_are_cut_as_if_each_stood_alone(name: str) -> None:
    calls = encoded(workloads.chat(prompts=2, calls=3, parallel_calls=2, sizes=SIZES), name)
    sent = SentBlocks()
    for call in calls:
        blocks, settings = sent.of(call.wire, call.body)
        assert blocks == split(call.wire, call.body)
        body = msgspec.json.decode(call.body)
        assert settings == {key: body[key] for key in settings}
        assert len(body) == len(settings) + 1


def test_markers_that_move_are_seen_where_they_are() -> None:
    cache = CacheOptions(breakpoints=("tools", "preamble", "context", "last"), ttl="1h", last_ttl="5m")
    calls = encoded(workloads.agent_loop(calls=4, sizes=SIZES), MODELS["anthropic-messages"], cache)
    sent = SentBlocks()
    for call in calls:
        blocks, _ = sent.of(call.wire, call.body)
        marked = [block.marker for block in blocks if block.marker]
        assert marked[:3] == ["1h"] * 3
        assert marked[3:] in (["5m"], ["default"])
        assert blocks == split(call.wire, call.body)


def test_the_automatic_marker_stands_at_the_end_of_the_conversation() -> None:
    body = '{"cache_control":{"type":"ephemeral"},"system":"s","messages":[{"role":"user","content":"a"}]}'
    blocks, _ = SentBlocks().of("anthropic-messages", body)
    assert [block.marker for block in blocks] == [None, "default"]


def test_a_body_without_a_list_is_cut_whole() -> None:
    blocks, settings = SentBlocks().of("openai-responses", '{"model":"m","input":"hello"}')
    assert blocks == split("openai-responses", '{"input":"hello"}')
    assert settings == {"model": "m", "input": "hello"}
    with pytest.raises(UsageError, match="not JSON"):
        SentBlocks().of("openai-chat", "{")
    with pytest.raises(UsageError, match="no render order is known"):
        SentBlocks().of("mine", "{}")
