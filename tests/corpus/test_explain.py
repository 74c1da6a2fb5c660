"""Requests that other clients sent one after the other: `explain` agrees with a plain comparison of their JSON."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

from agentlab.caching.explaining.explain import explain
from tests.corpus.recordings import Recording

CONVERSATION = {
    "openai-chat": "messages",
    "openai-responses": "input",
    "anthropic-messages": "messages",
    "gemini": "contents",
    "ollama": "messages",
    "cohere-chat": "messages",
    "bedrock-converse": "messages",
}
MARKERS = {"cache_control", "prompt_cache_breakpoint"}


def bare(value: Any) -> Any:
    """JSON without cache markers, and a text in one form whether it is a string or a list with one part."""
    if isinstance(value, list):
        return [
            bare(inner) for inner in value if not (isinstance(inner, dict) and set(inner) == {"cachePoint"})
        ]
    if not isinstance(value, dict):
        return value
    found = {key: bare(inner) for key, inner in value.items() if key not in MARKERS}
    for key in ("content", "output"):
        if isinstance(found.get(key), str):
            found[key] = [{"type": "text", "text": found[key]}]
        if isinstance(found.get(key), list):
            found[key] = [
                {"type": "text", **{name: value for name, value in part.items() if name != "type"}}
                if isinstance(part, dict) and "text" in part
                else part
                for part in found[key]
            ]
    return found


def pairs(corpus: tuple[Recording, ...]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Consecutive requests of one recorded conversation, with the name of their wire."""
    groups: dict[tuple[str, str], list[Recording]] = {}
    for each in corpus:
        if isinstance(each.record.get("request_json"), dict):
            groups.setdefault((each.record["source_file"], each.wire_name), []).append(each)
    found = []
    for (_, wire), records in groups.items():
        ordered = sorted(records, key=lambda each: each.record["interaction_index"])
        found += [
            (wire, one.record["request_json"], other.record["request_json"])
            for one, other in pairwise(ordered)
        ]
    return found


def messages_of(wire: str, body: dict[str, Any]) -> list[Any] | None:
    value = body.get(CONVERSATION[wire])
    return value if isinstance(value, list) else None


def first_change(wire: str, one: dict[str, Any], other: dict[str, Any]) -> int | None:
    """Number of the first message that changed; None where the later list begins with the earlier one."""
    before, after = (bare(messages_of(wire, body)) for body in (one, other))
    for number, message in enumerate(before):
        if number >= len(after) or json.dumps(message) != json.dumps(after[number]):
            return number
    return None


def test_consecutive_requests_of_other_clients_are_explained(corpus: tuple[Recording, ...]) -> None:
    seen: Counter[str] = Counter()
    for wire, one, other in pairs(corpus):
        found = explain((wire, one), (wire, other))
        seen["pairs"] += 1
        if found is not None:
            assert str(found)
            assert found._repr_html_()
            assert found.tokens_lost >= 0
        key = CONVERSATION[wire]
        if messages_of(wire, one) is None or messages_of(wire, other) is None:
            continue
        if {**one, key: None} != {**other, key: None}:
            continue
        change = first_change(wire, one, other)
        if change is None:
            seen["appended"] += 1
            assert found is None or found.cause.name == "images in the conversation", str(found)
            continue
        seen["rewritten"] += 1
        assert found is not None
        cause = found.cause
        if cause.part == "setting":
            assert cause.name == "images in the conversation"
        elif cause.part == "message":
            assert cause.number == change
        else:
            assert cause.part in {"preamble", "document"}
    assert seen["pairs"] >= 1_000
    assert min(seen["appended"], seen["rewritten"]) >= 100, seen
