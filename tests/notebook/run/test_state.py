"""Events folded into what a reader sees."""

from __future__ import annotations

from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Event,
    Image,
    Json,
    Notice,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningEncrypted,
    ReasoningText,
    Refusal,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Retrying,
    RunFinished,
    Text,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UnknownEvent,
    UrlSource,
    Usage,
)
from agentlab.notebook.run.media_card import MediaCard
from agentlab.notebook.run.retrieval_card import MOST_HITS, HitLine, RetrievalCard
from agentlab.notebook.run.state import STATUS_LABELS, RunState
from agentlab.notebook.run.turn import HIDDEN_REASONING
from agentlab.notebook.run.turn_parts import Prose, ToolCard
from tests.modalities.provider import WAV
from tests.notebook.event_sequences import SEQUENCES, USAGES
from tests.notebook.run.made_images import PNG
from tests.notebook.synthetic import ANSWER, THOUGHT, tool_run


def folded(*events: Event) -> RunState:
    """The state after these events, one a second."""
    state = RunState("title")
    for second, event in enumerate(events):
        state.apply(event, float(second))
    return state


def prose(state: RunState, turn: int = 0) -> list[tuple[str, str]]:
    """Kind and text of the parts of a turn that are not tool calls."""
    return [(part.kind, part.text) for part in state.turns[turn].parts if isinstance(part, Prose)]


def card(state: RunState, turn: int = 0) -> ToolCard:
    """The first tool card of a turn."""
    return next(part for part in state.turns[turn].parts if isinstance(part, ToolCard))


@given(SEQUENCES)
def test_any_sequence_of_events_leaves_a_readable_state(events: list[Event]) -> None:
    state = folded(*events)
    state.stop("cancelled")
    assert state.is_finished
    assert state.status in STATUS_LABELS
    assert all(turn.status != "running" for turn in state.turns)
    for turn in state.turns:
        assert len({part.key for part in turn.parts}) == len(turn.parts)
        cards = [part for part in turn.parts if isinstance(part, ToolCard | RetrievalCard)]
        assert not [card for card in cards if card.is_open]
    state.text.encode()


@given(SEQUENCES)
def test_totals_are_the_sums_over_the_turns(events: list[Event]) -> None:
    state = folded(*events)
    before_end = takewhile(lambda event: not isinstance(event, RunFinished), events)
    reported = [event for event in before_end if isinstance(event, TurnFinished)]
    assert state.summed_usage == sum((event.usage for event in reported), Usage())
    prices = [event.cost_usd for event in reported if event.cost_usd is not None]
    assert state.cost_usd == (pytest.approx(sum(prices)) if prices else None)


@given(st.lists(USAGES, min_size=1, max_size=4))
def test_the_total_a_run_reports_is_taken_for_the_total(usages: list[Usage]) -> None:
    turns = [TurnFinished(AssistantMessage.of("x"), usage, turn=n) for n, usage in enumerate(usages, 1)]
    total = sum(usages, Usage()) + Usage(input_tokens=1)
    assert folded(*turns, RunFinished("x", total)).usage == total


def test_a_whole_run_is_folded_into_turns_parts_and_totals() -> None:
    state = folded(*tool_run())
    assert [turn.number for turn in state.turns] == [1, 2]
    assert prose(state, 0) == [("reasoning", THOUGHT)]
    assert [part.name for part in state.turns[0].parts if isinstance(part, ToolCard)] == ["add", "lookup"]
    assert prose(state, 1) == [("text", ANSWER)]
    assert state.text == ANSWER
    assert state.status == "done"
    assert state.usage.input_tokens == 3200
    assert state.cost_usd == pytest.approx(0.0163)
    assert not state.cost_is_partial
    assert state.turns[0].time_to_first_token_s == 0.42


def test_deltas_show_at_once_and_the_finished_message_confirms_them() -> None:
    state = folded(TurnStarted(1, "m"), TextDelta("Hel"), TextDelta("lo"))
    [part] = state.turns[0].parts
    assert prose(state) == [("text", "Hello")]
    state.apply(TurnFinished(AssistantMessage.of("Hello"), Usage()))
    assert state.turns[0].parts == [part]


def test_the_finished_message_is_the_truth_where_deltas_disagree() -> None:
    state = folded(TurnStarted(1, "m"), TextDelta("Hallo"), TextDelta("lost", 1))
    state.apply(TurnFinished(AssistantMessage.of("Hello"), Usage()))
    assert prose(state) == [("text", "Hello")]


