"""Cutting a conversation call by call gives the blocks that cutting each call anew gives, and reads a message once."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.blocks.cutting import NeutralBlocks, SentBlocks
from agentlab.caching.blocks.splitting import Block, blocks_of, split
from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Request, ToolDefinition, UserMessage
from tests.caching.encoded import MODELS, encoded

SIZES = workloads.Sizes(system=50, tools=2, tool=10, documents=30, few_shots=1, retrieved=20, result=20)


def unnamed(blocks: tuple[Block, ...]) -> list[Block]:
    return [structs.replace(block, part="history") for block in blocks]


@pytest.mark.parametrize("name", MODELS.values())
def test_bodies_are_cut_as_if_each_stood_alone(name: str) -> None:
    calls = encoded(workloads.chat(prompts=2, calls=3, parallel_calls=2, sizes=SIZES), name)
    sent = SentBlocks()
    for call in calls:
        blocks, settings = sent.of(call.wire, call.body)
        assert unnamed(blocks) == unnamed(split(call.wire, call.body))
        body = msgspec.json.decode(call.body)
        assert settings == {key: body[key] for key in settings}
        assert len(body) == len(settings) + 1


def test_markers_that_move_are_seen_where_they_are() -> None:
    cache = CacheOptions(breakpoints=("tools", "preamble", "context", "last"), ttl="1h", last_ttl="5m")
    calls = encoded(workloads.agent_loop(calls=4, sizes=SIZES), MODELS["anthropic-messages"], cache)
    sent = SentBlocks()
    for call in calls:
        marked = [block.marker for block in sent.of(call.wire, call.body)[0] if block.marker]
        assert marked[:3] == ["1h"] * 3
        assert marked[3:] in (["5m"], ["default"])
        assert unnamed(sent.of(call.wire, call.body)[0]) == unnamed(split(call.wire, call.body))


def test_a_body_without_a_list_is_cut_whole() -> None:
    blocks, settings = SentBlocks().of("openai-responses", '{"model":"m","input":"hello"}')
    assert [block.text for block in blocks] == [
        block.text for block in split("openai-responses", '{"input":"hello"}')
    ]
    assert settings["model"] == "m"
    with pytest.raises(UsageError, match="not JSON"):
        SentBlocks().of("openai-chat", "{")


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
