"""Where the time of a run went, read from its events."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent.spans import MODEL_CALL_KINDS, Span, spans_frame, spans_of
from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Event,
    Notice,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Retrying,
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
from tests.notebook.event_sequences import EVENTS

_IDS = st.sampled_from(["call_1", "call_2", ""])
ANY_EVENTS = (
    EVENTS | st.builds(ApprovalAsked, _IDS, st.just("add")) | st.builds(ApprovalGiven, _IDS, st.booleans())
)
TIMES = st.floats(-1, 100) | st.just(float("nan"))
SENT = RequestSent("w", "u", "{}")


def finished(*calls: ToolCall, turn: int = 1) -> TurnFinished:
    return TurnFinished(AssistantMessage.of("x", *calls), Usage(output_tokens=1234), turn=turn)


def told(spans: tuple[Span, ...]) -> list[tuple[str, float, float, str]]:
    return [(span.kind, span.start_s, span.end_s, span.status) for span in spans]


@given(st.lists(st.tuples(ANY_EVENTS, TIMES), max_size=40))
def test_any_sequence_has_spans_that_begin_in_order_are_never_negative_and_stay_in_the_run(
    events: list[tuple[Event, float]],
) -> None:
    spans = spans_of(events)
    end = max([0.0, *(at_s for _, at_s in events if at_s > 0)])
    for span in spans:
        assert 0 <= span.start_s <= span.end_s <= end
    assert all(one.start_s <= other.start_s for one, other in itertools.pairwise(spans))


@given(
    st.lists(
        st.tuples(
            ANY_EVENTS.filter(lambda event: not isinstance(event, TurnStarted | TurnFinished | RunFinished)),
            st.floats(0, 5),
        ),
        max_size=30,
    )
)
def test_the_spans_of_a_model_call_add_up_to_it_whatever_happens_in_it(
    steps: list[tuple[Event, float]],
) -> None:
    events: list[tuple[Event, float]] = [(TurnStarted(1, "m"), 2.0)]
    at_s = 2.0
    for event, passed in [*steps, (finished(), 1.0)]:
        at_s += passed
        events.append((event, at_s))
    spans = [span for span in spans_of(events) if span.kind in MODEL_CALL_KINDS]
    assert (spans[0].start_s, spans[-1].end_s) == (2.0, at_s)
    assert all(one.end_s == other.start_s for one, other in itertools.pairwise(spans))
    assert sum(span.duration_s for span in spans) == pytest.approx(at_s - 2.0)


def test_a_call_that_waits_is_refused_and_answers_on_its_second_attempt() -> None:
    spans = spans_of(
        [
            (TurnStarted(1, "vendor:model"), 0.0),
            (SENT, 1.0),
            (Retrying(1, 0.5, "rate limited", 429), 1.2),
            (SENT, 1.7),
            (TextDelta("a"), 2.0),
            (TextDelta("b"), 2.4),
            (finished(), 2.5),
            (RunFinished("ab", Usage()), 2.5),
        ]
    )
    assert told(spans) == [
        ("queue", 0.0, 1.0, "ok"),
        ("attempt", 1.0, 1.2, "failed"),
        ("retry_wait", 1.2, 1.7, "ok"),
        ("first_token", 1.7, 2.0, "ok"),
        ("stream", 2.0, 2.5, "ok"),
    ]
    assert spans[1].detail == "attempt 1: rate limited (HTTP 429)"
    assert spans[-1].detail == "1,234 output tokens"
    assert {span.name for span in spans} == {"vendor:model"}


def test_searches_run_at_the_same_time_before_the_first_turn_and_each_took_as_long_as_it_says() -> None:
    hits = (RetrievedHit("a"), RetrievedHit("b", used=False))
    events: list[tuple[Event, float]] = [
        (RetrievalStarted(0, "documents", "handbook", "q"), 1.0),
        (RetrievalStarted(1, "tools", "tools", "q"), 1.0),
        (Retrieved(0, "documents", "handbook", "q", hits, 0.5), 3.0),
        (Retrieved(1, "tools", "tools", "q", (), 99.0), 3.0),
        (TurnStarted(1, "m"), 3.0),
    ]
    spans = spans_of(events)
    assert told(spans)[:2] == [("retrieval", 1.0, 1.5, "ok"), ("retrieval", 1.0, 3.0, "ok")]
    assert [(span.turn, span.name, span.detail) for span in spans[:2]] == [
        (0, "handbook", "2 documents found, 1 used"),
        (0, "tools", "0 tools found, 0 used"),
    ]


def test_a_request_sent_again_without_its_tools_counts_as_a_failed_attempt() -> None:
    spans = spans_of(
        [
            (TurnStarted(1, "m"), 0.0),
            (SENT, 0.0),
            (Notice("tools_dropped", "cannot call tools"), 0.3),
            (SENT, 0.3),
            (finished(), 0.9),
        ]
    )
    assert ("attempt", 0.0, 0.3, "failed") in told(spans)
    assert told(spans)[-1] == ("first_token", 0.3, 0.9, "ok")


def test_a_model_that_does_not_say_when_it_sends_is_waited_for_and_not_queued() -> None:
    spans = spans_of([(TurnStarted(1, "m"), 0.0), (TextDelta("a"), 1.0), (finished(), 2.0)])
    assert told(spans) == [("first_token", 0.0, 1.0, "ok"), ("stream", 1.0, 2.0, "ok")]


def test_parallel_tools_overlap_and_an_approval_stands_before_its_tool() -> None:
    first, second = ToolCall("1", "add", '{"a": 1}'), ToolCall("2", "wipe", "{}")
    events: list[tuple[Event, float]] = [
        (TurnStarted(1, "m"), 0.0),
        (first, 0.1),
        (second, 0.1),
        (finished(first, second), 0.2),
        (ApprovalAsked("2", "wipe", "deletes files"), 0.2),
        (ToolStarted("1", "add"), 0.2),
        (ToolResult("1", "add", (Text("3"),)), 0.9),
        (ApprovalGiven("2", approved=True), 1.2),
        (ToolStarted("2", "wipe"), 1.2),
        (ToolResult("2", "wipe", (Text("no"),), "failed"), 1.5),
    ]
    tools = [span for span in spans_of(events) if span.kind not in MODEL_CALL_KINDS]
    assert told(tuple(tools)) == [
        ("approval", 0.2, 1.2, "ok"),
        ("tool", 0.2, 0.9, "ok"),
        ("tool", 1.2, 1.5, "failed"),
    ]
    assert [(span.name, span.detail, span.call_id) for span in tools] == [
        ("wipe", "deletes files", "2"),
        ("add", '{"a": 1}', "1"),
        ("wipe", "{}", "2"),
    ]


def test_a_denied_call_is_a_span_without_length() -> None:
    denied = [
        (ApprovalAsked("1", "wipe"), 0.0),
        (ApprovalGiven("1", approved=False, note="not today"), 2.0),
        (ToolResult("1", "wipe", (Text("not today"),), "skipped"), 2.0),
    ]
    approval, tool = spans_of(denied)
    assert (approval.status, approval.detail, approval.duration_s) == ("denied", "not today", 2.0)
    assert (tool.status, tool.duration_s) == ("skipped", 0.0)


def test_what_is_under_way_is_open_and_what_a_failed_run_cut_off_has_failed() -> None:
    begun: list[tuple[Event, float]] = [(TurnStarted(1, "m"), 0.0), (SENT, 0.5), (TextDelta("a"), 1.0)]
    assert told(spans_of(begun))[-1] == ("stream", 1.0, 1.0, "open")
    cut = spans_of([*begun, (RunFinished("a", Usage(), "error", "connection lost"), 3.0)])
    assert told(cut)[-1] == ("stream", 1.0, 3.0, "failed")
    assert cut[-1].detail == "connection lost"
    stopped = spans_of([*begun, (ToolStarted("1", "add"), 1.5), (RunFinished("a", Usage(), "stopped"), 3.0)])
    assert {span.status for span in stopped if span.kind not in {"first_token", "queue"}} == {"interrupted"}


def test_nothing_after_the_end_of_the_run_is_read() -> None:
    assert spans_of([(RunFinished("", Usage()), 1.0), (TurnStarted(1, "m"), 2.0)]) == ()


def test_the_frame_has_its_columns_and_types_with_rows_and_without() -> None:
    for spans in ((), (Span(1, "tool", "add", 0.5, 2.0, "failed", "{}", "1"),)):
        frame = spans_frame(spans)
        assert list(frame.columns) == [
            "turn",
            "kind",
            "name",
            "start_s",
            "end_s",
            "duration_s",
            "status",
            "detail",
            "call_id",
            "run_id",
            "agent",
            "depth",
        ]
        assert str(frame["turn"].dtype) == "int64"
        assert str(frame["duration_s"].dtype) == "float64"
    assert frame["duration_s"].tolist() == [1.5]
