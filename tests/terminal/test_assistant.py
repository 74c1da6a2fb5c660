"""The workspace assistant in a real pseudo-terminal: what is said is in the session, and another terminal goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlab.sessions import Decided, SessionStore, UserSaid
from agentlab.simulator import Simulator, call, reply
from tests.terminal.chat_process import assistant
from tests.terminal.terminal import Starts, terminals

CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.fixture
def start(sim: Simulator, tmp_path: Path) -> Iterator[Starts]:
    given = sim.base_url("anthropic"), sim.token, str(tmp_path / "history"), str(tmp_path), "kept"
    with terminals(assistant, *given, shows="Test assistant") as starts:
        yield starts


def test_what_is_said_is_kept_and_another_terminal_goes_on(
    sim: Simulator, start: Starts, tmp_path: Path
) -> None:
    sim.script([reply(calls=[call("write", path="a.txt", content="hello")]), "Written.", "As I said."])
    first = start()
    first.type("write it\r")
    first.until("Written")
    first.type(f"/session\r{CTRL_D}")
    first.until(r"kept · main · \d+ entries")
    assert first.ended() == 0
    assert (tmp_path / "workspace" / "a.txt").read_text() == "hello"
    second = start()
    second.until("\n>")
    second.type("what did you do?\r")
    second.until("As I said")
    second.type("/usage\r")
    second.until(r"2 answers · .* in")


def test_a_decision_that_nobody_took_is_asked_for_by_the_next_terminal(
    sim: Simulator, start: Starts, tmp_path: Path
) -> None:
    sim.script([reply(calls=[call("buy", thing="a cow")]), "All done."])
    first = start()
    first.type("buy it\r")
    first.until(r"\[y/N\]")
    first.process.kill()
    first.process.join()
    second = start()
    second.until("going on with the answer that had no end")
    second.until(r"\[y/N\]")
    second.type("y\r")
    second.until("All done")
    second.type(CTRL_D)
    assert second.ended() == 0
    with SessionStore(tmp_path / "sessions").open("kept", read_only=True) as session:
        decided = [stored.entry for stored in session.entries() if isinstance(stored.entry, Decided)]
    assert [(each.verdict, each.by) for each in decided] == [("allow", "user")]


def test_a_question_is_put_to_the_user_and_answered(sim: Simulator, start: Starts, tmp_path: Path) -> None:
    question = {"name": "colour", "question": "Which colour?", "schema": {"type": "string"}}
    sim.script([reply(calls=[call("ask_user", questions=[question])]), "Red it is."])
    terminal = start()
    terminal.type("paint it\r")
    terminal.until(r"Which colour\?\s+\?")
    terminal.type("red\r")
    terminal.until("Red it is")
    with SessionStore(tmp_path / "sessions").open("kept", read_only=True) as session:
        said = [stored.entry for stored in session.entries() if isinstance(stored.entry, UserSaid)]
    assert [each.text for each in said] == ["paint it", "red"]
    assert said[1].question_id is not None


def test_modes_attachments_and_branches_have_commands(sim: Simulator, start: Starts, tmp_path: Path) -> None:
    sim.script(["One.", "Two."])
    terminal = start()
    (tmp_path / "workspace" / "notes.md").write_text("remember the milk")
    terminal.type("/mode plan\r")
    terminal.until("plan mode")
    terminal.type("/mode fly\r")
    terminal.until("there is no mode 'fly'")
    terminal.type("/attach notes.md\r")
    terminal.until("is told with the next prompt")
    terminal.type("hello\r")
    terminal.until("One")
    terminal.type("/context\r")
    terminal.until("notes.md")
    terminal.type("/branch\r")
    terminal.until("on the branch")
    terminal.type("/switch\r")
    terminal.until(r"\* \S+")
    assert "remember the milk" in sim.requests[-1].body.decode()
