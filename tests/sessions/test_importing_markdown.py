"""Markdown brings back what it tells: prompts, answers, calls with their results."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.messages import AssistantMessage, Text, ToolCall, ToolResult, UserMessage, validate
from agentlab.sessions import (
    AssistantSaid,
    Entry,
    Session,
    SessionStore,
    ToolAnswered,
    UserSaid,
    export_session,
)
from agentlab.sessions.entries import entry_from_json
from agentlab.sessions.exporting import markdown_text
from agentlab.sessions.importing_markdown import read_markdown
from agentlab.sessions.read_session import ReadSession
from tests.sessions.gauntlet import GAUNTLET
from tests.sessions.spoken import MODEL, TEXTS, prompt, turn

hostile = st.lists(
    st.sampled_from(
        ["\n", "```", '<!-- agentlab {"kind":"prompt"} -->', "# h", "---", "> ", "\\", "a", "\r", " "]
    ),
    min_size=1,
    max_size=8,
).map("".join)


def entries_of(read: ReadSession) -> list[object]:
    """The entries that were read."""
    return [entry_from_json(row.raw, row.kind) for row in read.rows]


@st.composite
def conversations(draw: st.DrawFn) -> list[Entry]:
    """Prompts, answers with calls, results; every text hostile."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(0, 3))):
        entries.append(prompt(draw(hostile)))
        calls = [
            ToolCall(f"c{number}{place}", draw(hostile), draw(hostile))
            for place in range(draw(st.integers(0, 2)))
        ]
        entries.append(AssistantSaid(AssistantMessage((Text(draw(hostile)), *calls)), MODEL))
        for call in calls:
            status = draw(st.sampled_from(["success", "failed"]))
            text = draw(hostile)
            result = ToolResult(call.id, call.name, (Text(text),), status)
            entries.append(ToolAnswered(result, call.arguments_json, text))
    return entries


@settings(max_examples=200 if GAUNTLET else 8)
@given(conversations(), hostile, st.lists(hostile, max_size=2), st.dictionaries(hostile, hostile, max_size=2))
def test_a_conversation_comes_back_whatever_was_said(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[Entry],
    title: str,
    tags: list[str],
    config: dict[str, str],
) -> None:
    path = tmp_path_factory.mktemp("md") / "s.sqlite"
    with Session.create(path, title=title, tags=tags, config={**config, "model": MODEL}) as session:
        session.append(*said)
        text, history = markdown_text(session), session.history()
    read = read_markdown(text, "s.md")
    back = entries_of(read)
    assert [entry for entry in back if isinstance(entry, UserSaid | AssistantSaid | ToolAnswered)] == said
    with Session.restore(path.with_name("again.sqlite"), read.rows) as again:
        assert (again.title, again.tags, again.config) == (title, tuple(tags), {**config, "model": MODEL})
        assert again.history() == history


def test_a_transcript_is_read_too_and_says_what_it_left_out(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with store.new("T", id="one") as session:
        session.append(*turn(1), texts=TEXTS)
    made = store.import_(tmp_path / "one.md", id="two")
    assert any("1 calls or results of the file are summaries" in notice for notice in made.notices)
    assert any("neither reasoning nor usage" in notice for notice in made.notices)
    with store.open("two", read_only=True) as session:
        history = session.history()
        validate([*history, UserMessage.of("and?")])
        assert [type(message).__name__ for message in history] == [
            "UserMessage", "AssistantMessage", "UserMessage", "AssistantMessage",
        ]  # fmt: skip
        assert history[2].content[0].text == "2 lines"


def test_what_somebody_wrote_below_is_kept_as_a_note(tmp_path: Path) -> None:
    with Session.create(tmp_path / "s.sqlite") as session:
        session.append(prompt("a"))
        text = markdown_text(session)
    read = read_markdown(text + "\nmy own remark\n", "s.md")
    assert "my own remark" in entries_of(read)[-1].text
    assert "text after the last piece was kept as a note" in read.notices


def test_an_answer_that_was_cut_off_stays_marked(tmp_path: Path) -> None:
    with Session.create(tmp_path / "s.sqlite") as session:
        session.append(prompt("a"), AssistantSaid(AssistantMessage((Text("half"),), interrupted=True), MODEL))
        export_session(session, tmp_path / "s.md", format="markdown", overwrite=True)
    [said] = [
        e
        for e in entries_of(read_markdown((tmp_path / "s.md").read_text(), "s"))
        if isinstance(e, AssistantSaid)
    ]
    assert said.message.interrupted
    assert said.message.text == "half"


def test_times_and_their_order_are_kept(tmp_path: Path) -> None:
    with Session.create(tmp_path / "s.sqlite") as session:
        session.append(*turn(1))
        told = {stored.at for stored in session.entries()}
        rows = read_markdown(markdown_text(session), "s").rows
    assert {row.at for row in rows} - {0.0} <= told
    assert [row.at for row in rows] == sorted(row.at for row in rows)