def test_a_message_that_goes_on_after_its_deltas_extends_the_same_part() -> None:
    state = folded(TurnStarted(1, "m"), TextDelta("Hel"))
    [part] = state.turns[0].parts
    state.apply(TurnFinished(AssistantMessage.of("Hello"), Usage()))
    assert state.turns[0].parts == [part]
    assert prose(state) == [("text", "Hello")]


def test_a_reasoning_block_replaces_its_deltas() -> None:
    block = Reasoning((ReasoningText("better"),))
    state = folded(ReasoningDelta("raw"), TextDelta("x", 1), ReasoningBlock(block))
    assert prose(state) == [("reasoning", "better"), ("text", "x")]


def test_reasoning_that_only_the_provider_reads_is_named() -> None:
    state = folded(ReasoningBlock(Reasoning((ReasoningEncrypted("opaque"),))))
    assert prose(state) == [("reasoning", HIDDEN_REASONING)]


def test_parts_that_are_not_text_become_notes() -> None:
    message = AssistantMessage.of(
        Text("cited", (Citation("Title", "https://a.invalid"), Citation(quote="words"))),
        Image(UrlSource("https://a.invalid"), "image/png"),
        ProviderPart("anthropic", "web_search_tool_result", {"secret": 1}),
        Refusal("no"),
    )
    assert prose(folded(TurnFinished(message, Usage()))) == [
        ("text", "cited"),
        ("note", "Sources: Title https://a.invalid; words"),
        ("note", "[image image/png]"),
        ("note", "[web_search_tool_result]"),
        ("text", "no"),
    ]


def test_pictures_and_sounds_of_an_answer_are_kept_where_they_are_what_they_seem() -> None:
    message = AssistantMessage.of(
        Text("Look:"),
        Image.from_bytes(PNG, "text/html"),
        Audio(Base64Source.from_bytes(WAV), "audio/mp3"),
        Image.from_bytes(b"<svg onload=x>", "image/svg+xml"),
        Audio(Base64Source.from_bytes(b"\0\1"), "audio/pcm16"),
        Audio(Base64Source("?"), "audio/wav"),
    )
    parts = folded(TurnFinished(message, Usage())).turns[0].parts
    media = [part.shown for part in parts if isinstance(part, MediaCard)]
    assert [shown.kind for shown in media] == ["image/png", "audio/wav"]
    assert [part.text for part in parts if isinstance(part, Prose)] == [
        "Look:",
        "[image image/svg+xml: not shown, its bytes are no PNG, JPEG, GIF or WebP of a size to show]",
        "[audio audio/pcm16: not shown, its bytes are of no kind that browsers play]",
        "[audio audio/wav: not shown, its base64 is broken]",
    ]


def test_a_tool_call_is_written_called_run_and_answered() -> None:
    state = folded(ToolCallDelta("c", "a", '{"x"'), ToolCallDelta("c", "add", ":1}"))
    shown = card(state)
    assert (shown.name, shown.arguments, shown.status) == ("add", '{"x":1}', "writing")
    state.apply(ToolCall("c", "add", '{"x":1}'), 2)
    assert (shown.arguments, shown.status) == ('{"x": 1}', "called")
    state.apply(ToolStarted("c", "add"), 3)
    assert shown.status == "running"
    state.apply(ToolResult("c", "add", (Text("2"),)), 4.5)
    assert (shown.status, shown.result, shown.duration_s) == ("success", "2", 1.5)


def test_a_tool_asks_is_decided_on_and_runs() -> None:
    state = folded(
        TurnStarted(1, "m"), ToolCall("c", "delete", "{}"), ApprovalAsked("c", "delete", "it deletes")
    )
    shown = card(state)
    assert (shown.status, shown.reason, shown.decision) == ("asking", "it deletes", None)
    assert state.asking == [shown]
    state.apply(ApprovalGiven("c", approved=False, note="not today"))
    assert (shown.status, shown.decision, shown.note) == ("called", "denied", "not today")
    assert state.asking == []


def test_a_question_that_nobody_answered_ends_with_the_run() -> None:
    state = folded(TurnStarted(1, "m"), ToolCall("c", "delete", "{}"), ApprovalAsked("c", "delete"))
    state.stop("cancelled")
    assert card(state).status == "interrupted"
    assert state.asking == []


