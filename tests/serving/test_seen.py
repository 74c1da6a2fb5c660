"""What a client sees of a run, and what the server recognises when the client sends it back."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Event,
    Image,
    Message,
    Reasoning,
    ReasoningDelta,
    ReasoningText,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    TurnFinished,
    TurnStarted,
    Usage,
    UserMessage,
)
from agentlab.serving.chat.chunks import ChatAnswer
from agentlab.serving.chat.messages import ChatMessage, read_messages
from agentlab.serving.memory import ConversationMemory, Remembered, digests
from agentlab.serving.responses.items import read_items
from agentlab.serving.responses.output import whole_output
from agentlab.serving.seen import Seen, SeenText, Sight

FEW = settings().max_examples * 2 // 5  # each example is a whole conversation
CLIENT = frozenset({"theirs"})

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
calls = st.builds(
    ToolCall,
    id=st.uuids().map(str),
    name=st.sampled_from(["theirs", "ours"]),
    arguments_json=st.dictionaries(st.sampled_from("ab"), texts, max_size=2).map(
        lambda arguments: msgspec.json.encode(arguments).decode()
    ),
)
parts = st.one_of(
    texts.map(Text), texts.map(lambda text: Reasoning((ReasoningText(text),))), calls, texts.map(Refusal)
)
turns = st.lists(st.lists(parts, max_size=4).map(lambda given: AssistantMessage(tuple(given))), max_size=3)


def cut(text: str, size: int) -> Iterator[str]:
    """A text in pieces."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


def events_of(turn: AssistantMessage, size: int) -> Iterator[Event]:
    """A turn as a model streams it, in pieces of one size; a refusal has no deltas."""
    yield TurnStarted(1, "sim:a/b")
    for place, part in enumerate(turn.content):
        if isinstance(part, Text):
            yield from (TextDelta(piece, place) for piece in cut(part.text, size))
        elif isinstance(part, Reasoning):
            yield from (ReasoningDelta(piece, place) for piece in cut(part.text, size))
        elif isinstance(part, ToolCall):
            for piece in cut(part.arguments_json, size):
                yield ToolCallDelta(part.id, part.name, piece, place)
            yield part
    yield TurnFinished(turn, Usage())


@settings(max_examples=FEW)
@given(turns, st.integers(1, 5))
def test_deltas_of_any_size_add_up_to_the_turns(said: list[AssistantMessage], size: int) -> None:
    streamed, whole = Sight(CLIENT), Sight(CLIENT)
    for turn in said:
        for event in events_of(turn, size):
            list(streamed.follow(event))
        whole.read(turn)
    assert streamed.message == whole.message
    assert streamed.refusal == whole.refusal
    assert [call.name for call in streamed.calls] == ["theirs"] * len(streamed.calls)


@settings(max_examples=FEW)
@given(turns, st.integers(1, 5))
def test_nothing_is_shown_twice_and_nothing_is_lost(said: list[AssistantMessage], size: int) -> None:
    sight = Sight(CLIENT)
    seen = [each for turn in said for event in events_of(turn, size) for each in sight.follow(event)]
    assert "".join(each.text for each in seen if isinstance(each, SeenText)) == sight.text
    told = [part.text for turn in said for part in turn.content if isinstance(part, Text)]
    assert sight.text.replace("\n\n", "") == "".join(told).replace("\n\n", "")


def shown(turn: AssistantMessage) -> tuple[Sight, list[Seen]]:
    """A turn as a client sees it."""
    sight = Sight(CLIENT)
    return sight, sight.read(turn)


@settings(max_examples=FEW)
@given(turns.filter(bool), texts)
def test_an_answer_that_comes_back_over_chat_is_recognised(said: list[AssistantMessage], prompt: str) -> None:
    sight, seen = shown(said[0])
    answer = ChatAnswer("x", "agent", include_usage=False).whole(seen, "stop", Usage())
    back = [{"role": "user", "content": prompt}, answer["choices"][0]["message"]]
    read = read_messages(msgspec.convert(back, list[ChatMessage]))
    assert _recognised(read, [UserMessage.of(prompt), sight.message])


@settings(max_examples=FEW)
@given(turns.filter(bool), texts)
def test_an_answer_that_comes_back_over_responses_is_recognised(
    said: list[AssistantMessage], prompt: str
) -> None:
    sight, seen = shown(said[0])
    read = read_items([{"role": "user", "content": prompt}, *whole_output("x", seen, "stop")])
    assert _recognised(read, [UserMessage.of(prompt), sight.message])


def _recognised(read: tuple[Message, ...], was: list[Message]) -> bool:
    if not was[-1].content or len(read) < len(was):
        return True  # an answer that says nothing leaves nothing to come back
    return digests(["agent"], read)[-1] == digests(["agent"], was)[-1]


def test_a_model_without_deltas_is_seen_when_its_turn_is_complete() -> None:
    sight = Sight(CLIENT)
    turn = AssistantMessage((Text("Here."), Image.from_bytes(b"png"), ToolCall("c", "theirs", "")))
    list(sight.follow(TurnStarted(1, "mine")))
    list(sight.follow(TurnFinished(turn, Usage())))
    assert (sight.text, len(sight.images), sight.calls[0].arguments_json) == ("Here.", 1, "{}")


def test_the_oldest_conversation_is_forgotten_first() -> None:
    memory = ConversationMemory(2)
    for key in ("a", "b"):
        memory.keep(key, Remembered((UserMessage.of(key),)))
    prompt = (UserMessage.of("?"),)
    assert memory.longest(prompt, ["a"]) is not None
    memory.keep("c", Remembered(()))
    assert memory.longest(prompt, ["b"]) is None
    assert memory.longest(prompt, ["a"]) is not None


def test_the_longest_known_beginning_is_found() -> None:
    memory = ConversationMemory(9)
    for key in ("one", "two"):
        memory.keep(key, Remembered((), key))
    found = memory.longest([UserMessage.of("?")] * 3, ["one", "two", "three"])
    assert found == (2, Remembered((), "two"))


def test_a_conversation_under_another_name_or_system_prompt_is_another() -> None:
    said = [UserMessage.of("Hi")]
    assert digests(["a", ""], said) != digests(["b", ""], said)
    assert digests(["a", ""], said) != digests(["a", "Obey."], said)
    assert digests(["a"], [AssistantMessage.of("Hi")]) == digests(["a"], [AssistantMessage.of(" Hi\n")])
