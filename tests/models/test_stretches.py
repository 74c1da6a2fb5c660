"""A conversation that is known by stretches becomes the same bytes as one that was never seen."""

from __future__ import annotations

import gc
from itertools import chain
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import AgentlabError
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Json,
    Message,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)
from agentlab.models.registry import wire_for
from agentlab.models.stretches import StretchBytes
from agentlab.models.vendors import vendor
from agentlab.models.wire import EncodedRequest, Vendor, Wire
from tests.messages.strategies import messages as any_messages
from tests.messages.test_known import edited, versions

ROWS: Final = (
    ("openai-chat", "gpt-5.6"),
    ("openrouter", "anthropic/claude-sonnet-4.6"),
    ("openai", "gpt-5.6"),
    ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-opus-5"),
)
"""All ways to place markers and system messages, on the wires that keep stretches."""

CACHES: Final = (
    None,
    CacheOptions(("last",)),
    CacheOptions(("preamble", "context", "last"), ttl="1h", last_ttl="5m"),
)

custom = ToolCall(id="call_1", name="free", arguments_json="x", extra={"custom": True})
spoken = st.sampled_from(
    [
        SystemMessage("rule"),
        SystemMessage(""),
        UserMessage.of("hello"),
        UserMessage((ToolResult("call_1", "free", (Json({"a": 1}),)),)),
        AssistantMessage.of("answer"),
        AssistantMessage((custom,), wire="openai-responses"),
        AssistantMessage((ToolCall(id="call_1", name="free"),)),
        AssistantMessage((Text(""),)),
    ]
)


def small(wire: Wire, shortest: int = 2) -> Wire:
    """The wire with stretches of a few messages."""
    for holder in (wire, *(each for each in (getattr(wire, "_known", None) or ()))):
        if hasattr(holder, "_stretches"):
            holder._stretches = StretchBytes(shortest)
    return wire


def encoded(wire: Wire, row: Vendor, request: Request) -> EncodedRequest | str:
    try:
        return wire.encode(request, row)
    except AgentlabError as error:
        return str(error)


@settings(max_examples=40, deadline=None)
@given(
    row=st.sampled_from(ROWS),
    cache=st.sampled_from(CACHES),
    with_context=st.booleans(),
    edits=edited,
    more=st.lists(st.lists(spoken, max_size=12), max_size=4),
)
def test_a_conversation_seen_before_is_the_same_bytes_as_a_new_one(
    row: tuple[str, str],
    cache: CacheOptions | None,
    with_context: bool,
    edits: list[tuple[str, int, list[Message]]],
    more: list[list[Message]],
) -> None:
    seller = vendor(row[0])
    known = wire_for(seller.wire)
    context = (Document.from_text("D", "d"),) if with_context else ()
    base = Request(model=row[1], preamble="P", context=context, cache=cache)
    known.encode(structs.replace(base, cache=None, messages=(UserMessage.of("first"),)), seller)
    small(known)
    kept = [*versions(edits)]
    kept += [(*kept[-1], *chain(*more[:count])) for count in range(len(more) + 1)]
    for said in kept:
        request = structs.replace(base, messages=said)
        assert encoded(known, seller, request) == encoded(wire_for(seller.wire), seller, request)


