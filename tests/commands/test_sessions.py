"""`agentlab sessions`, as a shell runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentlab.cli import main
from agentlab.sessions import SessionStore, Titled
from tests.sessions.spoken import TEXTS, answer, prompt, turn


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    monkeypatch.setenv("AGENTLAB_SESSIONS", str(tmp_path / "kept"))
    store = SessionStore()
    with store.new("Trains", ["rail"], {"model": "sim:openai/gpt-5.6"}, id="abc123") as session:
        session.append(*turn(1), texts=TEXTS)
        session.branch_at(4, "other")
        session.append(prompt("and now?"), answer("something else\x1b[31m"))
    return store


def printed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """What the command prints; its complaints where it fails."""
    assert main(["sessions", *words]) == status
    out, err = capsys.readouterr()
    return err if status else out


def test_the_list_is_a_table_and_json(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    heading, row = printed(capsys, "list").splitlines()
    assert heading.startswith("id ")
    assert row.split()[:4] == ["abc123", "Trains", "rail", "sim:openai/gpt-5.6"]
    [told] = json.loads(printed(capsys, "list", "--json"))
    assert told["id"] == "abc123"
    assert json.loads(printed(capsys, "list", "--json", "--tag", "nothing")) == []


def test_show_prints_a_branch_and_nothing_acts_on_the_terminal(
    store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(capsys, "show", "abc")
    assert "something else" in shown
    assert "\x1b" not in shown
    assert "answer 1" in printed(capsys, "show", "abc123", "--branch", "main")
    rows = [json.loads(line) for line in printed(capsys, "show", "abc", "--json").splitlines()]
    assert {row["role"] for row in rows} >= {"user", "assistant"}


def test_branches_are_listed_and_made(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row.split()[0] for row in printed(capsys, "branch", "abc").splitlines()] == [
        "branch",
        "main",
        "other",
    ]
    assert "goes on with third" in printed(capsys, "branch", "abc", "4", "--name", "third")
    assert [row["name"] for row in json.loads(printed(capsys, "branch", "abc", "--json"))] == [
        "main",
        "other",
        "third",
    ]
    assert "name the entry" in printed(capsys, "branch", "abc", "--name", "x", status=1)


def test_a_diff_tells_both_branches(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, "diff", "abc", "main")
    assert "main and other part after entry 4" in told
    assert "-answer 1" in told
    assert "\x1b" not in told
    rows = [json.loads(line) for line in printed(capsys, "diff", "abc", "main", "--json").splitlines()]
    assert [row["part"] for row in rows] == ["shared", "left", "right"]


@pytest.mark.parametrize("suffix", ["jsonl", "md"])
def test_what_is_exported_is_imported(
    suffix: str, store: SessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / f"out.{suffix}")
    assert "is written to" in printed(capsys, "export", "abc", path)
    assert "there is a file" in printed(capsys, "export", "abc", path, status=1)
    printed(capsys, "export", "abc", path, "--overwrite")
    assert "copy has " in printed(capsys, "import", path, "--id", "copy")
    assert "something else" in printed(capsys, "show", "copy")


def test_rename_tag_delete_and_restore(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "rename", "abc", "Ships")
    printed(capsys, "tag", "abc", "sea", "north")
    assert (store.list()[0].title, store.list()[0].tags) == ("Ships", ("sea", "north"))
    assert "restore abc123" in printed(capsys, "delete", "abc")
    assert printed(capsys, "list") == ""
    assert printed(capsys, "list", "--deleted") == "abc123\n"
    printed(capsys, "restore", "abc123")
    assert store.list()[0].title == "Ships"


def test_search_names_session_entry_and_text(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "search", "quokka").splitlines()[1].split()[:3] == ["abc123", "6", "tool"]
    [hit] = json.loads(printed(capsys, "search", "and now", "--json"))
    assert hit["session"] == "abc123"
    assert printed(capsys, "search", "nowhere") == ""
    assert "a limit is 1 or more" in printed(capsys, "search", "a", "--limit", "0", status=1)


def test_a_title_of_anybody_s_cannot_act_on_the_terminal(
    store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.open("abc123") as session:
        session.append(Titled("evil\x1b]0;x\x07\nsecond line"))
    assert printed(capsys, "list").splitlines()[1].split()[1:4] == ["evil", "second", "line"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "zzz"], "there is no session zzz"),
        (["show", "../x"], "is no id"),
        (["show", "abc", "--branch", "no"], "has no branch"),
        (["import", "nowhere.jsonl"], "there is no file"),
        (["restore", "abc123"], "was deleted"),
        (["branch", "abc", "999"], "no entry 999"),
        (["diff", "abc", "no"], "has no branch"),
        (["export", "abc", "x.txt"], "says no format"),
    ],
)
def test_a_mistake_is_a_sentence_and_status_1(
    words: list[str], said: str, store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    told = printed(capsys, *words, status=1)
    assert told.startswith("agentlab: ")
    assert said in told


def test_another_folder_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "--folder", str(tmp_path), "list"]) == 0
    assert str(tmp_path) in capsys.readouterr().err
