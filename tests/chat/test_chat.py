"""A chat from its prompts to its session: answers as events and entries, in order, and what ends them."""

from __future__ import annotations

import asyncio
import json

import pytest

from agentlab.chat import (
    Call,
    ChatEvent,
    ChatStream,
    Chunk,
    Done,
    Failed,
    Observation,
    Stopped,
    Thought,
)
from agentlab.errors import ModelError, UsageError
from agentlab.messages import AssistantMessage
from agentlab.sessions import (
    AssistantSaid,
    RunEnded,
    UserSaid,
)
from agentlab.sessions import (
    ModeChanged as ModeEntry,
)
from agentlab.simulator import ErrorReply, Fault, reply
from tests.chat.desk import LOOK, Desk, events_of, kinds_of

pytestmark = pytest.mark.anyio


async def test_an_answer_with_a_tool_is_told_as_events_and_kept_as_entries(desk: Desk) -> None:
    desk.says([LOOK, "Buy milk."])
    with desk.chat() as chat:
        events = await events_of(chat, "What is to do?")
        names = list(dict.fromkeys(type(event) for event in events))
        assert names == [Thought, Chunk, Call, Observation, Done]
        assert "".join(event.text for event in events if isinstance(event, Thought)) == "Where is it?"
        assert len({event.reasoning_id for event in events if isinstance(event, Thought)}) == 1
        observation = next(event for event in events if isinstance(event, Observation))
        assert "buy milk" in observation.summary
        done = events[-1]
        assert isinstance(done, Done)
        assert done.text == "Buy milk."
        assert kinds_of(chat.session) == ["user", "assistant", "tool", "assistant", "run_ended"]
        thought = next(event for event in events if isinstance(event, Thought))
        turn = next(s.entry for s in chat.session.entries() if isinstance(s.entry, AssistantSaid))
        assert turn.reasoning_id == thought.reasoning_id
        assert turn.usage is not None
        assert turn.cost_usd is not None
        turns = chat.turns
        assert list(turns.index) == [1, 2]
        assert list(turns["provider"]) == ["anthropic", "anthropic"]
        assert turns["cost_usd"].sum() == pytest.approx(done.cost_usd)


async def test_the_next_prompt_begins_with_the_bytes_of_the_last_request(desk: Desk) -> None:
    desk.says([LOOK, "Buy milk.", "And bread."])
    with desk.chat() as chat:
        await chat.prompt("What is to do?")
        result = await chat.prompt("And then?")
        assert result.text == "And bread."
        first, second = desk.sim.requests[-2].json or {}, desk.sim.requests[-1].json or {}
        assert second["messages"][: len(first["messages"]) - 1] == first["messages"][:-1]
        assert {**second, "messages": []} == {**first, "messages": []}
        assert "noticed" not in kinds_of(chat.session)


async def test_a_reader_that_comes_late_gets_everything_and_one_that_leaves_stops_nothing(desk: Desk) -> None:
    desk.says([LOOK, "Buy milk."])
    with desk.chat() as chat:
        stream = chat.stream("What is to do?")
        async for _ in stream:
            break
        result = await stream
        assert result is not None
        assert result.text == "Buy milk."
        assert isinstance([event async for event in stream][-1], Done)


async def test_server_sent_events_are_numbered_and_end_with_done(desk: Desk) -> None:
    desk.says(["Hello."])
    with desk.chat() as chat:
        frames = [frame async for frame in chat.server_sent("Hi")]
    assert [frame.split(b"\n")[0] for frame in frames] == [b"id: %d" % n for n in range(1, len(frames) + 1)]
    assert frames[-1].split(b"\n")[1] == b"event: done"
    assert json.loads(frames[-1].split(b"data: ")[1])["text"] == "Hello."


async def test_stopping_keeps_what_has_come_and_the_next_prompt_works(desk: Desk) -> None:
    stalls = Fault("stall", at_event=6)
    desk.says([reply("one two three four five six seven eight", fault=stalls), "Fine."])
    with desk.chat() as chat:
        stream = chat.stream("Count.")
        events: list[ChatEvent] = []
        async for event in stream:
            events.append(event)
            if isinstance(event, Chunk):
                chat.stop()
        assert isinstance(events[-1], Stopped)
        partial = chat.history[-1]
        assert isinstance(partial, AssistantMessage)
        assert partial.interrupted
        assert "one two three four".startswith(partial.text.strip())
        assert (await chat.prompt("And now?")).text == "Fine."


async def _into(events: list[ChatEvent], stream: ChatStream) -> None:
    async for event in stream:
        events.append(event)


async def test_a_model_that_fails_is_told_kept_and_raised(desk: Desk) -> None:
    desk.says([ErrorReply(400, "no"), "Fine."])
    with desk.chat() as chat:
        stream = chat.stream("x")
        events: list[ChatEvent] = []
        with pytest.raises(ModelError):
            await _into(events, stream)
        assert isinstance(events[-1], Failed)
        assert kinds_of(chat.session) == ["user", "run_ended"]
        end = chat.session.entries()[-1].entry
        assert isinstance(end, RunEnded)
        assert end.reason == "error"
        assert (await chat.prompt("again")).text == "Fine."


async def test_prompts_are_answered_one_after_the_other_in_their_order(desk: Desk) -> None:
    desk.says(lambda request: f"{sum(isinstance(each, AssistantMessage) for each in request.messages)}")
    with desk.chat() as chat:
        streams = [chat.stream(f"prompt {number}") for number in range(5)]
        results = await asyncio.gather(*(_result(stream) for stream in streams))
        assert results == ["0", "1", "2", "3", "4"]
        said = [stored.entry.text for stored in chat.session.entries() if isinstance(stored.entry, UserSaid)]
        assert said == [f"prompt {number}" for number in range(5)]


async def _result(stream: ChatStream) -> str:
    result = await stream
    assert result is not None
    return result.text


@pytest.mark.parametrize("prompt", ["", "   "])
async def test_an_empty_prompt_is_refused_and_nothing_is_kept(desk: Desk, prompt: str) -> None:
    with desk.chat() as chat:
        with pytest.raises(UsageError):
            chat.stream(prompt)
        assert kinds_of(chat.session) == []


async def test_without_a_workspace_there_are_no_file_tools(desk: Desk) -> None:
    desk.says(["Hi."])
    with desk.chat(workspace=None) as chat:
        assert chat.agent.tools.names == ()
        assert (await chat.prompt("x")).text == "Hi."
        with pytest.raises(UsageError, match="workspace"):
            chat.attach("notes.txt")
        chat.attach("notes.txt", text="by hand")
        with pytest.raises(UsageError, match="workspace"):
            chat.set_mode("build", plan="plans/a.plan")


def test_a_script_asks_without_await(desk: Desk) -> None:
    desk.says(["Hi."])
    with desk.chat() as chat:
        assert chat.prompt_sync("x").text == "Hi."
        assert ModeEntry not in {type(stored.entry) for stored in chat.session.entries()}
