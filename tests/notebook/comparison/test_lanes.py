"""The view model of a comparison: lanes, what is said of them, and which is best at what."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Event,
    RunFinished,
    StopReason,
    TextDelta,
    Timing,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.run.runs_projection import RunsProjection
from tests.notebook.event_sequences import EVENTS

AGENTS = [("a", "vendor:one"), ("b", "vendor:two"), ("c", "vendor:three")]


def answered(lanes: Lanes, lane: int, *, cost: float | None, at_s: float, how: StopReason = "done") -> None:
    """Give a lane a whole run."""
    finished = TurnFinished(
        AssistantMessage.of("x"),
        Usage(input_tokens=10, output_tokens=2),
        timing=Timing(duration_s=at_s, time_to_first_token_s=at_s / 2),
        cost_usd=cost,
    )
    for event in (TurnStarted(1, "m"), TextDelta("x"), finished, RunFinished("x", Usage(), how)):
        lanes.apply(lane, event, at_s)


def test_the_cheapest_and_the_fastest_are_marked_once_all_have_ended() -> None:
    lanes = Lanes("t", AGENTS)
    answered(lanes, 0, cost=0.2, at_s=1.0)
    answered(lanes, 1, cost=0.1, at_s=3.0)
    assert lanes.marks() == [(), (), ()]
    lanes.end(2, "error", "no connection")
    assert lanes.marks() == [("fastest",), ("cheapest",), ()]


def test_a_price_nobody_knows_leaves_the_cheapest_unsaid() -> None:
    lanes = Lanes("t", AGENTS[:2])
    answered(lanes, 0, cost=None, at_s=1.0)
    answered(lanes, 1, cost=0.1, at_s=3.0)
    assert lanes.marks() == [("fastest",), ()]


@pytest.mark.parametrize("how", ["stopped", "error", "max_turns", "cancelled"])
def test_an_answer_that_is_not_whole_wins_nothing_however_quick(how: StopReason) -> None:
    lanes = Lanes("t", AGENTS)
    answered(lanes, 0, cost=0.0001, at_s=0.1, how=how)
    answered(lanes, 1, cost=0.2, at_s=1.0)
    answered(lanes, 2, cost=0.1, at_s=2.0)
    assert lanes.marks() == [(), ("fastest",), ("cheapest",)]


def test_equals_share_a_mark_and_where_all_are_equal_there_is_none() -> None:
    lanes = Lanes("t", AGENTS)
    for lane, cost in enumerate((0.1, 0.1, 0.2)):
        answered(lanes, lane, cost=cost, at_s=1.0)
    assert lanes.marks() == [("cheapest",), ("cheapest",), ()]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([], "3 running"),
        (["done"], "2 running, 1 done"),
        (["done", "error", "stopped"], "1 done, 1 failed, 1 stopped"),
        (["max_turns", "cancelled", "done"], "2 stopped, 1 done"),
    ],
)
def test_the_summary_counts_the_lanes_by_how_they_ended(ends: list[StopReason], said: str) -> None:
    lanes = Lanes("t", AGENTS)
    for lane, how in enumerate(ends):
        lanes.end(lane, how)
    assert lanes.summary == said


@given(st.lists(st.tuples(st.integers(0, 2), EVENTS, st.floats(0, 9)), max_size=30))
@settings(max_examples=60)
def test_whatever_happens_the_document_is_json_and_patches_tell_only_what_changed(
    steps: list[tuple[int, Event, float]],
) -> None:
    lanes = Lanes("t", AGENTS)
    projection = RunsProjection(lanes.entries, lanes.fields)
    document = projection.document()
    assert [entry["about"]["label"] for entry in document["runs"]] == ["a", "b", "c"]
    for lane, event, at_s in steps:
        lanes.apply(lane, event, at_s)
        touched = {operation[1] for operation in projection.patch() if operation[0] in {"in", "entry"}}
        assert touched <= {lane}
    assert projection.patch() == []
    json.dumps(projection.document())
    whole = [number for number, lane in enumerate(lanes) if lane.state.status == "done"]
    assert all(not marks or number in whole for number, marks in enumerate(lanes.marks()))
