"""The rows of a timeline, its axis, and how its time adds up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent.spans import MODEL_CALL_KINDS, Span, spans_of
from agentlab.messages import Event
from agentlab.notebook.trace.chart import axis, duration, rows_of, shares
from agentlab.notebook.trace.marks import MARKS, letter
from tests.notebook.event_sequences import EVENTS

TIMED = st.lists(st.tuples(EVENTS, st.floats(0, 60)), max_size=30)


@given(TIMED)
def test_every_span_stands_in_one_row_and_tools_stand_below_their_turn(
    events: list[tuple[Event, float]],
) -> None:
    spans = spans_of(events)
    rows = rows_of(spans)
    assert sorted(map(id, spans)) == sorted(id(span) for row in rows for span in row.spans)
    for row in rows:
        assert len({(span.turn, span.kind in MODEL_CALL_KINDS) for span in row.spans}) == 1
        assert row.duration_s >= 0
    order = [(row.spans[0].turn, row.is_tool) for row in rows]
    assert order == sorted(order)


@given(TIMED)
def test_no_share_is_longer_than_the_run_and_model_and_waiting_fit_in_it_together(
    events: list[tuple[Event, float]],
) -> None:
    spans = spans_of(events)
    total = max((span.end_s for span in spans), default=0.0)
    found = shares(spans)
    assert all(0 < seconds <= total + 1e-9 for seconds in found.values())
    assert found.get("model", 0) + found.get("waiting", 0) <= total + 1e-9


def test_tools_that_run_at_the_same_time_count_once() -> None:
    tools = [Span(1, "tool", "a", 1.0, 3.0), Span(1, "tool", "b", 2.0, 4.0), Span(1, "tool", "c", 6.0, 7.0)]
    assert shares(tools) == {"tools": 4.0}


def test_what_no_span_covers_is_told_apart_where_it_is_worth_telling() -> None:
    spans = [Span(1, "stream", "m", 2.0, 10.0)]
    assert shares(spans, 10.0) == {"model": 8.0, "other": 2.0}
    assert shares(spans, 8.01) == {"model": 8.0}


def test_an_approval_shares_the_row_of_its_tool_and_calls_with_one_id_do_not_share() -> None:
    asked = [Span(1, "approval", "wipe", 0, 1, call_id="1"), Span(1, "tool", "wipe", 1, 2, call_id="1")]
    again = Span(1, "tool", "wipe", 2, 3, call_id="1")
    assert [row.spans for row in rows_of([*asked, again])] == [tuple(asked), (again,)]


@given(st.floats(1e-6, 1e7))
def test_the_axis_has_few_ticks_that_rise_from_nought_and_stay_inside(total: float) -> None:
    scale = axis([], total)
    assert 2 <= len(scale.ticks) <= 5
    assert scale.ticks[0] == 0
    assert all(scale.share(tick) <= 100 for tick in scale.ticks)
    labels = [scale.label(tick) for tick in scale.ticks]
    assert len(set(labels)) == len(labels)


def test_a_run_without_time_has_an_axis_all_the_same() -> None:
    for total in (0.0, float("nan"), float("inf")):
        assert axis([], total).total_s == 1.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 ms"), (0.25, "250 ms"), (1.234, "1.23 s"), (12.34, "12.3 s"), (1234, "1,234 s")],
)
def test_a_time_has_three_figures_and_a_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_every_kind_has_a_letter_and_a_style_of_its_own() -> None:
    letters = {letter(Span(1, kind, "", 0, 1)) for kind in MARKS} | {
        letter(Span(1, "tool", "", 0, 1, "failed"))
    }
    assert len(letters) == len(MARKS) + 1
    assert len({mark.style for mark in MARKS.values()}) == len(MARKS)
