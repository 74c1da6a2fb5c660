"""Each rule of the lint finds what it is for, and is silent where that is mended."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from agentlab.agent import Agent
from agentlab.caching.calls import RecordedCall
from agentlab.caching.linting.lint import Finding, Findings, lint
from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Message,
    Request,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.tools import FunctionTool
from tests.caching.mutations import encoded

LONG = "You follow the rules of the house, one after the other. " * 200
SEARCH = ToolDefinition("search", "Search.", {"type": "object", "properties": {"q": {"type": "string"}}})
MODELS = {
    "anthropic": "claude-sonnet-5",
    "openai": "gpt-5.6",
    "openai-chat": "gpt-5.6",
    "gemini": "gemini-2.5-flash",
}


def agent(preamble: str = LONG, *, model: str = "anthropic:claude-sonnet-5", **options: Any) -> Agent:
    return Agent(model, api_key="unused", preamble=preamble, **options)


def call(
    *messages: Message | str,
    vendor: str = "anthropic",
    model: str = "",
    usage: Usage | None = None,
    at: float = 0.0,
    **request: Any,
) -> RecordedCall:
    said = tuple(UserMessage.of(each) if isinstance(each, str) else each for each in messages)
    request = {"preamble": LONG, "max_tokens": 1_000, **request}
    made = encoded(Request(model=model or MODELS[vendor], messages=said, **request), vendor)
    return structs.replace(made, usage=usage, at=at, ttft_s=1.0)


def said(answer: str) -> AssistantMessage:
    return AssistantMessage((Text(answer),))


def codes(subject: Any) -> tuple[str, ...]:
    return lint(subject).codes


# ------------------------------------------------------- values that change


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("clock-in-prefix", "It is 2026-11-21T09:30:12.345Z."),
        ("clock-in-prefix", "It is 2026-11-21 09:30:12."),
        ("clock-in-prefix", "now: 1795252800.123"),
        ("clock-in-prefix", "now: 1795252800123"),
        ("clock-in-prefix", "The time is 09:30:12."),
        ("clock-in-prefix", "Today is Saturday, November 21."),
        ("clock-in-prefix", "Today's date: 2026-11-21"),
        ("clock-in-prefix", "Current time: 14:32"),
        ("clock-in-prefix", "It is now 9:30 PM."),
        ("clock-in-prefix", "11/21/2026, 9:30:12 AM"),
        ("clock-in-prefix", "timestamp 1795252800"),
        ("clock-in-prefix", "Today is 21 November 2026."),
        ("clock-in-prefix", "The current date is November 21, 2026."),
        ("clock-in-prefix", "Date: 2026-11-21"),
        ("random-in-prefix", "session_id=ck_9f8a7b6c5d4e3f2a1b0c"),
        ("random-in-prefix", "request 01HZX3V7K8M9N0P1Q2R3S4T5V6"),
        ("random-in-prefix", "Session 3f2b8c1e-9a4d-4c6f-8e21-0123456789ab."),
        ("random-in-prefix", "Token 9f86d081884c7d659a2feaa0."),
        ("random-in-prefix", "Use <Tool object at 0x7f3a2c1b9d60>."),
        ("set-in-prefix", "Allowed: {'read', 'write'}."),
    ],
)
def test_a_value_that_looks_as_if_it_changed_is_found(code: str, value: str) -> None:
    found = [each for each in lint(agent(f"{LONG} {value}")) if each.code == code]
    assert len(found) == 1
    assert found[0].place.startswith("preamble character ")
    assert codes(agent(tools=[FunctionTool(_noop, name="look", description=value)])).count(code) == 1


def _noop() -> None: ...


@pytest.mark.parametrize(
    "value",
    [
        "The company was founded on 2019-04-01.",
        "Call 1-800-555-0199, ext. 1234567890.",
        "Use {'a': 1} as an example, or {x, y}.",
        "Open from 9:00 to 17:30; ratio 16:9.",
        "The decade of cafes faced deadbeef.",
        "See RFC 4122 and section 3.14.15.",
        "Founded on Monday, January 5, 1998.",
        "Deadline: Friday, March 1.",
        "Call 555-010-1234 or 1800123456.",
        "The SHA-256 hash of '' is e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.",
        "Use ISO times such as 2024-01-31T12:00:00Z.",
        "UUIDs look like 123e4567-e89b-12d3-a456-426614174000.",
        "No owner is 00000000-0000-0000-0000-000000000000.",
        "The lesson starts at 10:15:00 every day.",
        "The colour is #deadbeef00112233.",
        "Apples 1.20, pears 2.35, order 1712345678, ISBN 9783161484100.",
    ],
)
def test_a_value_that_stays_is_left_alone(value: str) -> None:
    assert codes(agent(f"{LONG} {value}")) == ()


def test_what_differs_between_two_builds_is_seen_and_not_guessed() -> None:
    counter = iter(range(1, 9))
    found = lint(lambda: agent(f"{LONG} Build {next(counter)}."))
    assert [(each.code, each.severity) for each in found] == [("preamble-changed", "error")]
    assert f"preamble character {len(LONG) + 7}" in found[0].place
    assert codes(agent) == ()


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [("stable_first", ()), ("query_first", ()), ("volatile_first", ("clock-in-prefix",))],
)
def test_a_fact_of_the_moment_is_found_where_it_stands_before_what_stays(
    ordering: str, expected: tuple[str, ...]
) -> None:
    minutes = iter(range(10, 60))

    def build() -> Agent:
        return agent(volatile=lambda: f"It is 2026-01-01 09:{next(minutes)}.", ordering=ordering)

    assert codes(build()) == expected
    assert codes(build) == expected
    assert {found.severity for found in lint(build)} == ({"error", "warning"} if expected else set())


def test_a_clock_between_two_calls_is_told_from_other_changes() -> None:
    def at(minute: str) -> RecordedCall:
        return call("hi", preamble=f"{LONG} It is 2026-11-21T09:{minute}:00Z.")

    findings = [each for each in lint([at("30"), at("31")]) if each.severity == "error"]
    assert [each.code for each in findings] == ["clock-in-prefix"]


# --------------------------------------------------------------- order


def test_keys_in_another_order_are_found() -> None:
    shuffled = structs.replace(SEARCH, parameters=dict(reversed(SEARCH.parameters.items())))
    assert "unsorted-json" in codes([call("a", tools=(SEARCH,)), call("a", tools=(shuffled,))])
    assert codes([call("a", tools=(SEARCH,)), call("a", tools=(SEARCH,))]) == ()


def test_a_list_that_was_a_set_is_found() -> None:
    def tool(*names: str) -> ToolDefinition:
        return structs.replace(
            SEARCH, parameters={"type": "object", "properties": {"q": {"enum": list(names)}}}
        )

    assert codes([call("a", tools=(tool("x", "y"),)), call("a", tools=(tool("y", "x"),))]) == (
        "unsorted-json",
    )


def test_a_document_of_json_without_order_is_noted() -> None:
    assert codes([call("a", context=(Document.from_text('{"b":1,"a":2}', "facts"),))]) == ("unsorted-json",)
    assert codes([call("a", context=(Document.from_text('{"a":2,"b":1}', "facts"),))]) == ()
    assert codes([call("a", context=(Document.from_text("{b, a}", "facts"),))]) == ()


# ------------------------------------------------------- between two calls


def test_tools_that_change_between_turns_are_found() -> None:
    other = structs.replace(SEARCH, name="fetch")
    assert codes([call("a", tools=(SEARCH,)), call("a", said("b"), "c", tools=(SEARCH, other))]) == (
        "tools-changed",
    )
    assert codes([call("a", tools=(SEARCH, other)), call("a", said("b"), "c", tools=(other, SEARCH))]) == (
        "tools-changed",
    )
    assert codes([call("a", tools=(SEARCH,)), call("a", said("b"), "c", tools=(SEARCH,))]) == ()


def test_a_rewritten_history_is_found() -> None:
    assert codes([call("a", said("b"), "c"), call("a", said("B"), "c", said("d"), "e")]) == (
        "history-rewritten",
    )
    assert codes([call("a", said("b"), "c"), call("a", said("b"), "c", said("d"), "e")]) == ()


def test_calls_of_different_conversations_are_not_compared() -> None:
    assert codes([call("a"), call("b")]) == ()


def test_a_setting_that_changes_in_a_conversation_is_found() -> None:
    assert codes([call("a"), call("a", model="claude-opus-5")]) == ("setting-changed",)


def test_more_new_blocks_than_the_provider_looks_back_over_are_found() -> None:
    cache = CacheOptions(breakpoints=("last",))

    def after(count: int, *places: str) -> list[RecordedCall]:
        calls = tuple(ToolCall(f"c{number}", "search", "{}", f"c{number}") for number in range(count))
        results = UserMessage(
            tuple(ToolResult(each.id, each.name, (Text("x"),), provider_id=each.id) for each in calls)
        )
        first = call("a", tools=(SEARCH,), cache=cache)
        return [first, call("a", AssistantMessage(calls), results, tools=(SEARCH,), cache=cache)]

    assert codes(after(11)) == ("too-many-new-blocks",)
    assert codes(after(10)) == ()


# -------------------------------------------------------------- all calls


def test_a_prefix_under_the_minimum_is_noted() -> None:
    (finding,) = lint(agent("Be terse."))
    assert (finding.code, finding.severity) == ("below-minimum", "note")
    assert "1,024" in finding.sentence
    assert codes(agent(LONG)) == ()


def test_a_run_that_stays_under_the_minimum_is_warned_of() -> None:
    short = [call("a", preamble="P"), call("a", said("b"), "c", preamble="P")]
    assert [(each.code, each.severity) for each in lint(short)] == [
        ("below-minimum", "warning"),
        ("below-minimum", "note"),
    ]


def test_parallel_calls_that_all_write_the_same_prefix_are_found() -> None:
    wrote = Usage(input_tokens=2_000, cache_read_tokens=0, cache_write_tokens=1_990)
    read = Usage(input_tokens=2_000, cache_read_tokens=1_900, cache_write_tokens=90)
    together = [call(name, usage=wrote, at=0.1) for name in "abc"]
    assert codes(together) == ("cold-fan-out",)
    assert "calls 1, 2, 3" in lint(together)[0].place
    assert codes([call("a", usage=wrote, at=0.0), call("b", usage=read, at=2.0)]) == ()
    assert codes([call("a", usage=wrote, at=0.0), call("b", usage=wrote, at=2.0)]) == ()


@pytest.mark.parametrize("vendor", ["openai", "openai-chat"])
def test_the_trap_of_the_implicit_mode_is_found(vendor: str) -> None:
    key = CacheOptions(key="k")
    marked = CacheOptions(key="k", breakpoints=("preamble",))
    assert codes([call("a", vendor=vendor, cache=key)]) == ("implicit-mode-trap",)
    assert codes([call("a", vendor=vendor, cache=marked)]) == ()
    assert codes([call("a", vendor=vendor, cache=key, preamble="Be terse.")]) == ("below-minimum",)
    wrote = Usage(input_tokens=2_000, cache_read_tokens=0, cache_write_tokens=2_000)
    twice = [
        call(name, vendor=vendor, cache=key, usage=wrote, at=at) for name, at in (("a", 0.0), ("b", 60.0))
    ]
    assert [each.severity for each in lint(twice) if each.code == "implicit-mode-trap"] == [
        "error",
        "warning",
    ]


def test_a_missing_cache_key_is_noted_where_it_matters() -> None:
    assert codes([call("a", vendor="openai", model="gpt-5.4")]) == ("no-cache-key",)
    assert codes([call("a", vendor="openai", model="gpt-5.4", cache=CacheOptions(key="k"))]) == ()
    assert codes([call("a", vendor="anthropic")]) == ()


# ------------------------------------------------------------- the list


def test_findings_are_a_list_that_shows_itself() -> None:
    findings = Findings(
        [Finding("b", "note", "p", "<b>s</b>.", "a."), Finding("a", "error", "p", "s.", "a.")] * 2
    )
    assert [each.code for each in findings] == ["a", "b"]
    assert findings.codes == ("a", "b")
    assert len(findings[1:]) == 1
    assert str(findings).splitlines()[0] == "error a at p: s. a."
    assert "<b>" not in findings._repr_html_()
    assert list(findings.frame["severity"]) == ["error", "note"]
    assert not Findings()
    assert str(Findings()) == "nothing found"


def test_nothing_else_is_looked_at() -> None:
    with pytest.raises(UsageError, match="lint takes an agent"):
        lint(3)  # type: ignore[arg-type]
    assert lint([]) == Findings()
