"""A process that is killed while it writes loses nothing that it acknowledged, and leaves a session that opens."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from agentlab.messages import UserMessage
from agentlab.sessions import Session, UserSaid
from tests.sessions.gauntlet import GAUNTLET, sample
from tests.sessions.processes import ROOT, acknowledged, assert_kept, command, writer
from tests.sessions.tracing import strace
from tests.sessions.wires import assert_sendable

KILLS = sample(5, 200)
NEW_EVERY = 20  # a session that grows for so many kills, then another


def killed_writer(path: Path, chance: random.Random) -> dict[int, int]:
    """What a writer acknowledged until it was killed at some moment."""
    with writer(path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.choice([0, 1, 3, 10, 40, 120]))]
        until = time.perf_counter() + chance.uniform(0, 0.02)
        while time.perf_counter() < until:  # a moment that depends on nothing the writer does
            pass
        process.kill()
        return acknowledged(lines + process.stdout.readlines())


def reopened(path: Path, said: dict[int, int], wires: bool) -> float:
    """Check a session that a killed process left; seconds it took to open."""
    before = path.read_bytes()
    with Session(path, read_only=True) as reader:  # first somebody who only looks
        assert_kept(said, reader.all_entries())
    assert path.read_bytes() == before
    start = time.perf_counter()
    with Session(path) as session:
        took = time.perf_counter() - start
        session.check()  # integrity_check, every row, every text
        assert_kept(said, session.all_entries())
        for branch in session.branches[-3:]:
            history = session.history(branch.name)
            if wires:
                assert_sendable(history)
        last = len(session)
        assert session.append(UserSaid(UserMessage.of("on"))) == (last + 1,)
    return took


@pytest.mark.gauntlet
def test_kills_at_random_moments_lose_nothing_acknowledged(tmp_path: Path) -> None:
    chance, opening, total, unmade = random.Random(7), [], 0, 0
    said: dict[int, int] = {}
    for kill in range(KILLS):
        path = tmp_path / f"{kill // NEW_EVERY}.sqlite"
        said = {} if kill % NEW_EVERY == 0 else said
        new = killed_writer(path, chance)
        said |= new
        total += len(new)
        if path.exists():
            opening.append(reopened(path, said, wires=kill % 10 == 5))
        else:  # killed before it was made: nothing was acknowledged, and nothing is in the way
            assert not said
            unmade += 1
            Session.create(path).close()
    assert total > KILLS
    if GAUNTLET:
        print(
            f"\n{KILLS} kills, {total:,} entries acknowledged, 0 lost; {unmade} before the file was made; opening: "
            f"median {1000 * statistics.median(opening):.1f} ms, slowest {1000 * max(opening):.1f} ms"
        )


# Every call by which SQLite or the session changes a file or syncs it.
CHANGING = "pwrite64,write,ftruncate,fsync,fdatasync,unlink,link,rename"
POINTS = range(1, 161) if GAUNTLET else (9, 31)


@pytest.mark.gauntlet
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_system_call_that_writes_loses_nothing_acknowledged(tmp_path: Path, point: int) -> None:
    path = tmp_path / "a.sqlite"
    inject = ["-e", f"trace={CHANGING}", "-e", f"inject={CHANGING}:signal=SIGKILL:when={point}"]
    run = [strace(), "-f", "-qq", "-o", "/dev/null", *inject, *command(path, 3, 20_000)]
    done = subprocess.run(run, cwd=ROOT, stdout=subprocess.PIPE, timeout=120, check=False)
    said = acknowledged(done.stdout.splitlines(keepends=True))
    if path.exists():
        reopened(path, said, wires=True)
    else:
        assert not said
        Session.create(path).close()


def test_a_copy_of_the_file_and_its_log_taken_at_any_moment_is_a_session(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with writer(path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(30)]
        process.kill()
        lines += process.stdout.readlines()
    for name in ("a.sqlite", "a.sqlite-wal"):  # what shared memory held is not needed
        shutil.copy(tmp_path / name, tmp_path / name.replace("a.", "b."))
    with Session(tmp_path / "b.sqlite") as copy:
        copy.check()
        assert_kept(acknowledged(lines), copy.all_entries())
