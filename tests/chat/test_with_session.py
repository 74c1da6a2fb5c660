"""Another chat with the same assistant on another session."""

from __future__ import annotations

import pytest

from agentlab.chat import AgentConfig, Chat
from agentlab.errors import SessionLocked, SessionNotFound
from agentlab.sessions import Session, SessionStore
from agentlab.simulator import call, reply
from agentlab.tools import tool
from tests.chat.desk import MODEL, Desk

pytestmark = pytest.mark.anyio


@tool(approval=True)
def send(text: str) -> str:
    """Send a text."""
    return f"sent {text}"


async def test_it_has_the_same_tools_workspace_and_approver_and_a_session_of_its_own(desk: Desk) -> None:
    desk.says([reply(calls=[call("send", text="a"), call("read", path="notes.txt")]), "Done.", "Here."])
    given = iter([send])
    with desk.chat(tools=given, approver=lambda *_: True) as chat, chat.with_session() as other:
        assert other.workspace is chat.workspace
        assert other.agent.tools.names == chat.agent.tools.names
        assert other.session.path.parent == chat.session.path.parent
        assert (await other.prompt("Send it.")).text == "Done."
        assert chat.history == []
        assert (await chat.prompt("Here?")).text == "Here."
        assert len(other.history) == 4


def test_a_session_that_is_there_is_opened_by_its_id_or_taken_as_it_is(desk: Desk) -> None:
    with desk.chat("two"):
        pass
    with desk.chat() as chat:
        assert {info.id for info in chat.store.list()} == {"one", "two"}
        with chat.with_session("two") as other:
            assert other.session.id == "two"
            with pytest.raises(SessionLocked):
                chat.with_session("two")
        with chat.with_session(Session(desk.folder / "two.sqlite")) as other:
            assert other.session.id == "two"
        with pytest.raises(SessionNotFound):
            chat.with_session("three")


def test_who_answers_is_what_the_session_said_where_nobody_else_was_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    store = SessionStore(desk.folder)
    config = AgentConfig(model=MODEL, max_turns=7)
    with Chat(session=store.new(config=config.to_plain())) as chat, chat.with_session() as other:
        assert other.config == config
    with Chat(config, session=store.new()) as chat, chat.with_session() as other:
        assert (other.config, other.store.folder) == (config, desk.folder)


async def test_an_answer_that_somebody_watches_is_decided_on_while_it_goes_on(desk: Desk) -> None:
    desk.says([reply(calls=[call("send", text="a")]), "Done."])
    with desk.chat(tools=[send]) as chat:
        stream = chat.stream("Send it.")
        stream.attended = True
        assert (stream.attended, chat.attended) == (True, False)
        async for event in stream:
            if type(event).__name__ == "ApprovalPending":
                chat.decide(event.call_id, approved=True)  # type: ignore[union-attr]
        result = await stream
        assert result is not None
        assert result.text == "Done."
