"""No history with an unanswered tool call can be sent, and repairing one is safe."""

from __future__ import annotations

import pytest
from hypothesis import given

from agentlab.errors import InvalidHistory
from agentlab.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
    repair,
    validate,
)
from agentlab.messages.validity import INTERRUPTED_TEXT
from tests.messages.strategies import histories

CALL = ToolCall(id="c1", name="add", arguments_json='{"a":1}', provider_id="c1")
OTHER = ToolCall(id="c2", name="sub")
RESULT = ToolResult("c1", "add", (Text("2"),))
QUESTION = UserMessage.of("question")


@given(histories)
def test_repaired_history_is_valid_or_has_nothing_to_send(history: list[Message]) -> None:
    mended = repair(history)
    if any(not isinstance(message, SystemMessage) for message in mended):
        validate(mended)
    else:
        assert len(mended) <= len(history)


@given(histories)
def test_repairing_twice_changes_nothing_more(history: list[Message]) -> None:
    once = repair(history)
    assert repair(once) == once


@given(histories)
def test_a_valid_history_is_left_as_it_is(history: list[Message]) -> None:
    try:
        validate(history)
    except InvalidHistory:
        return
    assert repair(history) == history


@given(histories)
def test_repair_keeps_every_word_a_user_wrote(history: list[Message]) -> None:
    def words(messages: list[Message]) -> list[str]:
        return [
            part.text
            for message in messages
            if isinstance(message, UserMessage)
            for part in message.content
            if isinstance(part, Text)
        ]

    assert words(repair(history)) == words(history)


def test_unanswered_call_gets_an_interrupted_result_with_its_ids() -> None:
    mended = repair([QUESTION, AssistantMessage.of(CALL), UserMessage.of("never mind")])
    assert isinstance(mended[2], UserMessage)
    (result,) = mended[2].tool_results
    assert (result.call_id, result.provider_id, result.status) == ("c1", "c1", "interrupted")
    assert result.text == INTERRUPTED_TEXT
    assert mended[3] == UserMessage.of("never mind")


def test_partly_answered_turn_keeps_its_results_in_one_message() -> None:
    mended = repair([QUESTION, AssistantMessage.of(CALL, OTHER), UserMessage((RESULT,))])
    assert len(mended) == 3
    assert isinstance(mended[2], UserMessage)
    assert [result.call_id for result in mended[2].tool_results] == ["c1", "c2"]


def test_call_cut_in_mid_arguments_is_dropped_from_an_interrupted_turn_only() -> None:
    cut = ToolCall(id="c9", name="add", arguments_json='{"a": 1')
    interrupted = AssistantMessage((Text("so far"), cut), interrupted=True)
    assert repair([QUESTION, interrupted])[1] == AssistantMessage((Text("so far"),), interrupted=True)
    whole = repair([QUESTION, AssistantMessage.of(cut)])
    assert whole[1] == AssistantMessage.of(cut)


@pytest.mark.parametrize(
    ("history", "complaint"),
    [
        ([], "empty"),
        ([UserMessage(())], r"message 0 \(user\) has no content"),
        ([QUESTION, AssistantMessage.of("")], r"message 1 \(assistant\) has no content"),
        ([QUESTION, AssistantMessage.of(CALL)], r"without the results of `add` \(c1\)"),
        ([QUESTION, AssistantMessage.of(CALL), QUESTION], "speaks before the results"),
        ([QUESTION, UserMessage((RESULT,))], "which is not open"),
        ([QUESTION, AssistantMessage.of(CALL), UserMessage((Text("and"), RESULT))], "results come first"),
        ([QUESTION, AssistantMessage.of(CALL, CALL)], "twice"),
        ([QUESTION, AssistantMessage.of(ToolCall(id="", name="x"))], "without an id"),
        ([QUESTION, AssistantMessage.of(CALL), UserMessage((ToolResult("c1", "add"),))], "empty result"),
        ([QUESTION, AssistantMessage.of(CALL), AssistantMessage.of("x")], "before the results"),
    ],
)
def test_validate_says_which_message_breaks_which_rule(history: list[Message], complaint: str) -> None:
    with pytest.raises(InvalidHistory, match=complaint):
        validate(history)


def test_an_empty_system_message_is_allowed() -> None:
    history = [SystemMessage(""), QUESTION]
    assert repair(history) == history
    validate(history)


def test_a_message_that_answers_one_call_and_speaks_gets_the_results_of_the_others_before_it() -> None:
    calls = [ToolCall(f"call_{number}", "look", "{}") for number in (1, 2)]
    result = ToolResult("call_1", "look", (Text("found"),))
    mended = repair(
        [AssistantMessage(tuple(calls)), UserMessage((Text("and?"), result)), AssistantMessage.of("ok")]
    )
    validate([*mended, UserMessage.of("go on")])
    first, second, said = mended[1].content
    assert (first, said) == (result, Text("and?"))
    assert isinstance(second, ToolResult)
    assert (second.call_id, second.status) == ("call_2", "interrupted")
