"""Cache controls of the Chat Completions wire."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Message,
    Request,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)
from agentlab.models.openai_chat.wire import OpenAIChat
from agentlab.models.vendors import vendor
from agentlab.models.wire import EncodedRequest, Vendor

OPENAI = vendor("openai-chat")
OPENROUTER = vendor("openrouter")
GROQ = vendor("groq")
HISTORY: tuple[Message, ...] = (
    UserMessage.of("Q1"),
    AssistantMessage.of(ToolCall("c1", "f")),
    UserMessage((ToolResult("c1", "f", (Text("r1"),)),)),
    AssistantMessage.of("A1"),
    UserMessage.of("Q2"),
)


def encode(row: Vendor, cache: CacheOptions | None, *messages: Message, **fields: Any) -> EncodedRequest:
    request = Request(model="m", messages=messages or HISTORY, preamble="P", cache=cache, **fields)
    return OpenAIChat().encode(request, row)


def body(row: Vendor, cache: CacheOptions | None, *messages: Message, **fields: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encode(row, cache, *messages, **fields).body)
    return parsed


def marked(found: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The markers by the index of their item."""
    markers = {}
    for index, item in enumerate(found["messages"]):
        if isinstance(item["content"], list):
            extra = {k: v for k, v in item["content"][-1].items() if k not in {"type", "text"}}
            if extra:
                markers[index] = extra
    return markers


def test_fields_are_sent_where_the_vendor_has_them() -> None:
    cache = CacheOptions(key="k", mode="explicit", retention="24h")
    found = body(OPENAI, cache)
    assert found["prompt_cache_key"] == "k"
    assert found["prompt_cache_options"] == {"mode": "explicit"}
    assert found["prompt_cache_retention"] == "24h"
    routed = body(OPENROUTER, cache)
    assert routed["prompt_cache_key"] == "k"
    assert "prompt_cache_options" not in routed
    assert not [name for name in body(GROQ, cache) if "cache" in name]


def test_without_cache_options_nothing_is_sent() -> None:
    for row in (OPENAI, OPENROUTER, GROQ):
        assert b"cache" not in encode(row, None).body


def test_the_key_travels_in_a_header_where_the_vendor_wants_it_there() -> None:
    encoded = encode(vendor("xai-chat"), CacheOptions(key="k"))
    assert encoded.headers == {"x-grok-conv-id": "k"}
    assert b"prompt_cache_key" not in encoded.body


def test_openais_lifetime_is_the_requests_and_markers_inherit_it() -> None:
    assert body(OPENAI, CacheOptions(ttl="30m"))["prompt_cache_options"] == {"ttl": "30m"}
    found = body(OPENAI, CacheOptions(breakpoints=("preamble",), ttl="30m"))
    assert found["prompt_cache_options"] == {"ttl": "30m"}
    assert marked(found) == {0: {"prompt_cache_breakpoint": {"mode": "explicit"}}}


def test_the_last_marker_may_have_a_lifetime_of_its_own() -> None:
    found = body(OPENAI, CacheOptions(breakpoints=("preamble", "last"), last_ttl="12h"), UserMessage.of("Q"))
    assert marked(found) == {
        0: {"prompt_cache_breakpoint": {"mode": "explicit"}},
        1: {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
    }


def test_marked_text_becomes_a_part_and_keeps_its_words() -> None:
    found = body(OPENAI, CacheOptions(breakpoints=("preamble", "last")))
    assert found["messages"][0]["content"] == [
        {"type": "text", "text": "P", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]
    assert found["messages"][-1]["content"][0]["text"] == "Q2"


def test_openais_last_breakpoint_marks_the_end_of_every_user_message() -> None:
    found = body(OPENAI, CacheOptions(breakpoints=("last",)))
    assert sorted(marked(found)) == [1, 3, 5]
    assert found["messages"][3]["role"] == "tool"


def test_with_openais_markers_a_longer_history_keeps_the_bytes_of_the_shorter_one() -> None:
    wire, cache = OpenAIChat(), CacheOptions(breakpoints=("preamble", "last"), ttl="30m")
    bodies = [
        wire.encode(Request(model="m", messages=HISTORY[:length], preamble="P", cache=cache), OPENAI).body
        for length in (1, 3, 5)
    ]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier[:-2] + b",")


def test_the_context_is_marked_only_where_asked() -> None:
    documents = (Document.from_text("doc", "d"),)
    assert sorted(marked(body(OPENAI, CacheOptions(breakpoints=("last",)), context=documents))) == [2, 4, 6]
    everywhere = CacheOptions(breakpoints=("tools", "preamble", "context", "last"))
    assert sorted(marked(body(OPENAI, everywhere, context=documents))) == [0, 1, 2, 4, 6]


def test_cache_control_marks_only_the_last_place_and_carries_both_lifetimes() -> None:
    cache = CacheOptions(breakpoints=("preamble", "context", "last"), ttl="1h", last_ttl="5m")
    found = body(OPENROUTER, cache, context=(Document.from_text("doc", "d"),))
    assert marked(found) == {
        0: {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        1: {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        6: {"cache_control": {"type": "ephemeral", "ttl": "5m"}},
    }


def test_vendors_without_markers_get_none() -> None:
    assert marked(body(GROQ, CacheOptions(breakpoints=("preamble", "last")))) == {}


def test_moving_the_last_marker_changes_nothing_but_markers() -> None:
    cache = CacheOptions(breakpoints=("last",))
    wire = OpenAIChat()

    def words(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
        request = Request(model="m", messages=messages, preamble="P", cache=cache)
        found = json.loads(wire.encode(request, OPENROUTER).body)["messages"]
        return [
            (
                i["role"],
                i["content"]
                if isinstance(i["content"], str)
                else json.dumps([p.get("text") for p in i["content"] or ()]),
            )
            for i in found
        ]

    def plain(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(role, text.removeprefix('["').removesuffix('"]')) for role, text in said]

    earlier, later = plain(words(HISTORY[:3])), plain(words(HISTORY))
    assert later[: len(earlier)] == earlier


def test_a_message_is_sent_with_and_without_marker_by_the_same_wire() -> None:
    wire, message = OpenAIChat(), UserMessage.of("Q")
    bodies = [
        wire.encode(Request(model="m", messages=(message,), cache=cache), OPENAI).body
        for cache in (None, CacheOptions(breakpoints=("last",)), None)
    ]
    assert bodies[0] == bodies[2]
    assert b"prompt_cache_breakpoint" in bodies[1]
    assert b"prompt_cache_breakpoint" not in bodies[0]
