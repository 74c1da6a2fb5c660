"""Every view in every state it can be in, on a plain page: for axe-core, for the keyboard, for pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from agentlab.messages import (
    ApprovalAsked,
    Event,
    Notice,
    ReasoningDelta,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    RunFinished,
    TextDelta,
    ToolCall,
    ToolStarted,
    TurnStarted,
    Usage,
)
from agentlab.notebook.cache.cache_view import cache_view
from agentlab.notebook.chat.static_view import mimebundle
from tests.notebook.cache.test_cache_view import MONDAY, TUESDAY
from tests.notebook.chat.reader import CHAT_SCENES, Reader
from tests.notebook.chat.scripted_model import Gate
from tests.notebook.comparison.shown_lanes import COMPARISON_SCENES
from tests.notebook.page import WidgetPage
from tests.notebook.shown_run import ShownRun, shown
from tests.notebook.synthetic import THOUGHT, text_run, tool_run, words
from tests.notebook.trace.shown_timeline import TRACE_SCENES

__all__ = ["SCENES", "Scene"]

Scene = Callable[[WidgetPage], AbstractContextManager[object]]
MODEL: Final = "sim:anthropic/claude-sonnet-5"
PROMPT: Final = "What is 1234 + 5678, and what did it cost?"
CALL: Final = ToolCall("call_9", "delete_table", '{"table": "prices_2024", "cascade": true}')


def _live(events: list[Event]) -> Scene:
    @contextmanager
    def scene(page: WidgetPage) -> Iterator[ShownRun]:
        with shown(page, PROMPT, stop=lambda: None, decide=lambda _call_id, _approved: None) as run:
            run.tell(events)
            yield run

    return scene


def _frozen(events: list[Event], detail: str | None = None) -> Scene:
    @contextmanager
    def scene(page: WidgetPage) -> Iterator[None]:
        with shown(page, PROMPT) as run:
            run.tell(events)
            page.show(run.finish("error" if detail else "cancelled", detail))
            yield

    return scene


def _asking() -> list[Event]:
    return [
        TurnStarted(1, MODEL),
        *(ReasoningDelta(piece) for piece in words(THOUGHT)),
        TextDelta("I would delete the old table. "),
        CALL,
        ApprovalAsked(CALL.id, CALL.name, "it cannot be undone"),
    ]


def _streaming() -> list[Event]:
    events = tool_run()
    at = next(
        place for place, event in enumerate(events) if isinstance(event, TurnStarted) and event.turn == 2
    )
    return [
        *events[: at + 1],
        Notice("prefix_moved", "the request no longer begins like the one before: block 2 (system) changed"),
        *events[at + 1 : at + 55],
    ]


def _retrieving() -> list[Event]:
    return [
        RetrievalStarted(0, "documents", "handbook", PROMPT),
        RetrievalStarted(1, "tools", "tools", PROMPT),
    ]


def _retrieved() -> list[Event]:
    pages = (
        RetrievedHit("prices/2024#3", 0.734, 812, "Prices of 2024, by table and by month: what a row costs."),
        RetrievedHit("prices/2023#1", 0.518, 640, "Prices of 2023.", used=False),
    )
    tools = (RetrievedHit("delete_table", 2.31, 268, "Delete a table and what depends on it."),)
    return [
        *_retrieving(),
        Retrieved(0, "documents", "handbook", PROMPT, pages, 0.084),
        Retrieved(1, "tools", "tools", PROMPT, tools, 0.011),
    ]


def _working() -> list[Event]:
    return [*_retrieved(), *_asking()[:-1], ToolStarted(CALL.id, CALL.name)]


@contextmanager
def _cache(page: WidgetPage) -> Iterator[None]:
    page.show(cache_view(MONDAY, TUESDAY).html().html)
    yield


@contextmanager
def _chat_streaming(page: WidgetPage) -> Iterator[Reader]:
    gate = Gate()
    reader = Reader(page, ["The sum is **6,912**, for:\n\n- 1,000 + 5,000\n- 234 + ", gate])
    reader.type("What is 1234 + 5678?")
    reader.sees("234 +")
    reader.looks_away()
    try:
        yield reader
    finally:
        reader.chat.stop()
        reader.waits_until_idle(1)


@contextmanager
def _chat_frozen(page: WidgetPage) -> Iterator[None]:
    reader = Reader(page, ["The sum is **6,912**."], ["A *half* answer."])
    for number, text in enumerate(("What is 1234 + 5678?", "And in words?"), 1):
        reader.type(text)
        reader.waits_until_idle(number)
    page.show(mimebundle(reader.chat.conversation)["text/html"])
    yield


SCENES: Final[dict[str, Scene]] = {
    "run-waiting": _live([TurnStarted(1, MODEL)]),
    "run-retrieving": _live(_retrieving()),
    "run-streaming": _live(_streaming()),
    "run-tool": _live(_working()),
    "run-asking": _live(_asking()),
    "run-whole": _live(tool_run()[:-1]),
    "run-stopped": _live(
        [
            *text_run(words("Half an answer, cut off in the mid"))[:-2],
            RunFinished("", Usage(), stop_reason="stopped"),
        ]
    ),
    "run-failed": _live(
        [
            *tool_run()[:20],
            RunFinished(
                "", Usage(), stop_reason="error", detail="ProviderError: 529 overloaded after 3 attempts"
            ),
        ]
    ),
    "run-frozen": _frozen(tool_run()),
    "run-frozen-stopped": _frozen(text_run(words("Half an answer, cut off in the mid"))[:-2]),
    "run-frozen-failed": _frozen(tool_run()[:20], "ProviderError: 529 overloaded after 3 attempts"),
    **CHAT_SCENES,
    "chat-streaming": _chat_streaming,
    "chat-frozen": _chat_frozen,
    **COMPARISON_SCENES,
    **TRACE_SCENES,
    "cache-moved": _cache,
}
