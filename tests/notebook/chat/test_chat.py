"""A chat by hand: asked, stopped, queued, edited, failed, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from agentlab.agent.portal import run_in_background
from agentlab.errors import ApprovalNeeded, InvalidHistory, ServerError, UsageError
from agentlab.messages import ToolCall, ToolResult, UserMessage, validate
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.reader_requests import ReaderRequests
from agentlab.notebook.chat.sessions import InMemorySessions, SessionEntry
from agentlab.tools import tool
from tests.notebook.chat.scripted_model import Gate, agent_of, answering, model_of, reached, texts

pytestmark = pytest.mark.anyio


@tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@tool(approval="It deletes.")
def remove(path: str) -> str:
    """Remove a file."""
    return f"removed {path}"


async def test_a_prompt_is_answered_and_the_next_is_sent_with_what_was_said() -> None:
    chat = Chat(agent_of(["Hello."], ["Again hello."]))
    run = await chat.send("Hi")
    assert run.text == "Hello."
    await chat.send("Hi again")
    assert texts(chat) == ["Hi", "Hello.", "Hi again", "Again hello."]
    sent = model_of(chat.agent).asked[-1].messages
    assert [message.text for message in sent] == ["Hi", "Hello.", "Hi again"]  # type: ignore[union-attr]


def test_without_await_it_does_the_same() -> None:
    chat = Chat(agent_of(["Hello."]))
    assert chat.send_sync("Hi").text == "Hello."
    assert texts(chat) == ["Hi", "Hello."]


async def test_stop_keeps_the_partial_answer_and_the_next_prompt_works() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half an ", gate, "answer"], ["Whole."]))
    asking = asyncio.ensure_future(chat.send("Hi"))
    await reached(gate)
    chat.stop()
    run = await asking
    assert (run.text, run.stop_reason) == ("half an ", "stopped")
    assert chat.conversation.path[0].state.status == "stopped"
    assert (await chat.send("Again")).text == "Whole."
    validate([*chat.history, UserMessage.of("next")])


async def test_stopping_when_nothing_is_asked_does_nothing() -> None:
    chat = Chat(agent_of())
    chat.stop()
    assert chat.decide("call", True) is False
    assert not chat.is_running


async def test_an_interrupt_of_whoever_waits_stops_the_answer() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half ", gate]))
    asking = asyncio.ensure_future(chat.send("Hi"))
    await reached(gate)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not chat.is_running
    assert texts(chat) == ["Hi", "half "]


async def test_an_edited_prompt_is_asked_without_what_followed_the_old_one() -> None:
    chat = Chat(agent_of(["one"], ["two"], ["edited"]))
    await chat.send("first")
    await chat.send("second")
    await chat.send("second, edited", at=2)
    assert texts(chat) == ["first", "one", "second, edited", "edited"]
    sent = model_of(chat.agent).asked[-1].messages
    assert [message.text for message in sent] == ["first", "one", "second, edited"]  # type: ignore[union-attr]


async def test_a_failed_run_is_shown_and_raised_and_the_next_prompt_is_sent_without_it() -> None:
    chat = Chat(agent_of([ServerError("overloaded", status=529)], ["Fine."]))
    with pytest.raises(ServerError, match="overloaded"):
        await chat.send("Fail")
    [failed] = chat.conversation.path
    assert (failed.state.status, failed.state.detail, failed.is_left_out) == ("error", "overloaded", True)
    assert (await chat.send("Work")).text == "Fine."
    assert texts(chat) == ["Work", "Fine."]


async def test_an_error_that_is_none_of_ours_is_shown_too() -> None:
    chat = Chat(agent_of([ZeroDivisionError("by zero")], ["Fine."]))
    with pytest.raises(ZeroDivisionError):
        await chat.send("Fail")
    assert chat.conversation.path[0].state.detail == "ZeroDivisionError: by zero"
    assert (await chat.send("Work")).text == "Fine."


async def test_a_run_that_cannot_even_begin_is_shown_and_the_next_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = Chat(agent_of(["Fine."]))
    broken = chat.agent.with_(volatile="x")

    def refuse(*_: Any, **__: Any) -> None:
        raise UsageError("no")

    monkeypatch.setattr(broken, "stream_prompt", refuse)
    whole, chat._answering._answerer = chat._answering._answerer, answering(broken)
    with pytest.raises(UsageError, match="no"):
        await chat.send("Fail")
    assert chat.conversation.path[0].state.detail == "UsageError: no"
    chat._answering._answerer = whole
    assert (await chat.send("Work")).text == "Fine."


async def test_an_empty_prompt_is_refused_before_anything_happens() -> None:
    chat = Chat(agent_of())
    with pytest.raises(InvalidHistory, match="empty"):
        await chat.send("  ")
    with pytest.raises(UsageError, match="no exchange 4"):
        await chat.send("x", at=4)
    assert chat.conversation.exchanges == ()


def test_what_is_no_agent_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="'gpt' is none; make one with `Agent"):
        Chat("gpt")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs the methods of `Sessions`"):
        Chat(agent_of(), sessions=[])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="read with `from_json`"):
        Chat(agent_of(), conversation="{}")  # type: ignore[arg-type]


async def test_tool_calls_stay_with_their_results() -> None:
    gate = Gate()
    call = ToolCall("c1", "add", '{"a": 1, "b": 2}')
    chat = Chat(agent_of([call], ["it is ", gate], tools=[add]))
    asking = asyncio.ensure_future(chat.send("add"))
    await reached(gate)
    chat.stop()
    await asking
    results = [part for message in chat.history for part in message.content if isinstance(part, ToolResult)]
    assert [result.text for result in results] == ["3"]
    validate([*chat.history, UserMessage.of("next")])


async def test_a_tool_that_asks_waits_for_the_reader_where_there_is_a_view() -> None:
    call = ToolCall("c1", "remove", '{"path": "/x"}')
    chat = Chat(agent_of([call], ["Kept."], tools=[remove]))
    widget = chat.widget
    asking = chat.submit("clean")
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        cards = [part for turn in chat.conversation.path[0].state.turns for part in turn.parts]
        if any(getattr(card, "status", "") == "asking" for card in cards):
            loop.call_soon_threadsafe(asked.set)

    stop = chat.conversation.listen(look)
    look()
    await asyncio.wait_for(asked.wait(), 5)
    stop()
    assert chat.decide("c1", False, "not today")
    run = await asyncio.wrap_future(asking.result)
    assert run.text == "Kept."
    [result] = [part for message in run.messages for part in message.content if isinstance(part, ToolResult)]
    assert "not today" in result.text
    widget.close()


async def test_a_tool_that_asks_where_nobody_watches_raises() -> None:
    chat = Chat(agent_of([ToolCall("c1", "remove", '{"path": "/x"}')], tools=[remove]))
    with pytest.raises(ApprovalNeeded, match="nobody is there"):
        await chat.send("clean")
    assert "waits for approval" in (chat.conversation.path[0].state.detail or "")
    validate([*chat.history, UserMessage.of("next")])


async def test_turns_is_one_row_a_model_call_of_all_branches() -> None:
    call = ToolCall("c1", "add", '{"a": 1, "b": 2}')
    chat = Chat(agent_of([call], ["3"], ["else"], tools=[add]))
    assert list(chat.turns.columns[:4]) == ["exchange", "is_shown", "turn", "provider"]
    assert len(chat.turns) == 0
    await chat.send("add")
    await chat.send("something else", at=1)
    frame = chat.turns
    assert frame["exchange"].tolist() == [1, 1, 2]
    assert frame["is_shown"].tolist() == [False, False, True]
    assert frame["cache_read_tokens"].tolist() == [1000, 1000, 1000]


async def test_a_store_that_fails_is_told_of_and_loses_nothing() -> None:
    class Full(InMemorySessions):
        def save(self, conversation: Conversation) -> None:
            raise OSError("no space left")

        def list(self) -> Sequence[SessionEntry]:
            return []

    chat = Chat(agent_of(["Hello."]), sessions=Full())
    assert (await chat.send("Hi")).text == "Hello."
    assert "no space left" in chat._document.problem


def test_a_session_that_is_not_there_is_refused_in_words() -> None:
    chat = Chat(agent_of())
    with pytest.raises(UsageError, match="no session 'nothing'; there are 0"):
        chat.open("nothing")


async def test_from_a_tool_of_its_own_loop_it_can_be_awaited() -> None:
    chat = Chat(agent_of(["Hello."]))
    answered = run_in_background(chat.send, "Hi")
    assert (await asyncio.wrap_future(answered)).text == "Hello."


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"type": "nonsense"}, "unknown: 'nonsense'"),
        ({"type": "send", "text": 5}, "unknown: 'send'"),
        ({"type": "edit", "id": "1", "text": "x"}, "unknown: 'edit'"),
        ({"type": "select", "id": 7}, "no exchange 7"),
        ({"type": "open", "id": "gone"}, "no session 'gone'"),
        ({}, "unknown: None"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_reported_and_changes_nothing(
    message: dict[str, Any], says: str
) -> None:
    chat = Chat(agent_of())
    ReaderRequests(chat).take(message)
    assert says in chat._document.problem
    assert chat.conversation.exchanges == ()
