"""What is known of a conversation gives the same as looking through it again, however it was changed meanwhile."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import InvalidHistory
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
from agentlab.messages.known import ByMessage, Findings, GoodHistories
from tests.messages.strategies import messages

PROMPT = UserMessage.of("now")

edited = st.lists(
    st.tuples(
        st.sampled_from(["grow", "shorten", "replace", "swap", "copy", "branch"]),
        st.integers(0, 30),
        st.lists(messages, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=8,
)


def versions(edits: list[tuple[str, int, list[Message]]]) -> Iterator[tuple[Message, ...]]:
    """A conversation as it goes on, is edited, shortened, reordered, copied and branched; most messages stay."""
    now: tuple[Message, ...] = ()
    for kind, number, new in edits:
        place = number % (len(now) + 1)
        if kind == "shorten":
            now = now[:place]
        elif kind == "replace":
            now = (*now[:place], new[0], *now[place + 1 :])
        elif kind == "swap":
            now = (*now[place:], *now[:place])
        elif kind == "copy":
            now = tuple(pickle.loads(pickle.dumps(now)))
        elif kind == "branch":
            now = (*now[:place], *new)
        else:
            now = (*now, *new)
        yield now


def mended(history: tuple[Message, ...], prompt: UserMessage) -> list[Message] | str:
    """What `repair` and `validate` say of the whole."""
    whole = repair(history)
    try:
        validate([*whole, prompt])
    except InvalidHistory as error:
        return str(error)
    return whole


def words(message: Message) -> Iterator[str]:
    """Something to be found."""
    if isinstance(message, UserMessage):
        yield from (part.text for part in message.content if isinstance(part, Text))


@settings(max_examples=40, deadline=None)
@given(edited, st.booleans())
def test_known_histories_are_mended_and_refused_as_whole_ones_are(
    edits: list[tuple[str, int, list[Message]]], takes_mended: bool
) -> None:
    known = GoodHistories()
    kept = []
    for history in versions(edits):
        kept.append(history)
        wanted = mended(history, PROMPT)
        try:
            found: list[Message] | str = known.mended(history, PROMPT)
        except InvalidHistory as error:
            found = str(error)
        assert found == wanted
        if takes_mended and isinstance(found, list):
            kept.append(tuple(found))
            assert known.mended(found, PROMPT) == found


@settings(max_examples=40, deadline=None)
@given(edited)
def test_findings_are_those_of_every_message(edits: list[tuple[str, int, list[Message]]]) -> None:
    known = Findings(words)
    kept = []
    for history in versions(edits):
        kept.append(history)
        assert known.of(history) == [word for message in history for word in words(message)]


def test_a_message_of_a_grown_conversation_is_looked_at_once() -> None:
    seen: list[Message] = []

    def find(message: Message) -> list[str]:
        seen.append(message)
        return []

    said = tuple(UserMessage.of(str(number)) for number in range(10))
    known = Findings(find)
    for length in (8, 9, 10, 10, 4, 10):
        known.of(said[:length])
    assert seen == list(said)


def test_a_good_history_is_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def counted(tail: tuple[Message, ...]) -> list[Message]:
        looked.append(len(tail))
        return repair(tail)

    monkeypatch.setattr("agentlab.messages.known.repair", counted)
    turns = [UserMessage.of("q") if number % 2 else AssistantMessage.of("a") for number in range(100)]
    known = GoodHistories()
    known.mended(turns, PROMPT)
    known.mended(turns, PROMPT)
    known.mended([*turns, PROMPT, AssistantMessage.of("b")], PROMPT)
    known.mended([*turns[:50], UserMessage.of("another")], PROMPT)
    assert looked == [100, 0, 2, 1]


def test_what_stands_between_a_call_and_its_result_is_no_place_to_begin_at() -> None:
    call, result = ToolCall(id="c", name="add"), ToolResult("c", "add", (Text("2"),))
    asked = (UserMessage.of("q"), AssistantMessage((call,)))
    known = GoodHistories()
    known.mended([*asked, UserMessage((result,))], PROMPT)
    other = UserMessage((ToolResult("c", "add", (Text("3"),)),))
    assert known.mended([*asked, other], PROMPT) == [*asked, other]


def test_nothing_is_kept_of_a_conversation_that_is_gone() -> None:
    by_message: ByMessage[tuple[Message, ...]] = ByMessage()
    said = [UserMessage.of("one"), UserMessage.of("one"), UserMessage.of("three")]
    by_message.put(said[0], tuple(said[1:]))
    assert by_message.get(said[0]) == (said[1], said[2])
    assert by_message.get(said[1]) is None  # equal, but another
    said.clear()
    gc.collect()
    assert len(by_message) == 0


def test_what_is_known_stays_behind_when_it_is_sent_to_another_process() -> None:
    by_message: ByMessage[int] = ByMessage()
    message = UserMessage.of("one")
    by_message.put(message, 1)
    assert len(pickle.loads(pickle.dumps(by_message))) == 0
    assert by_message.get(message) == 1