def found(*hits: RetrievedHit, place: int = 0, duration_s: float = 0.25) -> Retrieved:
    """What an index of documents found."""
    return Retrieved(place, "documents", "handbook", "refunds?", hits, duration_s)


def test_what_was_retrieved_stands_first_in_the_turn_it_was_retrieved_for_and_stays_there() -> None:
    begun = [RetrievalStarted(place, "documents", "handbook", "refunds?") for place in (0, 1)]
    state = folded(*begun)
    first, second = state.turns[0].parts
    assert isinstance(first, RetrievalCard)
    assert isinstance(second, RetrievalCard)
    assert (first.headline, first.status) == ("retrieving documents", "searching")
    for event in (found(RetrievedHit("a", 0.5, 1234, "Refunds take")), found(place=1), TurnStarted(1, "m")):
        state.apply(event, 3.0)
    assert [turn.number for turn in state.turns] == [1]
    assert state.model == "m"
    assert (first.headline, first.duration_s) == ("retrieved 1 document", 0.25)
    assert first.lines == (HitLine("a", "0.5", "1,234 characters", "Refunds take", ""),)
    assert second.headline == "retrieved 0 documents"
    state.apply(TextDelta("In a week."), 3.5)
    assert state.turns[0].time_to_first_token_s == 0.5
    assert state.estimated_output_tokens == 4
    state.apply(TurnFinished(AssistantMessage.of("In a week."), Usage()), 4.0)
    assert state.turns[0].parts[:2] == [first, second]
    assert prose(state) == [("text", "In a week.")]
    state.apply(TurnStarted(2, "m"), 5.0)
    assert [len(turn.parts) for turn in state.turns] == [3, 0]


def test_a_search_that_the_run_did_not_wait_for_is_interrupted() -> None:
    state = folded(RetrievalStarted(0, "tools", "tools", "weather"))
    state.stop("cancelled")
    [card] = state.turns[0].parts
    assert isinstance(card, RetrievalCard)
    assert (card.status, card.headline) == ("interrupted", "retrieving tools")


def test_a_long_list_of_hits_is_cut_and_counted_and_those_left_out_of_the_request_say_so() -> None:
    hits = [RetrievedHit(f"d{number}", None, used=False) for number in range(MOST_HITS + 2)]
    [card] = folded(found(*hits)).turns[0].parts
    assert isinstance(card, RetrievalCard)
    assert (len(card.lines), card.more, card.headline) == (
        MOST_HITS,
        2,
        f"retrieved {MOST_HITS + 2} documents",
    )
    assert card.lines[0][1::3] == ("", "found before")


def test_json_of_a_result_is_laid_out_and_its_images_are_kept_apart() -> None:
    content = (
        Json({"rows": [[1, 2]], "name": "x" * 90}),
        Text('{"a":1}'),
        Text("{ prose"),
        Image.from_bytes(PNG),
        Image(UrlSource("https://a.invalid/x.png")),
    )
    state = folded(ToolResult("c", "plot", content))
    assert card(state).result == (
        '{\n  "name": "' + "x" * 90 + '",\n  "rows": [[1, 2]]\n}\n{"a": 1}\n{ prose\n'
        "[image: not shown, its bytes are elsewhere]"
    )
    assert [picture.kind for picture in card(state).pictures] == ["image/png"]


def test_output_is_estimated_until_it_is_reported() -> None:
    state = folded(TurnStarted(1, "m"), ReasoningDelta("some thought"), TextDelta("four words are here", 1))
    [reasoning, _] = state.turns[0].parts
    assert isinstance(reasoning, Prose)
    assert state.turns[0].reasoning_tokens(reasoning) == (2, True)
    assert state.estimated_output_tokens == state.turns[0].estimated_output_tokens == 6
    message = AssistantMessage.of(Reasoning((ReasoningText("some thought"),)), "four words are here")
    state.apply(TurnFinished(message, Usage(output_tokens=9, reasoning_tokens=3)))
    assert state.turns[0].reasoning_tokens(reasoning) == (3, False)
    assert state.turns[0].estimated_output_tokens is None
    assert state.estimated_output_tokens == 0


def test_a_stopped_turn_keeps_its_estimate() -> None:
    state = folded(TurnStarted(1, "m"), TextDelta("four words are here"))
    state.stop("cancelled")
    assert state.estimated_output_tokens == 4


