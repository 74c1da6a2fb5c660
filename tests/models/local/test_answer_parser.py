"""What a local model writes: the same events however its text comes in pieces, and nothing of it lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import AssistantMessage, Reasoning, ReasoningDelta, TextDelta, ToolCall
from agentlab.models.local.answer_parser import AnswerParser

HERMES = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
CALL = ("add", {"a": 1, "b": 2})


def read(pieces: Iterable[str], **options: object) -> tuple[AssistantMessage, list[object], AnswerParser]:
    count = itertools.count()
    parser = AnswerParser(mint=lambda: f"call-{next(count)}", **options)  # type: ignore[arg-type]
    events: list[object] = []
    for piece in pieces:
        events += parser.feed(piece)
    events += parser.finish()
    events += parser.assembly.close()
    return parser.assembly.message(), events, parser


def calls(message: AssistantMessage) -> list[tuple[str, object]]:
    return [(call.name, call.arguments) for call in message.tool_calls]


def thoughts(message: AssistantMessage) -> str:
    return "".join(
        getattr(piece, "text", "")
        for part in message.content
        if isinstance(part, Reasoning)
        for piece in part.content
    )


@pytest.mark.parametrize(
    ("written", "text", "thought", "called"),
    [
        ("Hello.", "Hello.", "", []),
        ("<think>\nHm.\n</think>\n\nHello.", "Hello.", "Hm.\n", []),
        (f"Let me add.\n{HERMES}", "Let me add.\n", "", [CALL]),
        (f"{HERMES}\n{HERMES}", "", "", [CALL, CALL]),
        (f"<think>two</think>{HERMES}", "", "two", [CALL]),
        ('[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1, "b": 2}}]', "", "", [CALL]),
        ('<|python_tag|>{"name": "add", "parameters": {"a": 1, "b": 2}}', "", "", [CALL]),
        ('{"name": "add", "parameters": {"a": 1, "b": 2}}', "", "", [CALL]),
        ('{"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": 2}"}', "", "", [CALL]),
        ('{"answer": 3}', '{"answer": 3}', "", []),
        ("{ not json", "{ not json", "", []),
        ("a < b and <thin> air", "a < b and <thin> air", "", []),
        ("", "", "", []),
        ("  \n ", "", "", []),
        ("<think>never closed", "", "never closed", []),
        ('{"name": "get"}', "", "", [("get", {})]),
    ],
)
def test_what_is_written_is_told_apart(
    written: str, text: str, thought: str, called: list[tuple[str, object]]
) -> None:
    message, events, _ = read([written], tools=True)
    assert (message.text, thoughts(message), calls(message)) == (text, thought, called)
    assert "".join(each.text for each in events if isinstance(each, TextDelta)) == text
    assert "".join(each.text for each in events if isinstance(each, ReasoningDelta)) == thought
    assert [each for each in events if isinstance(each, ToolCall)] == list(message.tool_calls)


def test_a_call_that_is_cut_or_broken_is_one_whose_arguments_are_no_json() -> None:
    message, _, _ = read(['<tool_call>{"name": "add", "argum'], tools=True)
    assert [(call.has_valid_arguments, call.arguments_json) for call in message.tool_calls] == [
        (False, '{"name": "add", "argum')
    ]


def test_where_no_tools_were_offered_what_looks_like_a_call_is_text() -> None:
    written = '{"name": "add", "parameters": {}}'
    assert read([written])[0].text == written
    assert read([HERMES])[0].text == HERMES


def test_a_thought_that_the_template_opened_goes_on() -> None:
    message, _, _ = read(["Hm.</think>\nYes."], thinking=True)
    assert (thoughts(message), message.text) == ("Hm.", "Yes.")


def test_a_stop_ends_the_answer_and_is_not_part_of_it() -> None:
    message, _, parser = read(["One. ST", "OP Two.", " Three."], stops=("STOP",))
    assert parser.stopped
    assert message.text == "One. "


PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "[TOOL_CALLS]",
            '{"name": "a"}',
            "text",
            " ",
            "\n",
            "<",
            "STOP",
        ]
    )
    | st.text(max_size=4),
    max_size=12,
)


@given(PIECES, st.integers(1, 7), st.booleans(), st.booleans())
def test_any_cut_gives_the_same_message(pieces: list[str], length: int, tools: bool, thinking: bool) -> None:
    whole = "".join(pieces)
    cut = [whole[at : at + length] for at in range(0, len(whole), length)]
    options = {"tools": tools, "thinking": thinking, "stops": ("STOP",)}
    assert read(cut, **options)[0] == read([whole], **options)[0]


@given(st.text(alphabet=st.characters(exclude_characters="<[{"), max_size=60))
def test_plain_text_comes_through_whole(text: str) -> None:
    expected = text if text.strip() else ""
    assert read(list(text), tools=True)[0].text == expected
