"""The history that a log adds up to can be sent, wherever the log ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Message,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
    repair,
    validate,
)
from agentlab.messages.validity import INTERRUPTED_TEXT
from agentlab.sessions import (
    AssistantSaid,
    Entry,
    Noticed,
    RunEnded,
    Stored,
    ToolAnswered,
    UserSaid,
    history_of,
)
from agentlab.sessions.entries import entry_to_json, kind_of
from agentlab.sessions.history import HistoryBuilder
from tests.messages.strategies import assistant_messages, tool_results, user_messages
from tests.sessions.gauntlet import sample
from tests.sessions.scripted import one_of_each, two_turn_chat
from tests.sessions.wires import assert_sendable


def stored(entries: Iterable[Entry]) -> list[Stored]:
    """Entries with places in a log."""
    return [
        Stored(place, 0, 0.0, kind_of(entry), 0, entry_to_json(entry), entry)
        for place, entry in enumerate(entries, start=1)
    ]


def history(*entries: Entry) -> list[Message]:
    """The history of some entries."""
    return history_of(stored(entries))


def said(*parts: str | ToolCall, interrupted: bool = False) -> AssistantSaid:
    """A turn of the model."""
    content = AssistantMessage.of(*parts).content
    return AssistantSaid(AssistantMessage(content, interrupted=interrupted))


def answered(call_id: str, text: str = "done") -> ToolAnswered:
    """A tool's answer."""
    return ToolAnswered(ToolResult(call_id, "ls", (Text(text),)))


ASKED = UserSaid(UserMessage.of("Look."))
FIRST, SECOND = ToolCall("1", "ls"), ToolCall("2", "ls")


def test_results_stand_in_one_message_in_the_order_of_the_calls() -> None:
    assert history(ASKED, said(FIRST, SECOND), answered("2", "b"), answered("1", "a"), said("Done.")) == [
        ASKED.message,
        AssistantMessage((FIRST, SECOND)),
        UserMessage((answered("1", "a").result, answered("2", "b").result)),
        AssistantMessage.of("Done."),
    ]


def test_a_call_without_a_result_was_interrupted_and_keeps_its_place() -> None:
    results = history(ASKED, said(FIRST, SECOND), answered("2"))[-1]
    assert isinstance(results, UserMessage)
    assert [(result.call_id, result.status, result.text) for result in results.tool_results] == [
        ("1", "interrupted", INTERRUPTED_TEXT),
        ("2", "success", "done"),
    ]


def test_calls_that_nobody_answered_are_answered_before_the_next_prompt() -> None:
    messages = history(ASKED, said(FIRST), UserSaid(UserMessage.of("Go on.")))
    assert [type(message).__name__ for message in messages] == [
        "UserMessage",
        "AssistantMessage",
        "UserMessage",
        "UserMessage",
    ]
    assert messages[2:] == [UserMessage(messages[2].tool_results), UserMessage.of("Go on.")]
    validate(messages)


def test_a_turn_that_was_cut_off_keeps_its_words_and_its_mark_and_loses_the_call_that_is_no_call() -> None:
    cut = said("I wou", ToolCall("3", "rm", '{"pa'), interrupted=True)
    assert history(ASKED, cut, RunEnded("r", "cancelled")) == [
        ASKED.message,
        AssistantMessage((Text("I wou"),), interrupted=True),
    ]


def test_a_turn_cut_off_before_its_first_word_leaves_nothing() -> None:
    assert history(ASKED, said(interrupted=True), ASKED) == [ASKED.message, ASKED.message]


def test_a_second_answer_to_a_call_and_an_answer_to_none_are_left_out() -> None:
    messages = history(
        ASKED, said(FIRST), answered("1", "a"), answered("1", "b"), answered("7"), said("Done.")
    )
    assert messages[2] == UserMessage((answered("1", "a").result,))
    assert len(messages) == 4


def test_what_is_not_said_is_not_in_the_history() -> None:
    silent = [
        entry for entry in one_of_each() if not isinstance(entry, UserSaid | AssistantSaid | ToolAnswered)
    ]
    assert history(*silent) == []
    assert history(ASKED, Noticed("warning", "x"), said("Yes.")) == [
        ASKED.message,
        AssistantMessage.of("Yes."),
    ]


def test_every_wire_can_write_the_history_at_every_end_of_the_log() -> None:
    entries = [entry for number in (1, 2) for batch in two_turn_chat(number, 60) for entry in batch.entries]
    for end in range(1, len(entries) + 1):
        assert_sendable(history(*entries[:end]))


logs: st.SearchStrategy[list[Entry]] = st.lists(
    st.builds(UserSaid, user_messages)
    | st.builds(AssistantSaid, assistant_messages)
    | st.builds(ToolAnswered, tool_results)
    | st.just(RunEnded("r")),
    max_size=8,
)


def is_sendable(messages: Sequence[Message]) -> bool:
    """Whether it is valid; an empty history is, with a prompt after it."""
    validate([*messages, UserMessage.of("And now?")])
    return True


@pytest.mark.gauntlet
@settings(max_examples=sample(25, 500))
@given(logs)
def test_any_log_gives_a_history_that_is_valid_at_every_end_and_needs_no_repair(log: list[Entry]) -> None:
    for end in range(len(log) + 1):
        messages = history(*log[:end])
        assert is_sendable(messages)
    assert repair(messages) == messages


@pytest.mark.gauntlet
@settings(max_examples=sample(25, 500))
@given(logs, st.sets(st.integers(0, 8)))
def test_looking_on_the_way_changes_nothing_and_what_is_settled_stays(
    log: list[Entry], looks: set[int]
) -> None:
    builder, seen = HistoryBuilder(), []
    for place, entry in enumerate(stored([*log, ASKED])):
        if place in looks:
            seen.append((place, builder.messages()))
        builder.add(entry)
    messages = builder.messages()
    assert messages == history(*log, ASKED)
    assert all(early == history(*log[:place]) for place, early in seen)
    assert history(*log, ASKED, said("Yes."), ASKED)[: len(messages)] == messages