USER, SYSTEM, CALLS = (
    UserMessage.of("q"),
    SystemMessage("rule"),
    AssistantMessage((custom,), wire="openai-responses"),
)
RESULT: Final = UserMessage((ToolResult("call_1", "free", (Text("2"),)),))
EMPTY: Final = AssistantMessage((Text(""),))
HEAD: Final = (USER, AssistantMessage.of("a"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((*HEAD, CALLS, AssistantMessage.of("b"), USER), (*HEAD, CALLS, RESULT, USER, USER)),
        ((*HEAD, USER, CALLS, EMPTY), (*HEAD, USER, CALLS, RESULT, AssistantMessage.of("b"), USER)),
        ((*HEAD, USER, AssistantMessage.of("b"), USER), (*HEAD, USER, SYSTEM, USER)),
        (
            (*HEAD, USER, AssistantMessage.of("b"), USER),
            (*HEAD, USER, SYSTEM, AssistantMessage.of("b"), USER),
        ),
        (
            (*HEAD, USER, CALLS, SYSTEM, AssistantMessage.of("b"), USER),
            (*HEAD, USER, CALLS, SYSTEM, EMPTY, USER),
        ),
        ((*HEAD, USER, EMPTY), (*HEAD, USER, EMPTY, EMPTY)),
    ],
)
@pytest.mark.parametrize("shortest", [1, 2, 3])
@pytest.mark.parametrize("row", ROWS)
def test_what_follows_a_known_stretch_is_told_as_it_stands(
    row: tuple[str, str], shortest: int, before: tuple[Message, ...], after: tuple[Message, ...]
) -> None:
    seller = vendor(row[0])
    known = wire_for(seller.wire)
    base = Request(model=row[1], cache=CacheOptions(("last",)))
    known.encode(structs.replace(base, messages=(USER,)), seller)
    small(known, shortest)
    for said in (before, after, before):
        request = structs.replace(base, messages=said)
        assert encoded(known, seller, request) == encoded(wire_for(seller.wire), seller, request)


@settings(max_examples=40, deadline=None)
@given(edits=edited)
def test_stretches_are_found_and_hold_what_their_messages_hold(
    edits: list[tuple[str, int, list[Message]]],
) -> None:
    stretches = StretchBytes(2)
    kept = []
    for said in versions(edits):
        kept.append(said)
        found = stretches.of(said, lambda each: (repr(message).encode() for message in each))
        wanted = [repr(message).encode() for message in said[: found.length]]
        assert [*chain(*found.items)] == wanted
        assert b",".join(found.runs) == b",".join(wanted)
        assert found.length < len(said) or not said


def test_a_stretch_is_written_once_wherever_the_conversation_goes_on() -> None:
    written: list[int] = []

    def build(stretch: tuple[Message, ...]) -> list[bytes]:
        written.append(len(stretch))
        return [b"1"] * len(stretch)

    said = tuple(AssistantMessage.of("a") if number % 2 else UserMessage.of("q") for number in range(1_000))
    stretches = StretchBytes(64)
    assert stretches.of(said, build).length >= 900
    first = len(written)
    stretches.of((*said, UserMessage.of("more")), build)
    stretches.of((*said[:-1], UserMessage.of("another end")), build)
    stretches.of(said[:500], build)
    assert len(written) == first
    stretches.of((*said[:100], UserMessage.of("edited"), *said[101:]), build)
    assert len(written) > first


def test_equal_messages_whose_bytes_differ_are_not_taken_for_each_other() -> None:
    def said(value: object) -> tuple[Message, ...]:
        asked = UserMessage((ToolResult("c", "add", (Json(value),)),))
        return (head, asked, *rest)

    head, rest = UserMessage.of("q"), tuple(AssistantMessage.of("a") for _ in range(6))
    stretches = StretchBytes(3)
    for value, wanted in ((1, "1"), (True, "True"), (1.0, "1.0")):
        found = stretches.of(said(value), lambda each: (str(part).encode() for part in each))
        assert f"value={wanted}" in b"".join(found.runs).decode()


def test_stretches_go_with_their_messages() -> None:
    stretches = StretchBytes(2)
    said = tuple(AssistantMessage.of("a") for _ in range(20))
    assert stretches.of(said, lambda each: [b"1"] * len(each)).length == 18
    assert len(stretches) == 9
    del said
    gc.collect()
    assert len(stretches) == 0


@pytest.mark.parametrize("row", ROWS)
@settings(max_examples=20, deadline=None)
@given(said=st.lists(any_messages, max_size=8))
def test_the_caller_s_own_messages_come_behind(row: tuple[str, str], said: list[Message]) -> None:
    seller = vendor(row[0])
    field = "input" if seller.wire == "openai-responses" else "messages"
    added = {"role": "user", "content": "added"}
    request = Request(model=row[1], messages=tuple(said), additional_params={field: [added]})
    found = encoded(wire_for(seller.wire), seller, request)
    if isinstance(found, EncodedRequest):
        assert b'{"role":"user","content":"added"}]' in found.body
        assert found.pieces == ()
