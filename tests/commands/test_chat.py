"""`agentlab chat --workspace`, and going on with its session: the commands, through a pipe."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentlab.cli import main
from agentlab.sessions import SessionStore, UserSaid
from agentlab.simulator import Simulator, call, reply, serve

MODEL = "openai:gpt-5.6"
Says = Callable[..., int]


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A provider in the place of OpenAI."""
    with serve() as simulator:
        monkeypatch.setenv("OPENAI_API_KEY", simulator.token)
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.base_url("openai"))
        yield simulator


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file, and sessions beside it."""
    monkeypatch.setenv("AGENTLAB_SESSIONS", str(tmp_path / "sessions"))
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "notes.txt").write_text("buy milk\n")
    return folder


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Runs a command with lines on its standard input."""

    def run(lines: str, *words: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return main(words)

    return run


def _prompts() -> list[str]:
    store = SessionStore()
    (info,) = store.list()
    with store.open(info.id, read_only=True) as session:
        return [stored.entry.text for stored in session.entries() if isinstance(stored.entry, UserSaid)]


def test_a_chat_in_a_workspace_is_kept_and_gone_on_with_by_its_id(
    sim: Simulator, workspace: Path, says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    sim.script([reply(calls=[call("read", path="notes.txt")]), "Milk.", "Bread too.", "And eggs."])
    assert says("What is to do?\n", "chat", "openai", "--workspace", str(workspace)) == 0
    assert "Milk." in capsys.readouterr().out
    assert "buy milk" in sim.requests[1].body.decode()
    (info,) = SessionStore().list()
    assert (info.title, info.model) == ("What is to do?", "openai")
    assert says("More?\n", "chat", "--workspace", str(workspace), "--session", info.id) == 0
    assert says("Even more?\n", "sessions", "resume", info.id, "--workspace", str(workspace)) == 0
    assert _prompts() == ["What is to do?", "More?", "Even more?"]
    assert capsys.readouterr().out.split() == ["Bread", "too.", "And", "eggs."]


def test_plan_mode_and_a_persona_are_options(
    sim: Simulator, workspace: Path, says: Says, tmp_path: Path
) -> None:
    sim.script([reply(calls=[call("write", path="a.txt", content="x")]), "I may not."])
    persona = tmp_path / "poet.md"
    persona.write_text("---\nname: poet\n---\nYou answer in rhymes.\n")
    words = ["chat", MODEL, "--workspace", str(workspace), "--plan", "--persona", str(persona)]
    assert says("Write it.\n", *words) == 0
    assert "You answer in rhymes." in sim.requests[0].body.decode()
    assert "Plan Mode" in sim.requests[1].body.decode()
    assert not (workspace / "a.txt").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chat"], "name a model"),
        (["chat", "--session", "none"], "none"),
        (["chat", MODEL, "--workspace", "/nonexistent"], "cannot be opened"),
        (["chat", MODEL, "--workspace", ".", "--preamble", "x"], "persona"),
        (["chat", MODEL, "--workspace", ".", "--persona", "none.md"], "cannot be read"),
        (["sessions", "resume", "none"], "no session"),
    ],
)
@pytest.mark.usefixtures("sim", "workspace")
def test_what_cannot_be_begun_says_why_and_leaves_no_session(
    words: list[str], said: str, says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says("", *words) == 1
    assert said in capsys.readouterr().err
    assert SessionStore().list() == ()
