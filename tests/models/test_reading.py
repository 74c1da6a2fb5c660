"""The bytes of an answer become the same events however they are cut, and what came before a fault is not lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ProtocolError, StreamInterrupted
from agentlab.http import Secret
from agentlab.messages import ModelEvent, TextDelta
from agentlab.models import model
from agentlab.models.model import WireModel
from agentlab.models.reading import StreamedAnswer, WholeAnswer


def made() -> WireModel:
    found = model("openai-chat:m", api_key=Secret("sk-none"), base_url="http://127.0.0.1")
    assert isinstance(found, WireModel)
    return found


def streamed() -> StreamedAnswer:
    asked = made()
    return StreamedAnswer(asked.wire, asked.wire.decoder(asked.vendor), asked.name)


def saying(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text.encode()


BODY = b"".join(
    [b"data: \n\n", saying("one"), b": wait\n\n", saying(" two"), saying(" \u00e9"), b"data: [DONE]\n\n"]
)
EVENTS = [TextDelta("one"), TextDelta(" two"), TextDelta(" \u00e9")]


@given(st.lists(st.integers(0, len(BODY)), max_size=8).map(sorted))
def test_cut_anywhere_it_gives_the_same_events(places: list[int]) -> None:
    answer = streamed()
    found: list[ModelEvent] = []
    for start, end in zip([0, *places], [*places, len(BODY)], strict=True):
        found += answer.feed(BODY[start:end])
    assert found + answer.finish() == EVENTS
    assert answer.decoder.assembly.message().text == "one two \u00e9"


def test_the_events_before_a_broken_frame_are_given_first() -> None:
    answer = streamed()
    assert list(answer.feed(b": hello\n\n")) == []
    events = iter(answer.feed(saying("one") + saying(" two") + b"data: {\n\n" + saying("late")))
    assert [next(events), next(events)] == EVENTS[:2]
    with pytest.raises(ProtocolError, match="not JSON"):
        next(events)


def test_a_frame_that_the_end_cuts_says_nothing_and_the_answer_is_interrupted() -> None:
    answer = streamed()
    assert list(answer.feed(saying("one"))) == EVENTS[:1]
    assert list(answer.feed(b"error: no room\n\n" + saying(" two")[:-9])) == []
    with pytest.raises(StreamInterrupted, match="no room"):
        answer.finish()


def test_a_whole_answer_is_read_at_its_end() -> None:
    asked = made()
    body = b'{"choices":[{"index":0,"message":{"content":"one"},"finish_reason":"stop"}]}'
    answer = WholeAnswer(asked.wire.decoder(asked.vendor), body, asked.name)
    assert list(answer.feed(b"")) == []
    assert answer.finish() == EVENTS[:1]
