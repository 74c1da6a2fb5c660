"""Cutting a conversation call by call gives the blocks that cutting each call anew gives, and reads a message once."""

from __future__ import annotations

from itertools import pairwise

from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.blocks.cutting import NeutralBlocks
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.messages import Json, Message, Request, ToolDefinition, ToolResult, UserMessage

SIZES = workloads.Sizes(system=50, tools=2, tool=10, documents=30, few_shots=1, retrieved=20, result=20)


def test_requests_are_cut_as_if_each_stood_alone() -> None:
    requests = [
        arrange(call.request)
        for call in workloads.chat(prompts=2, sizes=SIZES, volatile=False)
        if call.request
    ]
    cut = NeutralBlocks()
    for request in requests:
        found, whole = cut.of(request), blocks_of(request)
        assert [(b.kind, b.role, b.text, b.tokens, b.message, b.ends_message) for b in found] == [
            (b.kind, b.role, b.text, b.tokens, b.message, b.ends_message) for b in whole
        ]


def test_a_history_that_only_grew_is_the_same_blocks() -> None:
    requests = [
        call.request for call in workloads.agent_loop(calls=5, sizes=SIZES, volatile=False) if call.request
    ]
    cut = NeutralBlocks()
    for before, after in pairwise([cut.of(arrange(request)) for request in requests]):
        assert all(one is other for one, other in zip(before, after, strict=False))


def test_a_history_that_was_rewritten_is_cut_anew() -> None:
    first, *_, last = [call.request for call in workloads.agent_loop(calls=3, sizes=SIZES) if call.request]
    cut = NeutralBlocks()
    before = cut.of(arrange(last))
    other = structs.replace(first, messages=(UserMessage.of("something else"),))
    after = cut.of(arrange(other))
    assert after[-1] != before[-1]
    assert "something else" in after[-1].text
    assert cut.of(arrange(last)) == before


def test_a_schema_with_its_keys_in_another_order_is_another_block() -> None:
    def offering(properties: dict[str, object]) -> Request:
        tool = ToolDefinition("search", "", {"type": "object", "properties": properties})
        return Request(model="m", tools=(tool,), messages=(UserMessage.of("go"),))

    cut = NeutralBlocks()
    (one, *_), (other, *_) = cut.of(offering({"a": {}, "b": {}})), cut.of(offering({"b": {}, "a": {}}))
    assert one.text.index('"a"') < one.text.index('"b"')
    assert other.text.index('"b"') < other.text.index('"a"')
    assert one.digest != other.digest


def test_a_tool_result_with_its_keys_in_another_order_is_another_block() -> None:
    def answered(value: dict[str, object]) -> Request:
        messages: list[Message] = [
            UserMessage.of("go"),
            UserMessage((ToolResult("c1", "search", (Json(value),)),)),
            UserMessage.of("and?"),
        ]
        return Request(model="m", messages=tuple(messages))

    cut = NeutralBlocks()
    one, other = answered({"a": 1, "b": 2}), answered({"b": 2, "a": 1})
    assert one == other
    assert [block.text for block in cut.of(one)] == [block.text for block in blocks_of(one)]
    assert [block.text for block in cut.of(other)] == [block.text for block in blocks_of(other)]
    assert cut.of(one)[1].digest != cut.of(other)[1].digest
