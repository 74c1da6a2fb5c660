"""A chat that is killed at any moment leaves a session that opens, with everything in it that anybody was told."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from agentlab.messages import AssistantMessage, Request, UserMessage, validate
from agentlab.models import vendors
from agentlab.models.registry import WIRES, wire_for
from agentlab.sessions import AssistantSaid, RunEnded, Session, ToolAnswered, UserSaid
from tests.agent.bench import VENDORS

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
ROOT = Path(__file__).parents[2]
ONE_OF_EACH_WIRE = {vendors()[name.partition(":")[0]].wire: name for name in VENDORS.values()}


def test_every_wire_is_tried() -> None:
    assert set(ONE_OF_EACH_WIRE) == set(WIRES)


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    assert len(_kill(tmp_path, kills=3, seed=1)) >= 3


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="two hundred kills run in `make gauntlet`")
def test_two_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    opening = _kill(tmp_path, kills=200, seed=int.from_bytes(os.urandom(4)))
    assert len(opening) >= 200
    opening.sort()
    print(
        f"\n{len(opening)} sessions opened; ms: median {1e3 * opening[len(opening) // 2]:.1f}, worst {1e3 * opening[-1]:.1f}"
    )


def _kill(folder: Path, *, kills: int, seed: int) -> list[float]:
    """Kill the chats at random moments; how long each session that was cut off took to open, in seconds."""
    chance = random.Random(seed)
    opening: list[float] = []
    for number in range(kills):
        place = folder / str(number)
        place.mkdir()
        told = _told_until_killed(place, after=chance.randrange(2, 120), wait_s=chance.random() * 0.01)
        assert told, "nothing was told"
        for session_id in {str(line["session"]) for line in told}:
            begun = monotonic()
            session = Session(place / "sessions" / f"{session_id}.sqlite")
            opening.append(monotonic() - begun)
            with session:
                session.check()
                _has_all_of(session, [line for line in told if line["session"] == session_id])
                _is_valid_for_every_wire(session)
    return opening


def _told_until_killed(folder: Path, *, after: int, wait_s: float) -> list[dict[str, Any]]:
    """What the program said before it was killed: a moment after it had said so many lines."""
    command = [sys.executable, "-m", "tests.chat.killed_chat", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline() for _ in range(after)]
        deadline = monotonic() + wait_s
        while monotonic() < deadline:
            pass
        os.kill(program.pid, signal.SIGKILL)
        lines += program.stdout.readlines()
    return [told for told in map(json.loads, _whole(lines)) if "session" in told]


def _whole(lines: list[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.endswith(b"\n"))


def _has_all_of(session: Session, told: list[dict[str, Any]]) -> None:
    """Everything that was told is in the log."""
    entries = [stored.entry for stored in session.entries()]
    prompts = [entry.text for entry in entries if isinstance(entry, UserSaid)]
    turns = [entry for entry in entries if isinstance(entry, AssistantSaid)]
    results = {entry.result.call_id for entry in entries if isinstance(entry, ToolAnswered)}
    ends = sum(isinstance(entry, RunEnded) for entry in entries)
    assert ends >= sum("ended" in line for line in told)
    assert {line["result"] for line in told if "result" in line} <= results
    assert len([line for line in told if "said" in line]) <= len(turns)
    for line, turn in zip([line for line in told if "said" in line], turns, strict=False):
        assert turn.message.text == line["said"]
        assert [call.id for call in turn.message.tool_calls] == line["calls"]
        assert turn.usage is not None
        assert turn.message.reasoning or turn.turn == 2
    for line in told:
        assert "prompt" not in line or line["prompt"] in prompts


def _is_valid_for_every_wire(session: Session) -> None:
    history = session.history()
    messages = (*history, UserMessage.of("and now?"))
    validate(messages)
    assert all(not isinstance(message, AssistantMessage) or message.content for message in history)
    for wire, name in ONE_OF_EACH_WIRE.items():
        vendor, _, model_id = name.partition(":")
        encoded = wire_for(wire).encode(Request(model=model_id, messages=messages), vendors()[vendor])
        assert encoded.body
