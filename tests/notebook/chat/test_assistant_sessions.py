"""The sessions of an assistant in a chat: picked, locked, left, read, and kept in none that is not theirs."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert import HTMLExporter

from agentlab.chat import Chat as Assistant
from agentlab.errors import SessionLocked, SessionWriteFailed, UsageError
from agentlab.notebook.chat import answering
from agentlab.notebook.chat import chat as chat_module
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.reader_requests import ReaderRequests
from agentlab.sessions import AssistantSaid, RunEnded, Session, UserSaid
from agentlab.simulator import Fault, call, reply
from tests.chat.desk import Desk
from tests.notebook.chat.seated import asked, assistant, ended, shown_texts, until
from tests.notebook.hostile import EXECUTING
from tests.notebook.published import PublishedPage

pytestmark = pytest.mark.anyio

LOOK = reply("I look.", reasoning="Where is it?", calls=[call("read", path="notes.txt")])


async def test_a_log_from_elsewhere_that_tells_no_ends_is_shown_as_answered(desk: Desk) -> None:
    desk.says(["One.", "Two."])
    with assistant(desk) as kept:
        for text in ("first", "second"):
            await kept.prompt(text)
        told = [stored.entry for stored in kept.session.entries() if not isinstance(stored.entry, RunEnded)]
    with Session.create(desk.folder / "told.sqlite") as made:
        made.append(*[entry for entry in told if isinstance(entry, UserSaid | AssistantSaid)])
    with assistant(desk, "told") as kept:
        chat = Chat(kept)
        assert shown_texts(chat) == ["first", "One.", "second", "Two."]
        assert [one.state.status for one in chat.conversation.path] == ["done", "cancelled"]


async def test_a_session_that_may_only_be_read_is_shown_and_a_prompt_is_refused_in_words(desk: Desk) -> None:
    desk.says(["One."])
    with assistant(desk) as kept:
        await kept.prompt("first")
    read = Session(desk.folder / "one.sqlite", read_only=True)
    with Assistant(desk.agent(), session=read) as kept:
        chat = Chat(kept)
        assert shown_texts(chat) == ["first", "One."]
        with pytest.raises(UsageError, match="read only"):
            await chat.send("second")
        ReaderRequests(chat).take({"type": "mode", "mode": "plan"})
        assert "read" in chat._document.problem


async def test_sessions_are_listed_opened_and_begun_and_nothing_gets_into_the_wrong_one(desk: Desk) -> None:
    desk.says(["One.", "Two.", "Three."])
    with assistant(desk, "other") as kept:
        await Chat(kept).send("in the other")
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("in the first")
        chat.list_sessions()
        titles = {entry["title"] for entry in chat._document.document()["sessions"]}
        assert titles == {"in the first", "in the other"}
        opened = chat.open("other")
        assert [one.text for one in opened.path] == ["in the other"]
        assert chat.assistant is not None
        assert chat.assistant is not kept
        assert chat.assistant.workspace is kept.workspace
        await chat.send("more in the other")
        chat.open("one")
        assert chat.assistant is kept
        assert [one.text for one in chat.conversation.path] == ["in the first"]
        with Session(desk.folder / "other.sqlite", read_only=True) as other:
            said = [s.entry.text for s in other.entries() if isinstance(s.entry, UserSaid)]
        assert said == ["in the other", "more in the other"]
        fresh = chat.new()
        assert fresh.path == ()
        assert chat.new() is fresh
        assert len(list(desk.folder.glob("*.sqlite"))) == 3
        chat.open("one")
        with Session(desk.folder / f"{fresh.id}.sqlite"):
            pass  # it was let go of
        assert [s.entry.text for s in kept.session.entries() if isinstance(s.entry, UserSaid)] == [
            "in the first"
        ]


async def test_a_session_that_another_writes_to_is_reported_and_the_open_one_stays(desk: Desk) -> None:
    with Session.create(desk.folder / "locked.sqlite"), assistant(desk) as kept:
        chat = Chat(kept)
        ReaderRequests(chat).take({"type": "open", "id": "locked"})
        assert "locked" in chat._document.problem
        assert chat.conversation.id == "one"
        with pytest.raises(SessionLocked):
            chat.open("locked")


async def test_an_answer_that_cannot_be_kept_is_shown_as_an_error_and_the_next_prompt_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.says(["One.", "Two."])
    with assistant(desk) as kept:
        chat = Chat(kept)

        def full(*_entries: object, **_texts: object) -> None:
            raise SessionWriteFailed("no space left")

        with monkeypatch.context() as broken:
            broken.setattr(kept.session, "append", full)
            with pytest.raises(SessionWriteFailed):
                await chat.send("first")
        [failed] = chat.conversation.path
        assert failed.state.detail == "SessionWriteFailed: no space left"
        assert failed.is_left_out
        await chat.send("second", at=1)
        assert [one.text for one in chat.conversation.path] == ["second"]
        assert chat.conversation.path[-1].state.status == "done"
        assert [s.entry.text for s in kept.session.entries() if isinstance(s.entry, UserSaid)] == ["second"]


async def test_a_session_that_is_left_while_it_answers_goes_on_and_is_found_again(desk: Desk) -> None:
    desk.says(["Other.", reply(calls=[call("send", text="a")]), "Sent."])
    with assistant(desk, "other") as kept:
        await Chat(kept).send("in the other")
    with assistant(desk) as kept:
        chat = Chat(kept)
        assert chat.widget is not None
        opened = chat.open("other")
        sending = chat.submit("Send it.")
        await asked(chat)
        chat.open("one")
        assert chat.conversation.path == ()
        assert chat.open("other") is opened
        assert chat.decide(opened.path[-1].state.asking[0].call_id, True)
        await ended(sending)
        assert shown_texts(chat)[-1] == "Sent."
        assert not any(isinstance(s.entry, UserSaid) for s in kept.session.entries())
        desk.says([reply("one two three four five six", fault=Fault("stall", at_event=4))])
        stalling = chat.submit("Count.")
        await until(chat, lambda: "one" in opened.path[-1].state.text)
        chat.open("one")
        answering.stop(opened)
        await ended(stalling)
        with Session(desk.folder / "other.sqlite") as other:  # nobody looks at it, and it was let go of
            assert isinstance(other.entries()[-1].entry, RunEnded)
        chat.freeze()


async def test_a_notebook_made_a_page_shows_the_session_as_a_picture(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = PublishedPage(monkeypatch, chat_module)
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    desk.says([LOOK, f"Buy milk. {EXECUTING[0]}", reply(calls=[call("send", text="a")])])
    with assistant(desk) as kept:
        await Chat(kept).send("What is to do?")
        kept.set_mode("plan")
        await kept.prompt("Send it.")
    with assistant(desk) as kept:
        Chat(kept)._ipython_display_()
    [(bundle, _, _)] = published.published
    output = nbformat.v4.new_output("display_data", bundle)
    cell = nbformat.v4.new_code_cell("chat", outputs=[output])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    for piece in (
        "What is to do?",
        "Where is it?",
        "Buy milk.",
        "plan mode",
        "waiting for approval",
        "2 messages",
    ):
        assert piece in page
    assert EXECUTING[0] not in page


def test_an_assistant_remembers_in_its_sessions_alone(desk: Desk) -> None:
    with assistant(desk) as kept, pytest.raises(UsageError, match="remembers in its sessions"):
        Chat(kept, conversation=Conversation())
