"""A comparison of made-up runs on a plain page, told step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from agentlab.messages import (
    ApprovalAsked,
    Event,
    Retrying,
    RunFinished,
    TextDelta,
    ToolCall,
    TurnStarted,
    Usage,
)
from agentlab.notebook.comparison.comparison_view import ComparisonView
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.comparison.static_lanes import lanes_html
from agentlab.notebook.run.publisher import Publisher
from agentlab.notebook.run.runs_projection import RunsProjection
from tests.notebook.page import WidgetPage
from tests.notebook.synthetic import text_run, tool_run, words

__all__ = ["COMPARISON_SCENES", "FAILED", "PROMPT", "SHORT", "ShownLanes", "told"]

PROMPT: Final = "What is 1234 + 5678? Explain each step in one line, " + "and_break_no_word_" * 6
AGENTS: Final = (
    ("gpt", "openai:gpt-5.6"),
    ("sonnet", "anthropic:claude-sonnet-5"),
    ("gemini", "gemini:gemini-3.1-flash-preview"),
    ("asks first", "openai:gpt-5.6-mini"),
    ("a label that is far too long for the lane it has", "anthropic:claude-opus-5-with-a-very-long-name"),
    ("local", "ollama:qwen3:32b"),
)
SHORT: Final = text_run(
    words("The sum is **6,912**:\n\n1. 1,000 + 5,000\n2. 234 + 678\n\n```python\n1234 + 5678\n```\n")
)
FAILED: Final[list[Event]] = [
    TurnStarted(1, "gemini:gemini-3.1-flash-preview"),
    Retrying(1, 0.5, "rate limited", 429),
    RunFinished(
        "", Usage(), "error", "RateLimited: 429, the rate limit of this project is reached; wait 20 s"
    ),
]
CALL: Final = ToolCall("call_9", "delete_table", '{"table": "prices_2024"}')
ASKING: Final[list[Event]] = [
    TurnStarted(1, "m"),
    CALL,
    ApprovalAsked(CALL.id, CALL.name, "it cannot be undone"),
]
RUNNING: Final[list[Event]] = [
    TurnStarted(1, "m"),
    *map(TextDelta, words("I would delete the old table. " * 20)),
]
BY_LANE: Final = (SHORT, tool_run(), FAILED, ASKING, RUNNING, SHORT)


class Scene(Protocol):
    """Something to be shown on a page."""

    def __call__(self, page: WidgetPage) -> AbstractContextManager[object]: ...


class ShownLanes:
    """A comparison on a page, its publisher driven by hand.

    Attributes:
        heard: What the reader has asked for.
    """

    def __init__(self, page: WidgetPage, count: int, *, stops_each: bool = True) -> None:
        self.page = page
        self.lanes = Lanes(PROMPT, AGENTS[:count])
        self.heard: list[object] = []
        projection = RunsProjection(self.lanes.entries, self.lanes.fields)
        snapshot = {"sequence": 0, "document": projection.document()}
        self.view = ComparisonView(snapshot, stops_each=stops_each)
        self._clock = 0.0
        self.publisher = Publisher(
            projection, self.view, size=lambda: 0, clock=self._tick, later=lambda _delay, _callback: False
        )
        self.view.listen(
            on_request=self.publisher.snapshot,
            on_stop=lambda lane: self.heard.append(("stop", lane)),
            on_decide=lambda *decision: self.heard.append(decision),
        )
        page.mount(self.view)

    def tell(self, lane: int, events: list[Event]) -> None:
        """Let things happen in a lane, and the page hear of it."""
        for event in events:
            self.lanes.apply(lane, event, self._clock)
            self.publisher.changed()
        self.page.pump()

    def _tick(self) -> float:
        self._clock += 0.05
        return self._clock


def told(count: int, *, whole: bool = False) -> Lanes:
    """So many lanes in the middle of things, or each with a whole run."""
    lanes = Lanes(PROMPT, AGENTS[:count])
    for lane in range(count):
        events = BY_LANE[lane]
        for place, event in enumerate(events):
            lanes.apply(lane, event, place / 50)
        if whole:
            lanes.end(lane, "stopped", None, 3.0)
    return lanes


def _live(count: int) -> Scene:
    @contextmanager
    def scene(page: WidgetPage) -> Iterator[ShownLanes]:
        shown = ShownLanes(page, count)
        for lane in range(count):
            shown.tell(lane, BY_LANE[lane])
        yield shown

    return scene


def _frozen(count: int) -> Scene:
    @contextmanager
    def scene(page: WidgetPage) -> Iterator[None]:
        page.show(lanes_html(told(count, whole=True)).html)
        yield

    return scene


COMPARISON_SCENES: Final[dict[str, Scene]] = {
    "comparison-two": _live(2),
    "comparison-six": _live(6),
    "comparison-frozen": _frozen(3),
}
