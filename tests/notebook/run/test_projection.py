"""Patches bring the front end's document to what the run is; checked with the front end's own code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Event,
    Text,
    TextDelta,
    ToolResult,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.run.projection import RESULT_LIMIT, Projection
from agentlab.notebook.run.state import RunState
from agentlab.notebook.safety.safe_html import sanitise
from tests.notebook.event_sequences import SEQUENCES
from tests.notebook.hostile import HOSTILE
from tests.notebook.javascript.node import node_path
from tests.notebook.synthetic import CANARY, tool_run

Document = dict[str, Any]
Replay = Callable[[Document, list[list[Any]]], Document]


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """The front end's own `applyOperations`, in one node process."""
    command = [node_path(), "--no-warnings", str(Path(__file__).parents[1] / "javascript/replay.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pipe_in, pipe_out = process.stdin, process.stdout

        def run(document: Document, patches: list[list[Any]]) -> Document:
            pipe_in.write(json.dumps({"document": document, "patches": patches}) + "\n")
            pipe_in.flush()
            return json.loads(pipe_out.readline())  # type: ignore[no-any-return]

        yield run
        pipe_in.close()


def shown(document: Document) -> Document:
    """A document as it is painted: of each turn only the parts in its order, in that order."""
    document = json.loads(json.dumps(document))
    for turn in document["turns"]:
        turn["parts"] = [turn["parts"][str(key)] for key in turn["head"]["order"]]
    return document


def test_patches_add_up_to_the_snapshot_for_a_whole_run(replay: Replay) -> None:
    state = RunState("title")
    projection = Projection(state)
    start = projection.document()
    patches = []
    for event in tool_run():
        state.apply(event)
        patches.append(projection.patch())
    assert shown(replay(start, patches)) == shown(projection.document())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SEQUENCES, st.data())
def test_patches_taken_at_any_time_add_up_to_the_snapshot(
    replay: Replay, events: list[Event], data: st.DataObject
) -> None:
    flushes = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    state = RunState("title")
    projection = Projection(state)
    start, patches = projection.document(), []
    for event, flush in zip(events, flushes, strict=True):
        state.apply(event)
        if flush:
            patches.append(projection.patch())
    patches.append(projection.patch())
    assert shown(replay(start, patches)) == shown(projection.document())


@settings(max_examples=100)
@given(SEQUENCES)
def test_a_projection_that_saw_every_step_ends_where_one_that_saw_only_the_end_does(
    events: list[Event],
) -> None:
    state = RunState("title")
    stepwise = Projection(state)
    for event in events:
        state.apply(event)
        stepwise.patch()
    late, early = shown(Projection(state).document()), shown(stepwise.document())
    for turn in [*late["turns"], *early["turns"]]:
        for part in turn["parts"]:
            if part["kind"] == "text":
                part["html"] = "".join([*part.pop("blocks"), part.pop("tail")])
    assert early == late


def test_nothing_changed_means_no_patch() -> None:
    state = RunState("title")
    projection = Projection(state)
    projection.document()
    assert projection.patch() == []


def test_a_long_answer_costs_its_length_once() -> None:
    state = RunState("title")
    projection = Projection(state)
    state.apply(TurnStarted(1, "m"))
    sent, pieces = 0, ["some words of a paragraph "] * 400 + ["\n\n```\n"] + ["x = 1 # code\n"] * 400
    for piece in pieces:
        state.apply(TextDelta(piece))
        sent += len(json.dumps(projection.patch()))
    assert sent < 8 * sum(map(len, pieces))


def test_every_piece_of_html_in_a_document_is_already_clean() -> None:
    for text in HOSTILE:
        state = RunState(text)
        projection = Projection(state)
        state.apply(TurnStarted(1, text))
        state.apply(TextDelta(text))
        [turn] = projection.document()["turns"]
        for part in turn["parts"].values():
            for markup in [*part["blocks"], part["tail"]]:
                assert sanitise(markup).html == markup


def test_no_request_body_is_in_any_patch_or_document() -> None:
    state = RunState("title")
    projection = Projection(state)
    told = []
    for event in tool_run():
        state.apply(event)
        told.append(projection.patch())
    assert CANARY not in json.dumps([told, projection.document()])


def test_long_results_are_cut_and_say_so() -> None:
    state = RunState("title")
    state.apply(ToolResult("c", "read", (Text("x" * 50_000),)))
    [part] = Projection(state).document()["turns"][0]["parts"].values()
    assert len(part["result"]) < RESULT_LIMIT + 40
    assert part["result"].endswith("42,000 more characters")


def test_a_turn_without_usage_reports_none_and_not_zero() -> None:
    state = RunState("title")
    state.apply(TurnFinished(AssistantMessage.of("x"), Usage()))
    assert Projection(state).document()["turns"][0]["head"]["tokens"] == {}
