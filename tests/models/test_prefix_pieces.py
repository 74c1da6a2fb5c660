"""The rendered items a wire gives beside its bytes: they start alike exactly where the prompts start alike."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import shared_prefix, split
from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    OutputSchema,
    ReasoningOptions,
    Request,
    SpecificTools,
    Text,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.registry import WIRES, wire_for
from agentlab.models.vendors import vendor
from agentlab.models.wire import EncodedRequest
from tests.models.whole_request import SPOKEN, request_for

INTO_THE_PROMPT: Final[dict[str, dict[str, Any]]] = {
    "anthropic-messages": {"messages": [{"role": "user", "content": "x"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
    "ollama": {"messages": [{"role": "user", "content": "x"}]},
    "cohere-chat": {"messages": [{"role": "user", "content": "x"}]},
    "bedrock-converse": {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
    "openai-chat": {"messages": [{"role": "user", "content": "x"}]},
    "openai-responses": {"input": [{"role": "user", "content": "x"}]},
}

CHANGES: Final[dict[str, dict[str, Any]]] = {
    "a tool more": {"tools": (ToolDefinition("find"), ToolDefinition("other"))},
    "no tools": {"tools": (), "cache": None},
    "another preamble": {"preamble": "You are not."},
    "no preamble": {"preamble": None},
    "no context": {"context": ()},
    "no schema": {"output_schema": None},
    "another schema": {"output_schema": OutputSchema({"type": "object"})},
    "less effort": {"reasoning": ReasoningOptions(effort="low")},
    "no reasoning": {"reasoning": None},
    "a tool required": {"tool_choice": "required"},
    "one tool required": {"tool_choice": SpecificTools(("find",))},
    "no tool allowed": {"tool_choice": "none"},
    "no parallel calls": {"parallel_tool_calls": False},
    "another temperature": {"temperature": 0.9},
    "fewer tokens": {"max_tokens": 10},
    "a tool of the caller": {"additional_params": {"tools": [{"type": "web_search", "name": "w"}]}},
    "a setting of the caller": {
        "additional_params": {"reasoning_effort": "low", "text": {"verbosity": "low"}, "thinking": {"x": 1}}
    },
    "unary": {"stream": False},
    "no history": {"messages": (UserMessage.of("Another."),)},
}


def encoded(wire: str, *requests: Request) -> list[EncodedRequest]:
    """Requests by one wire, in turn."""
    speaker, row = wire_for(wire), vendor(SPOKEN[wire][0])
    return [speaker.encode(request, row) for request in requests]


def grown(request: Request, *texts: str) -> Request:
    """The request a few turns later."""
    more = [
        AssistantMessage((Text(text),)) if place % 2 else UserMessage.of(text)
        for place, text in enumerate(texts)
    ]
    return structs.replace(request, messages=(*request.messages, *more))


@pytest.mark.parametrize("wire", list(WIRES))
def test_a_message_once_sent_is_the_same_object_in_every_later_request(wire: str) -> None:
    plain = structs.replace(request_for(wire), context=())
    first, second = encoded(wire, plain, grown(plain, "more", "and", "more"))
    size = len(first.pieces)
    assert len(second.pieces) == size + 3
    assert second.pieces[:size] == first.pieces
    messages = len(plain.messages)
    assert all(
        one is other
        for one, other in zip(first.pieces[-messages:], second.pieces[size - messages : size], strict=True)
    )


@pytest.mark.parametrize("wire", list(WIRES))
def test_cache_markers_move_no_piece(wire: str) -> None:
    marked = request_for(wire)
    unmarked = structs.replace(marked, cache=None)
    later = grown(structs.replace(marked, cache=CacheOptions(("last",), ttl="1h")), "more")
    one, two, three = encoded(wire, marked, unmarked, later)
    assert one.pieces == two.pieces == three.pieces[: len(one.pieces)]
    if wire not in {"cohere-chat", "gemini", "ollama", "openai-chat"}:
        assert one.body != two.body


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("wire", list(WIRES))
def test_pieces_move_exactly_where_the_blocks_of_the_body_move(wire: str, change: str) -> None:
    before = request_for(wire)
    after = grown(structs.replace(before, **CHANGES[change]), "more")
    try:
        one, two = encoded(wire, before, after)
    except UnsupportedCapability:
        return
    blocks = shared_prefix(split(wire, one.body), split(wire, two.body))
    assert one.pieces
    assert (two.pieces[: len(one.pieces)] == one.pieces) == blocks.is_prefix


@settings(max_examples=60, deadline=None)
@given(
    wire=st.sampled_from(sorted(WIRES)),
    first=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=6),
    second=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=6),
    common=st.integers(0, 6),
)
def test_pieces_of_any_two_conversations_share_what_their_blocks_share(
    wire: str, first: list[str], second: list[str], common: int
) -> None:
    second = [*first[:common], *second]
    base = Request(model=SPOKEN[wire][1], preamble="P")
    one, two = encoded(wire, grown(base, *first), grown(base, *second))
    blocks = shared_prefix(split(wire, one.body), split(wire, two.body))
    assert (two.pieces[: len(one.pieces)] == one.pieces) == blocks.is_prefix
    assert len(one.pieces) == 1 + len(first)


@pytest.mark.parametrize("wire", list(WIRES))
def test_there_are_none_where_the_caller_reaches_into_the_conversation(wire: str) -> None:
    asked = structs.replace(request_for(wire), additional_params=INTO_THE_PROMPT[wire])
    (sent,) = encoded(wire, asked)
    assert sent.pieces == ()
    assert INTO_THE_PROMPT.keys() == WIRES.keys()
