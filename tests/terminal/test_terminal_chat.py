"""A user types into a real pseudo-terminal; what he sees is read off an emulator's screen."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlab.messages import AssistantMessage, messages_from_json
from agentlab.simulator import Fault, Simulator, call, reply
from tests.terminal.chat_process import chat
from tests.terminal.terminal import Starts, terminals

ALT_ENTER, CTRL_C, CTRL_D, UP = "\x1b\r", "\x03", "\x04", "\x1b[A"


@pytest.fixture
def start(sim: Simulator, tmp_path: Path) -> Iterator[Starts]:
    given = sim.base_url("anthropic"), sim.token, str(tmp_path / "state" / "history")
    with terminals(chat, *given, shows="\n>") as starts:
        yield starts


def prompts(sim: Simulator) -> list[str]:
    """What the provider was asked, the newest prompt of each request."""
    return [
        message["content"][-1]["text"]
        for message in (json.loads(request.body)["messages"][-1] for request in sim.requests)
        if message["content"][-1]["type"] == "text"
    ]


def test_a_prompt_is_answered_with_a_line_of_usage_and_ctrl_d_leaves(sim: Simulator, start: Starts) -> None:
    sim.script(["# Sum\n\nIt is **five**.\n\n- one\n- two\n\n```python\nx = 1\n```\n"])
    terminal = start()
    assert "Test chat · anthropic:claude-sonnet-4-6 · /help" in terminal.text
    terminal.type("What is 2 + 3?\r")
    shown = terminal.until(r"in · .* read · .* written · .* out · \$0\.\d+ · first token .* s")
    assert "It is five." in shown
    assert "• two" in shown
    assert "**" not in shown
    assert "```" not in shown
    terminal.type(CTRL_D)
    assert terminal.ended() == 0


def test_alt_enter_and_a_trailing_backslash_begin_new_lines(sim: Simulator, start: Starts) -> None:
    sim.script(["heard"])
    terminal = start()
    terminal.type(f"one{ALT_ENTER}two\\\rthree\r")
    terminal.until("heard")
    assert prompts(sim) == ["one\ntwo\nthree"]


def test_ctrl_c_stops_the_answer_and_keeps_what_had_come(
    sim: Simulator, start: Starts, tmp_path: Path
) -> None:
    sim.script([reply("alpha beta gamma delta epsilon zeta eta theta"), "and on"])
    sim.faults.add(Fault("stall", at_event=6))
    terminal = start()
    terminal.type("count\r")
    terminal.until("beta")
    terminal.type(CTRL_C)
    terminal.until("stopped")
    terminal.type("go on\r")
    terminal.until("and on")
    kept = json.loads(sim.requests[-1].body)["messages"]
    assert [message["role"] for message in kept] == ["user", "assistant", "user"]
    assert kept[1]["content"][0]["text"].startswith("alpha beta")
    terminal.type(f"/save {tmp_path / 'chat.json'}\r")
    terminal.until("messages are in")
    saved = messages_from_json((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert isinstance(saved[1], AssistantMessage)
    assert saved[1].interrupted


def test_ctrl_c_at_the_prompt_drops_the_line_and_stays(sim: Simulator, start: Starts) -> None:
    sim.script(["heard"])
    terminal = start()
    terminal.type(f"never sent{CTRL_C}")
    terminal.until(r"\n> ?(?=\n|\Z)")
    terminal.type("sent\r")
    terminal.until("heard")
    assert prompts(sim) == ["sent"]


def test_prompts_are_remembered_by_the_next_chat_for_their_owner_alone(
    sim: Simulator, start: Starts, tmp_path: Path
) -> None:
    sim.script(["heard", "heard again"])
    first = start()
    first.type("a question to keep\r")
    first.until("heard")
    first.type(CTRL_D)
    assert first.ended() == 0
    second = start()
    second.type(f"{UP}\r")
    second.until("heard again")
    assert prompts(sim) == ["a question to keep"] * 2
    file = tmp_path / "state" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_tools_take_a_line_each_and_one_that_asks_runs_after_a_yes(sim: Simulator, start: Starts) -> None:
    sim.script([reply(calls=[call("add", a=1, b=2), call("buy", thing="a cow")]), "All done."])
    terminal = start()
    terminal.type("go\r")
    terminal.until(r"run buy\(thing=\"a cow\"\), it costs money\? \[y/N\]")
    terminal.type("y\r")
    shown = terminal.until("All done")
    assert "✓ add(a=1, b=2) → 3" in shown
    assert "bought a cow" in shown


def test_a_tool_that_asks_does_not_run_on_anything_but_yes(sim: Simulator, start: Starts) -> None:
    sim.script([reply(calls=[call("buy", thing="a cow")]), "As you like."])
    terminal = start()
    terminal.type("go\r")
    terminal.until(r"\[y/N\]")
    terminal.type("\r")
    shown = terminal.until("As you like")
    assert "bought" not in shown
    assert "the user said no" in shown


def test_ctrl_c_at_the_question_stops_the_answer_and_runs_nothing(sim: Simulator, start: Starts) -> None:
    sim.script([reply("Buying.", calls=[call("buy", thing="a cow")]), "What now?"])
    terminal = start()
    terminal.type("go\r")
    terminal.until(r"\[y/N\]")
    terminal.type(CTRL_C)
    terminal.until("stopped")
    terminal.type("never mind\r")
    assert "bought" not in terminal.until("What now")


def test_what_is_typed_during_an_answer_waits_for_the_next_prompt(sim: Simulator, start: Starts) -> None:
    sim.script(["first answer", "second answer"])
    sim.faults.add(Fault("status", status=529, retry_after=1))
    terminal = start()
    terminal.type("first\r")
    terminal.until("trying again in")
    terminal.type("second\r")
    shown = terminal.until("second answer")
    assert shown.index("first answer") < shown.index("> second")
    assert prompts(sim)[-1] == "second"


def test_commands_answer_without_asking_the_model(sim: Simulator, start: Starts) -> None:
    terminal = start()
    for typed, seen in (
        ("/help", "Ctrl\\+C stops an answer"),
        ("/tools", "buy +Buy a thing"),
        ("/usage", "nothing was asked yet"),
        ("/model nowhere:x", "there is no vendor `nowhere`"),
        ("/reset", "the conversation begins anew"),
        ("/other", "there is no command /other"),
    ):
        terminal.type(f"{typed}\r")
        terminal.until(seen)
    terminal.type("/exit\r")
    assert terminal.ended() == 0
    assert not list(sim.requests)


def test_a_failed_answer_is_a_sentence_and_the_chat_goes_on(sim: Simulator, start: Starts) -> None:
    sim.script(["fine"])
    sim.faults.add(Fault("status", status=401, message="bad \x1b[2J key"))
    terminal = start()
    terminal.type("one\r")
    terminal.until("bad  key")
    terminal.type("two\r")
    terminal.until("fine")
    assert prompts(sim) == ["one", "two"]


HOSTILE = (
    "seen \x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[H\x9b31m\x1b[?1049h\x1bc"
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \u202eright\u202c \x08\x08 end"
)


def test_nothing_a_hostile_model_says_reaches_the_terminal(sim: Simulator, start: Starts) -> None:
    sim.script(
        [
            reply(HOSTILE, reasoning=f"thinking {HOSTILE}", calls=[call("add", a=HOSTILE, b="\x1b[2J")]),
            f"{HOSTILE}\n\n```\n{HOSTILE}\n```\n\n[text](http://plain.example/) <b>kept</b> finished",
        ]
    )
    terminal = start()
    terminal.type("go\r")
    shown = terminal.until("finished")
    for bad in (
        b"\x1b]0;",
        b"\x1b]52",
        b"\x1b[2J",
        b"1049h",
        b"\x1bc",
        b"\x1b]8",
        "\u202e".encode(),
        b"\x9b31",
    ):
        assert bad not in terminal.raw, bad
    assert "seen" in shown
    assert "http://plain.example/" in shown
    assert "<b>kept</b>" in shown
