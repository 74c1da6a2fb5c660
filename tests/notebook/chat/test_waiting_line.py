"""Prompts that come while another is answered: they wait, are held, are let go on, and stay where they were written."""

from __future__ import annotations

import asyncio

import pytest

from agentlab.errors import RunStopped
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.reader_requests import ReaderRequests
from tests.notebook.chat.scripted_model import Gate, agent_of, reached, texts

pytestmark = pytest.mark.anyio


async def test_a_prompt_sent_meanwhile_waits_and_is_asked_after_the_answer_before_it() -> None:
    gate = Gate()
    chat = Chat(agent_of(["first", gate], ["second"], ["third"]))
    asked = [chat.submit(text) for text in ("one", "two", "three")]
    await reached(gate)
    assert [entry.prompt.text for entry in chat.conversation.line.waiting] == ["two", "three"]
    assert [one.text for one in chat.conversation.path] == ["one"]
    gate.open()
    runs = [await asyncio.wrap_future(entry.result) for entry in asked]
    assert [run.text for run in runs] == ["first", "second", "third"]
    assert texts(chat) == ["one", "first", "two", "second", "three", "third"]


async def test_what_is_queued_stays_on_the_branch_it_was_written_on() -> None:
    gate = Gate()
    chat = Chat(agent_of(["old"], ["slow", gate], ["after slow"]))
    await chat.send("old prompt")
    slow = chat.submit("new prompt", at=1)
    await reached(gate)
    queued = chat.submit("follow-up")
    chat.conversation.select(1)
    gate.open()
    await asyncio.wrap_future(slow.result)
    await asyncio.wrap_future(queued.result)
    assert [one.text for one in chat.conversation.path] == ["old prompt"]
    chat.conversation.select(2)
    assert [one.text for one in chat.conversation.path] == ["new prompt", "follow-up"]


async def test_a_stopped_answer_holds_what_was_typed_behind_it_until_it_is_sent_or_removed() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half", gate], ["on three"]))
    first, second, third = (chat.submit(text) for text in ("one", "two", "three"))
    await reached(gate)
    chat.stop()
    await asyncio.wrap_future(first.result)
    assert [entry.is_held for entry in chat.conversation.line.waiting] == [True, True]
    requests = ReaderRequests(chat)
    requests.take({"type": "remove", "id": second.id})
    with pytest.raises(RunStopped, match="taken out of the line"):
        await asyncio.wrap_future(second.result)
    requests.take({"type": "send_now", "id": third.id})
    assert (await asyncio.wrap_future(third.result)).text == "on three"
    assert texts(chat) == ["one", "half", "three", "on three"]


async def test_code_that_waits_in_line_is_not_held() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half", gate], ["on two"]))
    chat.submit("one")
    await reached(gate)
    waiting = asyncio.ensure_future(chat.send("two"))
    await asyncio.sleep(0)
    assert len(chat.conversation.line.waiting) == 1
    chat.stop()
    assert (await waiting).text == "on two"


async def test_code_that_is_interrupted_in_line_leaves_it() -> None:
    gate = Gate()
    chat = Chat(agent_of(["whole", gate]))
    first = chat.submit("one")
    await reached(gate)
    waiting = asyncio.ensure_future(chat.send("two"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert chat.conversation.line.waiting == []
    gate.open()
    assert (await asyncio.wrap_future(first.result)).stop_reason == "done"


async def test_send_now_stops_the_answer_under_way() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half", gate], ["on two"]))
    first, second = chat.submit("one"), chat.submit("two")
    await reached(gate)
    ReaderRequests(chat).take({"type": "send_now", "id": second.id})
    assert (await asyncio.wrap_future(second.result)).text == "on two"
    assert first.result.result().stop_reason == "stopped"


async def test_editing_while_an_answer_is_under_way_stops_that_and_asks_at_once() -> None:
    gate = Gate()
    chat = Chat(agent_of(["half", gate], ["better"]))
    first = chat.submit("one")
    await reached(gate)
    assert (await chat.send("one, edited", at=1)).text == "better"
    assert first.result.result().stop_reason == "stopped"
    assert texts(chat) == ["one, edited", "better"]


async def test_two_chats_on_one_conversation_hold_one_line() -> None:
    gate = Gate()
    one = Chat(agent_of(["first", gate]))
    other = Chat(agent_of(["second"]), conversation=one.conversation)
    first = one.submit("by one")
    await reached(gate)
    second = other.submit("by the other")
    assert other.is_running
    gate.open()
    await asyncio.wrap_future(first.result)
    await asyncio.wrap_future(second.result)
    assert texts(one) == texts(other) == ["by one", "first", "by the other", "second"]


async def test_an_answer_goes_on_in_a_session_that_is_not_open_any_more() -> None:
    gate = Gate()
    chat = Chat(agent_of(["slow", gate], ["quick"]))
    old = chat.conversation
    slow = chat.submit("slowly")
    await reached(gate)
    chat.new()
    assert (await chat.send("quickly")).text == "quick"
    gate.open()
    await asyncio.wrap_future(slow.result)
    assert [entry.title for entry in chat.sessions.list()] == ["slowly", "quickly"]
    assert chat.open(old.id) is old
    assert texts(chat) == ["slowly", "slow"]
