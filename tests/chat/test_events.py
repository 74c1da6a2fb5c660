"""A chat's events for a web front end."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.chat.events import ChatEvent, Chunk, Done, Thought, server_sent
from agentlab.http import SSEFramer
from agentlab.messages import Usage

NAMES = {"chunk", "thought", "call", "observation", "done", "stopped", "mode_changed", "question_pending"}


def test_the_names_are_those_a_front_end_of_the_chat_layer_knows() -> None:
    tags = {kind.__struct_config__.tag for kind in get_args(ChatEvent)}
    assert tags >= NAMES
    assert tags - NAMES == {"failed", "approval_pending", "noted"}


@given(st.text(), st.integers(1, 10**9))
def test_a_server_sent_event_is_read_back_whole_by_a_decoder_of_the_standard(text: str, number: int) -> None:
    framer = SSEFramer()
    frames = list(framer.feed(server_sent(Chunk(text), number)))
    assert [frame.event for frame in frames] == ["chunk"]
    told = json.loads(frames[0].data)
    assert told == {"type": "chunk", "text": text}


def test_half_a_surrogate_pair_does_not_end_the_stream() -> None:
    told = server_sent(Thought("a\ud800b", "r-1"), 7)
    assert told.startswith(b"id: 7\nevent: thought\ndata: ")
    assert json.loads(told.split(b"data: ")[1])["text"] == "a\ufffdb"


@pytest.mark.parametrize("cost", [None, 0.25])
def test_the_end_tells_usage_and_cost(cost: float | None) -> None:
    data = json.loads(server_sent(Done("x", Usage(input_tokens=3), cost), 1).split(b"data: ")[1])
    assert (data["usage"]["input_tokens"], data["cost_usd"]) == (3, cost)
