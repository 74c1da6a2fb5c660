"""Patches bring the front end's document to what the run is; checked with the front end's own code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Audio,
    Base64Source,
    Event,
    Image,
    Reasoning,
    ReasoningDelta,
    ReasoningText,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.run.projection import RESULT_LIMIT, Projection
from agentlab.notebook.run.state import RunState
from agentlab.notebook.safety.safe_html import sanitise
from tests.modalities.provider import WAV
from tests.notebook.event_sequences import SEQUENCES
from tests.notebook.hostile import HOSTILE
from tests.notebook.javascript.replaying import Replay, painted, replaying
from tests.notebook.run.made_images import PNG
from tests.notebook.synthetic import CANARY, tool_run


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """The front end's own code, in one node process."""
    with replaying() as run:
        yield run


def test_patches_add_up_to_the_snapshot_for_a_whole_run(replay: Replay) -> None:
    state = RunState("title")
    projection = Projection(state)
    start = projection.document()
    patches = []
    for event in tool_run():
        state.apply(event)
        patches.append(projection.patch())
    assert painted(replay(start, patches)) == painted(projection.document())


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
    assert painted(replay(start, patches)) == painted(projection.document())


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
    late, early = painted(Projection(state).document()), painted(stepwise.document())
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


def test_a_call_that_asks_names_its_id_and_reason_and_the_run_says_who_asks() -> None:
    state = RunState("title")
    projection = Projection(state)
    for event in (ToolCall("c", "delete", "{}"), ApprovalAsked("c", "delete", "it deletes")):
        state.apply(event)
    document = projection.document()
    [part] = document["turns"][0]["parts"].values()
    assert (part["call_id"], part["status"], part["reason"]) == ("c", "asking", "it deletes")
    assert (document["asking"], document["label"]) == (["delete"], "waiting for approval")
    state.apply(ApprovalGiven("c", approved=True))
    [operation, changed] = projection.patch()
    assert operation[:3] == ["part", 0, 1]
    assert operation[3]["decision"] == "approved"
    assert changed == ["run", {"label": "running", "asking": []}]


def test_an_estimate_is_told_in_few_bytes_and_taken_back_when_usage_comes() -> None:
    state = RunState("title")
    projection = Projection(state)
    state.apply(TurnStarted(1, "m"))
    state.apply(ReasoningDelta("some"))
    projection.patch()
    state.apply(ReasoningDelta(" more thought"))
    assert projection.patch() == [
        ["estimate", 0, 3],
        ["add", 0, 1, "text", " more thought"],
        ["set", 0, 1, {"tokens": 3, "estimated": True}],
    ]
    thought = Reasoning((ReasoningText("some more thought"),))
    state.apply(TurnFinished(AssistantMessage.of(thought), Usage(output_tokens=5, reasoning_tokens=5)))
    assert [one for one in projection.patch() if one[0] in {"estimate", "set"}] == [
        ["estimate", 0, None],
        ["set", 0, 1, {"tokens": 5, "estimated": False}],
    ]


def test_the_document_names_the_models_and_when_it_began_and_freezes_the_time_at_the_end() -> None:
    state = RunState("title", started_at=1_700_000_000.0)
    state.apply(TurnStarted(1, "a"), 0.5)
    document = Projection(state).document()
    assert (document["model"], document["started"], document["time"]) == ("a", 1_700_000_000.0, None)
    state.stop("stopped", at_s=2.5)
    assert Projection(state).document()["time"] == "2.50 s"


def test_an_image_of_a_tool_is_told_as_its_own_bytes() -> None:
    state = RunState("title")
    state.apply(ToolResult("c", "plot", (Image.from_bytes(PNG, "text/html"),)))
    [part] = Projection(state).document()["turns"][0]["parts"].values()
    [picture] = part["pictures"]
    assert picture["address"].startswith("data:image/png;base64,")
    assert (picture["caption"], picture["width"], picture["height"]) == ("image, 3 × 2 pixels", 3, 2)  # noqa: RUF001 - the sign for "by"


def test_a_picture_and_a_sound_of_an_answer_are_told_once_as_their_own_bytes() -> None:
    state = RunState("title")
    projection = Projection(state)
    sound = Audio(Base64Source.from_bytes(WAV), "audio/mp3")
    state.apply(TurnFinished(AssistantMessage.of(Image.from_bytes(PNG), sound), Usage()))
    told = [operation[3] for operation in projection.patch() if operation[0] == "part"]
    assert [part["kind"] for part in told] == ["picture", "sound"]
    assert told[0]["address"].startswith("data:image/png;base64,")
    assert told[1]["address"].startswith("data:audio/wav;base64,")
    assert told[1]["caption"] == f"sound, wav, {len(WAV)} bytes"
    assert projection.patch() == []


def test_a_search_is_told_when_it_begins_and_when_it_has_found_something() -> None:
    state = RunState("title")
    projection = Projection(state)
    state.apply(RetrievalStarted(0, "documents", "handbook", "refunds?"))
    [part] = projection.document()["turns"][0]["parts"].values()
    assert (part["kind"], part["headline"], part["status"]) == (
        "retrieval", "retrieving documents", "searching",
    )  # fmt: skip
    hit = RetrievedHit("a", 0.51234, 12, "Refunds take", used=False)
    state.apply(Retrieved(0, "documents", "handbook", "refunds?", (hit,), 0.25))
    [operation] = [one for one in projection.patch() if one[0] == "part"]
    assert operation == [
        "part", 0, 1, {
            "kind": "retrieval", "headline": "retrieved 1 document", "index": "handbook", "query": "refunds?",
            "status": "found", "hits": [["a", "0.512", "12 characters", "Refunds take", "found before"]], "more": 0,
            "time": "250 ms",
        },
    ]  # fmt: skip


def test_a_turn_tells_what_it_could_have_read() -> None:
    state = RunState("title")
    for event in tool_run():
        state.apply(event)
    assert [turn["head"]["ideal"] for turn in Projection(state).document()["turns"]] == [None, 1_498]


def test_a_turn_without_usage_reports_none_and_not_zero() -> None:
    state = RunState("title")
    state.apply(TurnFinished(AssistantMessage.of("x"), Usage()))
    assert Projection(state).document()["turns"][0]["head"]["tokens"] == {}
