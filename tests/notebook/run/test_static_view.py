"""The still picture of a run."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings

from agentlab.messages import (
    AssistantMessage,
    Event,
    Notice,
    Reasoning,
    ReasoningBlock,
    ReasoningText,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.static_view import mimebundle, static_html, static_text
from agentlab.notebook.run.usage_table import numbers_text
from tests.notebook.event_sequences import SEQUENCES
from tests.notebook.hostile import HOSTILE, Contents
from tests.notebook.synthetic import CANARY, tool_run

OWN_TAGS = {"div", "details", "summary"}
OWN_ATTRIBUTES = {"style", "title", "open", "class", "href", "rel", "target", "start", "align"}


def state_of(events: list[Event], pace_s: float = 0.01) -> RunState:
    state = RunState("What is 1234 + 5678?")
    for number, event in enumerate(events):
        state.apply(event, number * pace_s)
    return state


def saying(text: str) -> RunState:
    """A run in which everybody says this text, in every place there is."""
    call = ToolCall(text, text, text)
    state = RunState(text)
    for event in (
        TurnStarted(1, text),
        Notice("warning", text),
        ReasoningBlock(Reasoning((ReasoningText(text),))),
        call,
        TextDelta(text, 2),
        TurnFinished(
            AssistantMessage.of(Reasoning((ReasoningText(text),)), call, text), Usage(input_tokens=1)
        ),
        ToolResult(text, text, (Text(text),), status="failed"),
        TurnStarted(2, text),
        TextDelta(text),
        RunFinished(text, Usage(), "error", text),
    ):
        state.apply(event)
    return state


PLAIN_STYLES = {
    value for tag, name, value in Contents(static_html(saying("plain")).html).attributes if name == "style"
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_place_adds_no_element_and_no_style(text: str) -> None:
    contents = Contents(static_html(saying(text)).html)
    markdown_tags = {
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "ul",
    }
    assert contents.tags <= OWN_TAGS | markdown_tags | {"table", "thead", "tbody", "tr", "th", "td"}
    for tag, name, value in contents.attributes:
        assert name in OWN_ATTRIBUTES, (tag, name)
        if name == "style":
            assert value in PLAIN_STYLES
        if name == "href":
            assert re.match("(?i)https?://|mailto:", value)
    assert "javascript:" not in "".join(
        value.lower() for _, name, value in contents.attributes if name == "href"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_prints_without_controls(text: str) -> None:
    printed = static_text(saying(text))
    assert not [one for one in printed if unicodedata.category(one) == "Cc" and one not in "\n\t"]
    printed.encode()


@settings(max_examples=100)
@given(SEQUENCES)
def test_any_run_has_a_picture(events: list[Event]) -> None:
    bundle = mimebundle(state_of(events))
    assert set(bundle) == {"text/html", "text/plain"}
    bundle["text/html"].encode()


def test_a_run_reads_whole_without_styles() -> None:
    text = " ".join(Contents(static_html(state_of(tool_run())).html).text.split())
    for part in (
        "What is 1234 + 5678? · done",
        "retrying: attempt 1 failed (HTTP 429): rate limited",
        "reasoning",
        "ok · 10 ms",
        "no such table: prices",
        "The sum is 6,912",
        "[image: chart (https://images.invalid/?q=1)]",
        "total",
        "$0.0163",
    ):
        assert part in text


def test_mathjax_leaves_the_picture_alone() -> None:
    assert static_html(state_of([])).html.startswith(
        '<div class="agentlab-run mathjax_ignore tex2jax_ignore"'
    )


def test_the_table_has_a_row_a_turn_and_the_totals() -> None:
    html = static_html(state_of(tool_run())).html
    rows = re.findall(r"<tr>(.*?)</tr>", html[html.rindex("<thead>") :])
    cells = [[Contents(cell).text for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
    assert cells[0] == [
        "",
        "■ uncached",
        "■ read",
        "■ written 5m",
        "■ written 1h",
        "■ output",
        "■ of it reasoning",
        "cost",
        "first token",
        "time",
    ]
    assert cells[1] == ["turn 1", "300", "0", "1,000", "200", "260", "190", "$0.0123", "420 ms", "1.21 s"]
    assert cells[2][:7] == ["turn 2", "200", "1,200", "300", "–", "140", "0"]  # noqa: RUF001 - the dash of the table
    assert cells[3][:8] == ["total", "500", "1,200", "1,300", "200", "400", "190", "$0.0163"]


def test_the_text_form_names_what_was_not_reported() -> None:
    assert numbers_text(Usage()) == "not reported"
    assert numbers_text(Usage(input_tokens=5, cache_read_tokens=0)) == "uncached 5, read 0"


def test_the_deterministic_picture_is_the_same_however_long_things_took() -> None:
    slow, fast = state_of(tool_run(), 0.5), state_of(tool_run(), 0.01)
    assert mimebundle(slow, deterministic=True) == mimebundle(fast, deterministic=True)
    assert mimebundle(slow) != mimebundle(fast)
    for form in mimebundle(slow, deterministic=True).values():
        assert "$0.0163" not in form
        assert " ms" not in form
        assert "0.5 s" not in form


def test_a_stopped_run_says_so_and_keeps_its_partial_answer() -> None:
    state = state_of([TurnStarted(1, "m"), TextDelta("half an answ")])
    state.stop("cancelled")
    for form in mimebundle(state).values():
        assert "half an answ" in form
        assert "stopped" in form


def test_no_request_body_is_in_the_picture() -> None:
    assert CANARY not in "".join(mimebundle(state_of(tool_run())).values())
