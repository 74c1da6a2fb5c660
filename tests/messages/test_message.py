"""Messages keep everything they are given."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from agentlab.messages import (
    AssistantMessage,
    Message,
    Reasoning,
    ReasoningText,
    SystemMessage,
    Text,
    ToolResult,
    UserMessage,
    last_user_text,
    messages_from_json,
    messages_to_json,
)
from tests.messages.strategies import histories


@given(histories)
def test_json_round_trip_loses_nothing(history: list[Message]) -> None:
    assert messages_from_json(messages_to_json(history)) == history


@given(histories)
def test_equal_histories_serialise_to_equal_text(history: list[Message]) -> None:
    again = messages_from_json(messages_to_json(history))
    assert messages_to_json(again) == messages_to_json(history)


def test_reading_something_else_names_the_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\[0\]"):
        messages_from_json('[{"role": "user"}]')


def test_assistant_text_is_all_text_parts_without_separator() -> None:
    message = AssistantMessage.of("a", Reasoning((ReasoningText("hidden"),)), "b")
    assert message.text == "ab"
    assert message.reasoning == "hidden"


@pytest.mark.parametrize(
    ("message", "empty"),
    [
        (AssistantMessage(), True),
        (AssistantMessage.of(""), True),
        (AssistantMessage.of(Text("", signature="s")), False),
        (AssistantMessage.of("x"), False),
    ],
)
def test_an_answer_is_empty_without_parts_or_with_unsigned_empty_text(
    message: AssistantMessage, empty: bool
) -> None:
    assert message.is_empty is empty


def test_last_user_text_passes_over_tool_results_and_answers() -> None:
    history = [
        SystemMessage("s"),
        UserMessage.of("question"),
        AssistantMessage.of("answer"),
        UserMessage((ToolResult("c", "tool", (Text("result"),)),)),
    ]
    assert last_user_text(history) == "question"
    assert last_user_text(history[:1]) is None
