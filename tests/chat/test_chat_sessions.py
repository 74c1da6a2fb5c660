"""A chat on a session that is there already: gone on with, branched, cut off by a crash, read only."""

from __future__ import annotations

import pytest

from agentlab.chat import (
    Chat,
)
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, UserMessage, validate
from agentlab.sessions import (
    Session,
    ToolAnswered,
    UserSaid,
)
from tests.chat.desk import LOOK, Desk, kinds_of

pytestmark = pytest.mark.anyio


async def test_a_session_is_gone_on_with_in_another_chat(desk: Desk) -> None:
    desk.says([LOOK, "Buy milk.", "Milk, as I said."])
    with desk.chat() as chat:
        await chat.prompt("What is to do?")
        before = chat.history
    with desk.chat() as again:
        assert again.history == before
        result = await again.prompt("What was it?")
        assert result.text == "Milk, as I said."
        assert len(again.history) == len(before) + 2


async def test_a_branch_forgets_what_was_said_behind_it_and_the_other_keeps_it(desk: Desk) -> None:
    desk.says(["One.", "Two.", "Another two."])
    with desk.chat() as chat:
        await chat.prompt("first")
        at = chat.session.entries()[-1].id
        await chat.prompt("second")
        name = chat.branch(at, "other")
        assert name == "other"
        await chat.prompt("second, differently")
        assert [m.text for m in chat.history if isinstance(m, AssistantMessage)] == ["One.", "Another two."]
        chat.switch("main")
        assert [m.text for m in chat.history if isinstance(m, AssistantMessage)] == ["One.", "Two."]


async def test_a_crash_while_a_tool_ran_leaves_it_interrupted_and_not_run_twice(desk: Desk) -> None:
    desk.says([LOOK, "Done."])
    with desk.chat() as chat:
        await chat.prompt("x")
        rows = chat.session.entries()
        rows = rows[: 1 + [row.kind for row in rows].index("assistant")]
    Session.restore(desk.folder / "cut.sqlite", rows).close()
    desk.says(["I see."])
    with desk.chat("cut") as chat:
        result = await chat.resume()
        assert result is not None
        assert result.text == "I see."
        (answered,) = (s.entry for s in chat.session.entries() if isinstance(s.entry, ToolAnswered))
        assert answered.result.status == "interrupted"
        validate([*chat.history, UserMessage.of("x")])


async def test_a_prompt_after_a_crash_ends_the_answer_that_had_no_end(desk: Desk) -> None:
    cut = Session.create(desk.folder / "cut.sqlite")
    cut.append(UserSaid(UserMessage.of("lost"), "lost"))
    cut.close()
    desk.says(["Here."])
    with desk.chat("cut") as chat:
        assert chat.state.unfinished is not None
        assert (await chat.prompt("again")).text == "Here."
        with pytest.raises(UsageError, match="nothing to resume"):
            chat.resume()
        assert kinds_of(chat.session)[:2] == ["user", "run_ended"]


async def test_nothing_is_written_to_a_session_that_is_read_only(desk: Desk) -> None:
    desk.says(["One."])
    with desk.chat() as chat:
        await chat.prompt("x")
    path = desk.folder / "one.sqlite"
    with Chat(desk.agent(), desk.files, Session(path, read_only=True)) as reader:
        assert len(reader.history) == 2
        with pytest.raises(UsageError, match="read only"):
            reader.stream("y")
