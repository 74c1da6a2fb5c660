"""What the front end is told of a chat adds up to the chat, whatever is asked, shown and switched in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlab.messages import AssistantMessage, TextDelta, TurnStarted, UserMessage
from agentlab.notebook.chat.chat_document import ChatDocument
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.waiting_line import Waiting
from tests.notebook.chat.scripted_model import agent_of, answering
from tests.notebook.event_sequences import EVENTS
from tests.notebook.javascript.replaying import Replay, painted, replaying
from tests.notebook.synthetic import tool_run

PROMPTS = st.sampled_from(["hello", "<b>bold</b>", "a\nb", "\ud83d"])


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """The front end's own code, in one node process."""
    with replaying() as run:
        yield run


class Table:
    """A chat at which things happen, and what the front end is told."""

    def __init__(self) -> None:
        self.conversation = Conversation("first")
        self.kept = [self.conversation]
        self.source = ChatDocument(answering(agent_of()), lambda: self.conversation)
        self.start = self.source.document()
        self.patches: list[list[Any]] = []

    def happen(self, data: st.DataObject) -> None:
        """One of all the things that can."""
        ids = [one.id for one in self.conversation.exchanges]
        running = [one for one in self.conversation.exchanges if not one.state.is_finished]
        what = data.draw(st.sampled_from(["ask", "edit", "say", "end", "show", "switch", "wait", "problem"]))
        prompt = UserMessage.of(data.draw(PROMPTS))
        if what == "ask":
            self.conversation.add(prompt, self.conversation.end_of(None))
        elif what == "edit" and ids:
            self.conversation.branch(data.draw(st.sampled_from(ids)), prompt)
        elif what == "say" and running:
            for event in data.draw(st.lists(EVENTS, max_size=5)):
                running[0].apply(event, 0.1)
        elif what == "end" and running:
            running[0].finish(data.draw(st.sampled_from(["done", "error"])))
        elif what == "show" and ids:
            self.conversation.select(data.draw(st.sampled_from(ids)))
        elif what == "switch":
            self.kept.append(Conversation(f"session {len(self.kept)}"))
            self.conversation = data.draw(st.sampled_from(self.kept))
        elif what == "wait":
            self.conversation.line.enter(Waiting(prompt, None, lambda _entry: None))
        else:
            self.source.problem = data.draw(PROMPTS)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_patches_add_up_to_the_document(replay: Replay, data: st.DataObject) -> None:
    table = Table()
    for _ in range(data.draw(st.integers(1, 12))):
        table.happen(data)
        if data.draw(st.booleans()):
            table.patches.append(table.source.patch())
    table.patches.append(table.source.patch())
    assert painted(replay(table.start, table.patches)) == painted(table.source.document())


@settings(max_examples=30)
@given(st.data())
def test_a_shown_run_is_made_anew_only_where_switches_says_so(data: st.DataObject) -> None:
    """A page paints a snapshot into what is there: it may, for as long as `switches` stays."""
    table = Table()
    before = (table.source.document()["switches"], [one.state for one in table.conversation.path])
    for _ in range(data.draw(st.integers(1, 8))):
        table.happen(data)
        table.source.patch()
        now = (table.source.document()["switches"], [one.state for one in table.conversation.path])
        kept = all(old is new for old, new in zip(before[1], now[1], strict=False)) and len(now[1]) >= len(
            before[1]
        )
        assert kept == (now[0] == before[0])
        before = now


def test_a_token_costs_what_it_is_and_not_the_conversation() -> None:
    conversation = Conversation("id")
    source = ChatDocument(answering(agent_of()), lambda: conversation)
    for number in range(30):
        exchange = conversation.add(UserMessage.of(f"prompt {number}"), conversation.end_of(None))
        for event in tool_run():
            exchange.apply(event, 1.0)
    exchange = conversation.add(UserMessage.of("the last"), conversation.end_of(None))
    exchange.apply(TurnStarted(1, "m"), 0.0)
    exchange.apply(TextDelta("word "), 0.1)
    source.document()
    exchange.apply(TextDelta("word "), 0.2)
    assert len(json.dumps(source.patch())) < 300
    assert source.patch() == []


def test_the_open_session_is_listed_by_its_present_title_saved_or_not() -> None:
    conversation = Conversation("open")
    source = ChatDocument(answering(agent_of()), lambda: conversation)
    assert source.document()["sessions"] == [{"id": "open", "title": "New chat"}]
    exchange = conversation.add(UserMessage.of("What is new?"), None)
    exchange.settle([exchange.prompt, AssistantMessage.of("x")], [])
    assert source.document()["sessions"] == [{"id": "open", "title": "What is new?"}]


def test_no_request_is_told() -> None:
    conversation = Conversation("id")
    source = ChatDocument(answering(agent_of()), lambda: conversation)
    exchange = conversation.add(UserMessage.of("hi"), None)
    for event in tool_run():
        exchange.apply(event, 0.0)
    told = json.dumps(source.document()) + conversation.to_json()
    assert "CANARY" not in told