def test_reasoning_that_is_not_shown_is_not_estimated_from_what_stands_for_it() -> None:
    state = folded(TurnStarted(1, "m"), ReasoningBlock(Reasoning((ReasoningEncrypted("opaque"),))))
    [part] = state.turns[0].parts
    assert isinstance(part, Prose)
    assert state.turns[0].reasoning_tokens(part) == (None, True)
    assert state.estimated_output_tokens == 0


def test_the_models_of_a_run_are_named_once_each() -> None:
    assert folded(*(TurnStarted(n, name) for n, name in enumerate("aab", 1))).model == "a, b"


def test_broken_arguments_are_shown_as_they_are() -> None:
    assert card(folded(ToolCall("c", "add", '{"x":'))).arguments == '{"x":'


def test_a_result_finds_its_call_in_an_earlier_turn_and_the_newest_of_equal_ids() -> None:
    call = ToolCall("c", "add", "{}")
    turns = [TurnFinished(AssistantMessage.of(call), Usage(), turn=n) for n in (1, 2)]
    state = folded(
        TurnStarted(1, "m"), call, turns[0], TurnStarted(2, "m"), call, turns[1], TurnStarted(3, "m")
    )
    state.apply(ToolResult("c", "add", (Text("4"),)))
    assert card(state, 0).result is None
    assert card(state, 1).result == "4"


def test_a_result_nobody_asked_for_gets_a_card() -> None:
    assert card(folded(ToolResult("c", "add", (Text("4"),)))).result == "4"


def test_a_run_that_is_stopped_keeps_its_partial_text_and_marks_it() -> None:
    state = folded(TurnStarted(1, "m"), TextDelta("partial"), ToolCallDelta("c", "add", "{"))
    state.stop("cancelled", at_s=5)
    assert state.text == "partial"
    assert state.turns[0].status == "stopped"
    assert STATUS_LABELS[state.status] == "stopped"
    assert card(state).status == "interrupted"
    assert state.turns[0].duration_s == 5


def test_an_interrupted_message_marks_its_turn_as_stopped() -> None:
    message = AssistantMessage((Text("par"),), interrupted=True)
    assert folded(TurnFinished(message, Usage())).turns[0].status == "stopped"


def test_a_run_that_fails_marks_its_open_turn_as_failed() -> None:
    state = folded(TurnStarted(1, "m"), RunFinished("", Usage(), "error", "boom"))
    assert (state.turns[0].status, state.status, state.detail) == ("failed", "error", "boom")


def test_stopping_a_finished_run_changes_nothing() -> None:
    state = folded(RunFinished("x", Usage(), "done"))
    state.stop("cancelled")
    assert state.status == "done"


def test_retries_notices_and_cut_answers_are_told() -> None:
    state = folded(
        TurnStarted(1, "m"),
        Retrying(1, 0.5, "rate limited", 429),
        Notice("prefix_moved", "block 2 changed"),
        TurnFinished(AssistantMessage.of("x"), Usage(), "length", "max_tokens"),
    )
    assert [(line.kind, line.text) for line in state.turns[0].notices] == [
        ("retrying", "attempt 1 failed (HTTP 429): rate limited"),
        ("prefix_moved", "block 2 changed"),
        ("truncated", "the answer was cut off by the provider (max_tokens)"),
    ]
    assert state.turns[0].notices[0].timing == "next after 0.5 s"


def test_times_are_measured_until_the_provider_s_own_are_known() -> None:
    state = RunState()
    state.apply(TurnStarted(1, "m"), 1.0)
    state.apply(TextDelta("x"), 1.25)
    assert state.turns[0].time_to_first_token_s == 0.25
    state.apply(TurnFinished(AssistantMessage.of("x"), Usage(), timing=Timing(0, 0.9, 0.1, 0.2)), 2.0)
    assert (state.turns[0].time_to_first_token_s, state.turns[0].duration_s) == (0.2, 0.9)


def test_unknown_events_change_no_turn() -> None:
    assert folded(UnknownEvent("new")).turns == []


def test_a_price_missing_on_one_turn_makes_the_total_a_lower_bound() -> None:
    turns = [
        TurnFinished(AssistantMessage.of("x"), Usage(), turn=n, cost_usd=cost)
        for n, cost in ((1, 0.5), (2, None))
    ]
    state = folded(*turns)
    assert state.cost_usd == 0.5
    assert state.cost_is_partial
