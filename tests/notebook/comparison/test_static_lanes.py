"""A comparison as a still picture."""

from __future__ import annotations

import re

from agentlab.messages import (
    AssistantMessage,
    RunFinished,
    TextDelta,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.comparison.static_lanes import lanes_html, lanes_mimebundle, lanes_text
from agentlab.notebook.safety.safe_html import ALLOWED_TAGS
from tests.notebook.hostile import HOSTILE, Contents
from tests.notebook.synthetic import CANARY, text_run, tool_run

ATTRIBUTES = {
    "align",
    "aria-label",
    "class",
    "href",
    "open",
    "rel",
    "role",
    "start",
    "style",
    "tabindex",
    "target",
    "title",
}
OURS = ALLOWED_TAGS | {"div", "details", "summary", "b", "i"}


def three(pace_s: float = 0.1) -> Lanes:
    """One short answer, one run with tools, one failure."""
    lanes = Lanes(
        "What is 1234 + 5678?", [("short", "vendor:one"), ("tools", "vendor:two"), ("broken", "v:3")]
    )
    for lane, events in enumerate((text_run(["It is ", "**6,912**."]), tool_run())):
        for number, event in enumerate(events):
            lanes.apply(lane, event, number * pace_s)
    lanes.apply(2, TurnStarted(1, "v:3"), 0.0)
    lanes.end(2, "error", "ConnectionFailed: nobody there", pace_s)
    return lanes


def test_the_text_is_a_table_of_numbers_with_the_answers_below() -> None:
    lines = lanes_text(three()).splitlines()
    assert lines[0] == "What is 1234 + 5678? [2 done, 1 failed]"
    assert lines[1].split()[:6] == ["agent", "state", "input", "read", "written", "output"]
    assert lines[2].split()[:2] == ["short", "done"]
    assert lines[4].split()[:3] == ["broken", "failed", "–"]  # noqa: RUF001 - a dash, as tables have it
    assert "It is **6,912**." in lines
    assert "-- tools (2 turns, 2 tool calls, reasoning, notices)" in lines
    assert "-- broken · failed: ConnectionFailed: nobody there" in lines
    assert lines[-1] == "no answer"


def test_the_html_holds_the_table_the_answers_side_by_side_and_the_whole_runs_folded() -> None:
    html = lanes_html(three()).html
    contents = Contents(html)
    assert contents.tags <= OURS
    assert html.count("<details") >= 1
    assert (
        html.index("<strong>short</strong>")
        < html.index("<strong>6,912</strong>")
        < html.index("<strong>tools</strong>")
    )
    boxes = html[html.index("display: flex; flex-wrap: wrap") :]
    assert boxes.count("<td") >= 3
    assert CANARY not in html


def test_nothing_of_the_static_mode_depends_on_time_or_price() -> None:
    slow, fast = (lanes_mimebundle(three(pace), deterministic=True) for pace in (0.1, 3.0))
    assert slow == fast
    assert re.search(r"\d (ms|s)\b|0\.0163|cheapest|fastest", slow["text/plain"]) is None


def test_text_of_others_stays_text() -> None:
    for text in HOSTILE:
        lanes = Lanes(text, [(text, text), ("b", text)])
        finished = TurnFinished(AssistantMessage.of(text), Usage())
        for event in (
            TurnStarted(1, text),
            TextDelta(text),
            finished,
            RunFinished(text, Usage(), "error", text),
        ):
            lanes.apply(0, event, 1.0)
        lanes.end(1, "error", text)
        bundle = lanes_mimebundle(lanes)
        contents = Contents(bundle["text/html"])
        assert contents.tags <= OURS, text
        assert {name for _, name, _ in contents.attributes} <= ATTRIBUTES, text
        assert "\x1b" not in bundle["text/plain"], text
        assert "\u202e" not in bundle["text/plain"], text
