"""A run's timeline as HTML and as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

import agentlab as al
from agentlab.agent.trace import Trace
from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantMessage,
    Event,
    RequestSent,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.trace.timeline import Timeline, timeline
from tests.notebook.event_sequences import SEQUENCES
from tests.notebook.hostile import HOSTILE, Contents
from tests.notebook.synthetic import CANARY, tool_run

OURS = {"div", "span", "strong", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
ATTRIBUTES = {"aria-label", "class", "role", "style", "tabindex", "title"}


def trace_of(events: list[Event], *, title: str = "What is 1234 + 5678?", pace_s: float = 0.1) -> Trace:
    trace = Trace("run", "agent", "sim:openai/gpt-5.6", title=title)
    for number, event in enumerate(events):
        trace.add(event, number * pace_s)
    return trace


def hostile_run(text: str) -> Trace:
    call = ToolCall(text or "1", text, text)
    events: list[Event] = [
        TurnStarted(1, text),
        call,
        TurnFinished(AssistantMessage.of(call), Usage()),
        ToolStarted(call.id, text),
        ToolResult(call.id, text, (Text(text),), "failed"),
        RunFinished(text, Usage(), "error", text),
    ]
    return trace_of(events, title=text)


def test_the_text_is_a_chart_with_a_row_a_call_an_axis_and_a_legend() -> None:
    lines = str(timeline(trace_of(tool_run()))).splitlines()
    assert lines[0].startswith("What is 1234 + 5678? [done] 2 turns, 2 tool calls, ")
    assert lines[1].split() == ["0", "5", "s", "10", "s"]
    assert [line.split()[0] for line in lines[2:6]] == ["turn", "add", "lookup", "turn"]
    assert "#" in lines[3]
    assert "X" in lines[4]
    assert "= answer" in lines[-1]
    assert "X tool that failed" in lines[-1]
    assert len({len(line) for line in lines[2:6]}) == 1


def test_the_html_says_in_words_what_its_boxes_show() -> None:
    shown = timeline(trace_of(tool_run()))
    html = shown._repr_html_()
    contents = Contents(html)
    assert contents.tags <= OURS
    for words in (
        "failed attempt",
        "pause before a retry",
        "answer",
        "tool failed",
        "turn 2",
        f"{len(shown.spans)} spans",
    ):
        assert words in contents.text, words
    assert "attempt 1: rate limited (HTTP 429)" in contents.text
    titles = {value for _, name, value in contents.attributes if name == "title"}
    assert any(title.startswith("lookup: tool failed") for title in titles)
    assert CANARY not in html


@given(SEQUENCES)
@settings(max_examples=40)
def test_any_run_has_a_picture(events: list[Event]) -> None:
    shown = Timeline(trace_of(events), with_turns=True)
    assert Contents(shown._repr_html_()).tags <= OURS
    str(shown).encode()


def test_text_of_others_stays_text() -> None:
    for text in HOSTILE:
        bundle = Timeline(hostile_run(text), with_turns=True).mimebundle()
        contents = Contents(bundle["text/html"])
        assert contents.tags <= OURS, text
        assert {name for _, name, _ in contents.attributes} <= ATTRIBUTES, text
        assert "\x1b" not in bundle["text/plain"], text
        assert "\u202e" not in bundle["text/plain"], text


def test_the_static_mode_has_order_and_structure_and_no_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    slow, fast = (Timeline(trace_of(tool_run(), pace_s=pace), with_turns=True) for pace in (0.1, 7.0))
    assert slow.mimebundle() == fast.mimebundle()
    text = str(slow)
    assert "tool failed" in text
    assert "pause before a retry" in text
    assert re.search(r"\d (ms|s)\b", text) is None
    assert "$" not in text


def test_a_trace_shows_itself_with_the_tokens_of_its_turns() -> None:
    trace = trace_of(tool_run())
    bundle = trace._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "turn 2 tokens: uncached 200, read 1,200" in bundle["text/plain"]
    assert "1,200" in Contents(bundle["text/html"]).text
    assert "turn 2 tokens" not in str(timeline(trace))


def test_a_long_run_is_drawn_bounded_and_says_what_it_leaves_out() -> None:
    turn: list[Event] = [
        RequestSent("w", "u", "{}"),
        TextDelta("x"),
        TurnFinished(AssistantMessage.of("x"), Usage()),
    ]
    events = [event for number in range(1, 301) for event in (TurnStarted(number, "m"), *turn)]
    shown = timeline(trace_of(events))
    html = shown._repr_html_()
    assert len(html) < 300_000
    assert "270 more rows" in Contents(html).text
    assert "in `Trace.spans`" in Contents(html).text
    assert "... 100 more rows" in str(shown)
    assert len(shown.df) == 900


def test_a_trace_without_events_has_a_picture_too() -> None:
    shown = timeline(trace_of([]))
    assert "[running] 0 turns" in str(shown)
    assert repr(shown) == "Timeline(turns=0, spans=0)"


def test_a_run_and_a_stream_are_taken_for_their_trace() -> None:
    agent = al.Agent("sim:openai/gpt-5.6")
    run = agent.prompt_sync("Say hello.")
    shown = timeline(run)
    assert list(shown.df["kind"]) == ["queue", "first_token", "stream"]
    assert shown.df["end_s"].max() <= run.trace.events[-1].at_s
    assert shown.df.equals(run.trace.spans)
    assert timeline(agent.stream_prompt("x")).spans == ()


@pytest.mark.parametrize("wrong", ["a text", None, 3])
def test_anything_else_is_refused_and_the_error_says_what_to_pass(wrong: object) -> None:
    with pytest.raises(UsageError, match=f"this is a {type(wrong).__name__}; pass what"):
        timeline(wrong)
