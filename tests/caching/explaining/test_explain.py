"""`explain` names the change that moved a prefix, on every wire, and says nothing where nothing moved."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import msgspec
import pytest
from msgspec import structs

from agentlab.caching import split
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.appended import only_appends
from agentlab.caching.explaining.explain import explain, explain_calls
from agentlab.caching.explaining.explanation import Explanations
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Image, Usage, UserMessage
from tests.caching.mutations import MUTATIONS, VENDORS, appended, base_request, encoded, neutral, text

SEEDS = range(10)


@pytest.mark.parametrize("vendor_name", VENDORS)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_single_change_is_named_by_its_part(vendor_name: str, name: str) -> None:
    for seed in SEEDS:
        draw = random.Random(f"{vendor_name} {name} {seed}")
        request = base_request(draw, vendor_name, with_tools=name != "output_schema")
        changed, expected = MUTATIONS[name](draw, request, vendor_name)
        later = appended(draw, changed) if draw.random() < 0.5 else changed
        found = explain(encoded(request, vendor_name), encoded(later, vendor_name))
        if expected.part is None:
            assert found is None, found
            continue
        assert found is not None
        cause = found.cause
        assert (cause.part, cause.aspect) == (expected.part, expected.aspect), str(found)
        assert expected.part == "message" or cause.name == expected.name
        if expected.character is not None:
            assert cause.character == expected.character, str(found)
        assert found.also == (), str(found)
        assert found.tokens_lost > 0
        assert str(found)
        assert found._repr_html_()


@pytest.mark.parametrize("vendor_name", VENDORS)
def test_appends_and_neutral_changes_are_no_reason(vendor_name: str) -> None:
    for seed in range(120):
        draw = random.Random(f"{vendor_name} {seed}")
        request = base_request(draw, vendor_name)
        later = request
        if seed % 3 != 0:
            later = appended(draw, later)
        if seed % 3 != 1:
            later = neutral(draw, later, vendor_name)
        before, after = encoded(request, vendor_name), encoded(later, vendor_name)
        assert explain(before, after) is None, seed
        assert explain(split(before.wire, before.body), split(after.wire, after.body)) is None, seed


@pytest.mark.parametrize("vendor_name", VENDORS)
def test_the_quick_proof_holds_for_plain_appends_and_never_for_changes(vendor_name: str) -> None:
    for seed in SEEDS:
        draw = random.Random(f"quick {vendor_name} {seed}")
        request = base_request(draw, vendor_name)
        plain = encoded(request, vendor_name).body
        assert only_appends(plain, encoded(appended(draw, request), vendor_name).body)
        for name, mutate in MUTATIONS.items():
            changed, expected = (
                mutate(draw, request, vendor_name) if name != "output_schema" else (request, None)
            )
            if expected is not None and (name != "model" or vendor_name not in {"bedrock", "gemini"}):
                assert not only_appends(plain, encoded(changed, vendor_name).body), name
                assert not only_appends(plain, encoded(appended(draw, changed), vendor_name).body), name


@pytest.mark.parametrize(
    ("vendor_name", "name", "word"),
    [
        ("anthropic", "model", "model_changed"),
        ("anthropic", "preamble", "system_changed"),
        ("anthropic", "tool_order", "tools_changed"),
        ("anthropic", "message_edit", "messages_changed"),
        ("anthropic", "document", "messages_changed"),
        ("openai", "model", "model_changed"),
        ("openai", "tool_schema", "tools_changed"),
        ("openai", "output_schema", "text_format_changed"),
        ("openai", "effort", "reasoning_effort_changed"),
        ("openai", "preamble", "input_changed"),
        ("openai", "message_edit", "input_changed"),
        ("gemini", "preamble", None),
        ("ollama", "tool_order", None),
    ],
)
def test_the_vendors_own_word_is_used(vendor_name: str, name: str, word: str | None) -> None:
    draw = random.Random(word)
    request = base_request(draw, vendor_name, with_tools=name != "output_schema")
    changed, _ = MUTATIONS[name](draw, request, vendor_name)
    found = explain(encoded(request, vendor_name), encoded(changed, vendor_name))
    assert found is not None
    assert found.reason == word


def pair(vendor_name: str, **params: object) -> tuple[RecordedCall, RecordedCall]:
    request = base_request(random.Random(7), vendor_name)
    return encoded(request, vendor_name), encoded(
        structs.replace(request, additional_params=dict(params)), vendor_name
    )


@pytest.mark.parametrize(
    ("vendor_name", "params", "word"),
    [
        ("openai", {"prompt_cache_key": "b"}, "prompt_cache_key_changed"),
        ("openai", {"service_tier": "priority"}, "service_tier_changed"),
        ("openai", {"text": {"verbosity": "low"}}, "verbosity_changed"),
        ("openai", {"parallel_tool_calls": False}, "tools_changed"),
        ("openai-chat", {"verbosity": "low"}, "verbosity_changed"),
        ("anthropic", {"tool_choice": {"type": "any"}}, "messages_changed"),
        ("anthropic", {"speed": "fast"}, "model_changed"),
    ],
)
def test_settings_that_move_the_prefix_are_named(
    vendor_name: str, params: dict[str, object], word: str
) -> None:
    found = explain(*pair(vendor_name, **params))
    assert found is not None
    assert (found.cause.part, found.reason) == ("setting", word)


@pytest.mark.parametrize(
    ("vendor_name", "params"),
    [
        ("openai", {"service_tier": "auto"}),
        ("openai", {"parallel_tool_calls": True}),
        ("openai", {"text": {"verbosity": "medium"}}),
        ("openai", {"tool_choice": "none"}),
        ("anthropic", {"tool_choice": {"type": "auto"}}),
        ("openai-chat", {"response_format": {"type": "text"}}),
    ],
)
def test_a_setting_at_its_default_is_the_same_as_none(vendor_name: str, params: dict[str, object]) -> None:
    assert explain(*pair(vendor_name, **params)) is None


def test_a_level_keeps_what_stands_before_it() -> None:
    found = explain(*pair("anthropic", tool_choice={"type": "any"}))
    assert found is not None
    blocks = found.previous
    kept = sum(block.tokens for block in blocks if block.kind in {"tool", "system"})
    assert found.tokens_kept >= kept > 0
    everything = explain(*pair("openai", prompt_cache_key="b"))
    assert everything is not None
    assert everything.tokens_kept == 0


def test_what_else_is_wrong_is_said_in_render_order() -> None:
    request = base_request(random.Random(3), "anthropic")
    tools = (structs.replace(request.tools[0], description="other"), *request.tools[1:])
    messages = (*request.messages[:2], UserMessage.of("edited"), *request.messages[3:])
    later = structs.replace(request, tools=tools, preamble="Other.", messages=messages, model="claude-opus-5")
    found = explain(encoded(request, "anthropic"), encoded(later, "anthropic"))
    assert found is not None
    assert [found.cause.part, *(cause.part for cause in found.also)][:3] == ["setting", "tool", "preamble"]
    assert found.also[-1].part == "message"
    assert "also tool `tool_0` description character 0, preamble character 0" in found.line


def test_the_message_and_its_role_are_named() -> None:
    request = base_request(random.Random(3), "openai-chat")
    edited = (UserMessage.of("edited"), *request.messages[1:])
    found = explain(
        encoded(request, "openai-chat"), encoded(structs.replace(request, messages=edited), "openai-chat")
    )
    assert found is not None
    assert found.cause.subject == "message 2 (user)"  # after the system message and the static documents


@pytest.mark.parametrize("cut", [1, 3])
def test_a_history_with_messages_taken_out_or_put_in_is_told_apart(cut: int) -> None:
    request = base_request(random.Random(5), "openai-chat", with_tools=False)
    shorter = structs.replace(request, messages=request.messages[:cut] + request.messages[cut + 1 :])
    removed = explain(encoded(request, "openai-chat"), encoded(shorter, "openai-chat"))
    added = explain(encoded(shorter, "openai-chat"), encoded(request, "openai-chat"))
    assert removed is not None
    assert added is not None
    assert (removed.cause.aspect, added.cause.aspect) == ("removed", "added")


def test_a_history_that_lost_its_end_is_explained() -> None:
    request = base_request(random.Random(5), "openai")
    shorter = structs.replace(request, messages=request.messages[:-1])
    found = explain(encoded(request, "openai"), encoded(shorter, "openai"))
    assert found is not None
    assert (found.cause.part, found.cause.aspect) == ("message", "removed")


def test_another_vendor_shares_nothing() -> None:
    request = base_request(random.Random(5), "openai")
    other = structs.replace(request, model="claude-sonnet-5")
    found = explain(encoded(request, "openai"), encoded(other, "anthropic"))
    assert found is not None
    assert (found.cause.name, found.tokens_kept) == ("provider", 0)
    assert "openai:gpt-5.6" in found.cause.sentence


def test_an_image_that_comes_first_late_moves_the_messages_of_anthropic_alone() -> None:
    for vendor_name, moves in (("anthropic", True), ("openai", False)):
        request = base_request(random.Random(5), vendor_name)
        picture = UserMessage.of("see", Image.from_bytes(b"\x89PNG" * 9))
        later = structs.replace(
            request,
            messages=(*request.messages, *appended(random.Random(1), request).messages[-2:-1], picture),
        )
        found = explain(encoded(request, vendor_name), encoded(later, vendor_name))
        assert (found is not None) is moves


def test_tools_whose_loading_is_deferred_are_outside_the_prefix() -> None:
    body = {
        "model": "m",
        "tools": [{"name": "a", "description": "x"}],
        "messages": [{"role": "user", "content": "hi"}],
    }
    later = {**body, "tools": [*body["tools"], {"name": "b", "defer_loading": True}]}  # type: ignore[misc]
    assert explain(("anthropic-messages", body), ("anthropic-messages", later)) is None


def test_reported_tokens_and_prices_give_dollars() -> None:
    request = base_request(random.Random(5), "anthropic")
    changed, _ = MUTATIONS["preamble"](random.Random(1), request, "anthropic")
    before = structs.replace(encoded(request, "anthropic"), usage=Usage(input_tokens=100_000), at=1.79e9)
    after = structs.replace(encoded(changed, "anthropic"), at=1.79e9)
    found = explain(before, after)
    assert found is not None
    assert found.tokens_kept + found.tokens_lost == 100_000
    assert 0 < found.dollars_lost < 1
    unknown = explain(before, after, provider="nobody")
    assert unknown is not None
    assert math.isnan(unknown.dollars_lost)
    assert "$" not in str(unknown)


def test_bodies_and_blocks_are_taken_too() -> None:
    request = base_request(random.Random(5), "openai")
    changed, _ = MUTATIONS["preamble"](random.Random(1), request, "openai")
    one, other = encoded(request, "openai"), encoded(changed, "openai")
    forms = [
        ((one.wire, one.body), (other.wire, other.body)),
        ((one.wire, one.body.encode()), (other.wire, other.body.encode())),
        ((one.wire, msgspec.json.decode(one.body)), (other.wire, msgspec.json.decode(other.body))),
        (split(one.wire, one.body), split(other.wire, other.body)),
    ]
    places = {found.place for form in forms if (found := explain(*form)) is not None}
    assert len(places) == 1
    assert places.pop().startswith("preamble character ")


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(UsageError, match="not a JSON object"):
        explain(("openai-chat", "[]"), ("openai-chat", "{}"))
    with pytest.raises(UsageError, match="wire"):
        explain(("telegraph", "{}"), ("telegraph", '{"a":1}'))


def test_every_call_that_moved_is_explained_with_its_turn() -> None:
    request = base_request(random.Random(5), "openai")
    second = appended(random.Random(1), request)
    third = structs.replace(second, preamble="Other.")
    calls = [encoded(each, "openai") for each in (request, second, third, third)]
    assert [found.turn for found in explain_calls(calls)] == [3]


@pytest.mark.parametrize("vendor_name", VENDORS)
def test_a_run_is_explained_as_each_pair_of_its_calls_is(vendor_name: str) -> None:
    # Those that need a request with or without tools cannot be made again and again.
    changes = {
        name: each for name, each in MUTATIONS.items() if name not in {"output_schema", "tool_removed"}
    }
    for seed in SEEDS:
        draw = random.Random(f"run {vendor_name} {seed}")
        request = base_request(draw, vendor_name)
        calls = [encoded(request, vendor_name)]
        for _ in range(6):
            name = draw.choice([*changes, "append", "append"])
            if name in changes:
                request, _ = changes[name](draw, request, vendor_name)
            request = appended(draw, request)
            calls.append(encoded(request, vendor_name))
        alone = [
            structs.replace(found, turn=turn)
            for turn, (before, after) in enumerate(pairwise(calls), 2)
            if (found := explain(before, after)) is not None
        ]
        priceless = [structs.replace(each, dollars_lost=0.0) for each in explain_calls(calls)]
        assert priceless == [structs.replace(each, dollars_lost=0.0) for each in alone]


def test_markers_of_a_moving_breakpoint_are_no_reason() -> None:
    request = base_request(random.Random(5), "anthropic")
    cache = CacheOptions(breakpoints=("tools", "preamble", "last"), ttl="1h")
    request = structs.replace(request, cache=cache)
    later = appended(random.Random(2), request)
    before, after = encoded(request, "anthropic"), encoded(later, "anthropic")
    assert explain(before, after) is None


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u202egnp.exe"]
)
def test_the_html_shows_hostile_text_as_text(hostile: str) -> None:
    request = base_request(random.Random(5), "openai")
    tools = (structs.replace(request.tools[0], name="t", description=hostile), *request.tools[1:])
    before = encoded(structs.replace(request, tools=tools, preamble="x"), "openai")
    tools = (
        structs.replace(request.tools[0], name="t", description=hostile[::-1] + hostile),
        *request.tools[1:],
    )
    after = encoded(
        structs.replace(request, tools=tools, preamble=hostile + text(random.Random(0))), "openai"
    )
    found = explain(before, after)
    assert found is not None
    html = found._repr_html_()
    for danger in ("<script", "<img", "\u202e", "javascript:", "<a "):
        assert danger not in html
    assert "&lt;" in html or "\\u202e" in html


def test_a_long_run_that_moved_every_turn_is_shown_in_a_page() -> None:
    request = base_request(random.Random(5), "openai")
    calls = []
    for turn in range(30):
        request = appended(random.Random(turn), request)
        calls.append(encoded(structs.replace(request, preamble=f"It is {turn} o'clock."), "openai"))
    found = explain_calls(calls)
    assert [each.turn for each in found] == list(range(2, 31))
    assert len(found._repr_html_()) < 200_000
    assert "and 21 turns more" in found._repr_html_()
    assert "moved again at turns 10, 11" in str(found)
    assert len(repr(found[0])) < 500
    assert str(explain_calls(calls[:1])) == "every request begins with the one before it"
    assert found[-1]._repr_html_().count(" blocks): ") > 2


@pytest.mark.parametrize("given", [3, "text", None, ("wire", "{}", "more"), {"model": "m"}, [1, 2]])
def test_what_is_no_request_is_refused_in_words(given: object) -> None:
    call = RecordedCall("anthropic", "{}", "anthropic", "claude-sonnet-5")
    for pair in ((given, call), (call, given)):
        with pytest.raises(UsageError, match="a request is a recorded call"):
            explain(*pair)  # type: ignore[arg-type]


def test_requests_that_are_no_turns_are_called_by_their_names() -> None:
    draw = random.Random("names")
    request = base_request(draw, "anthropic")
    changed, _ = MUTATIONS["preamble"](draw, request, "anthropic")
    found = explain(encoded(request, "anthropic"), encoded(changed, "anthropic"))
    assert found is not None
    assert str(found).startswith("The cached prefix moved")
    assert str(structs.replace(found, turn=3)).startswith("Turn 3: the cached prefix moved")
    named = structs.replace(found, names=("terse", "chatty"))
    assert str(named).startswith("chatty against terse: the cached prefix moved")
    assert repr(Explanations([named, structs.replace(found, turn=3)])) == "Explanations(chatty, turn 3)"
