"""One writes, at once or not at all; any number read, and what they see is always a beginning of the log."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agentlab.errors import SessionLocked
from agentlab.messages import UserMessage
from agentlab.sessions import Session, Titled, UserSaid
from agentlab.sessions.lock import WriterLock, lock_path, writer_path
from tests.sessions.gauntlet import sample
from tests.sessions.processes import ROOT, acknowledged, assert_kept, writer

READERS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite"


@pytest.fixture
def session(path: Path) -> Iterator[Session]:
    with Session.create(path) as made:
        yield made


def test_a_second_writer_is_refused_and_told_who_writes(path: Path, session: Session) -> None:
    with pytest.raises(
        SessionLocked, match=r"this program writes to .*; open it with read_only=True"
    ) as refused:
        Session(path)
    assert (refused.value.host, refused.value.since) == (
        socket.gethostname(),
        pytest.approx(time.time(), abs=60),
    )
    assert session.append(Titled("still mine")) == (2,)


def test_a_second_process_is_refused_within_a_second_and_the_first_goes_on(path: Path) -> None:
    with writer(path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        start = time.perf_counter()
        for _ in range(3):
            with pytest.raises(
                SessionLocked, match=f"process {process.pid} on {socket.gethostname()} writes to"
            ) as refused:
                Session(path)
            assert refused.value.pid == process.pid
        took = time.perf_counter() - start
        assert took < 3  # the bar itself: a second each, and nothing waits for the first to end
        lines += [process.stdout.readline() for _ in range(5)]
        process.kill()
    with Session(path) as session:  # the lock ended with the process
        assert_kept(acknowledged(lines), session.all_entries())


def test_closing_gives_the_lock_back_and_its_note_goes(path: Path, session: Session) -> None:
    assert writer_path(path).exists()
    session.close()
    assert not writer_path(path).exists()
    with Session(path) as again:
        again.append(Titled("mine now"))


def test_making_a_session_that_is_being_made_is_refused(path: Path) -> None:
    lock = WriterLock(path, 0.0)
    with pytest.raises(SessionLocked):
        Session.create(path)
    lock.release()
    Session.create(path).close()


def test_a_session_that_cannot_be_opened_leaves_no_lock(path: Path) -> None:
    path.write_bytes(b"no session" * 100)
    with pytest.raises(Exception, match="no SQLite database"):
        Session(path)
    WriterLock(path, 0.0).release()


@pytest.mark.parametrize("note", [b"", b"\xff{", b'{"pid": "x"}', b"[" * 5000, None])
def test_a_lock_whose_note_says_nothing_is_a_lock_all_the_same(
    path: Path, session: Session, note: bytes | None
) -> None:
    if note is None:
        writer_path(path).unlink()
    else:
        writer_path(path).write_bytes(note)
    with pytest.raises(SessionLocked, match="somebody writes to") as refused:
        Session(path)
    assert (refused.value.pid, refused.value.host, refused.value.since) == (None, "", None)
    session.append(Titled("still mine"))


def test_a_child_that_ends_does_not_end_its_parents_lock(path: Path, session: Session) -> None:
    program = "import os, sys\nif os.fork() == 0:\n    sys.exit(0)\nos.wait()\n"
    holder = (
        f"from agentlab.sessions import Session\nsession = Session.create({str(path.with_name('b.sqlite'))!r})\n"
        + program
        + f"try:\n    Session({str(path.with_name('b.sqlite'))!r})\nexcept Exception as error:\n    print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", holder], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "SessionLocked"


def test_the_lock_file_of_another_program_is_kept(path: Path) -> None:
    lock_path(path).write_text("not ours")
    with Session.create(path) as session:
        session.append(Titled("t"))
    assert lock_path(path).read_text() == "not ours"


def read_prefixes(path: Path, stop: threading.Event, reads: list[int], failures: list[BaseException]) -> None:
    """Read again and again; what is found must always go on from what was found before."""
    try:
        known: list[tuple[int, bytes]] = []
        while not stop.is_set():
            with Session(path, read_only=True) as reader:
                for _ in range(4):
                    found = [(stored.id, stored.raw) for stored in reader.all_entries()]
                    assert found[: len(known)] == known
                    assert [entry_id for entry_id, _ in found] == list(range(1, len(found) + 1))
                    reader.history()
                    known = found
                    reads.append(len(found))
    except BaseException as error:
        failures.append(error)


@pytest.mark.gauntlet
def test_eight_readers_see_only_beginnings_while_one_writes(path: Path) -> None:
    Session.create(path).close()
    stop, reads, failures = threading.Event(), [], []
    with ExitStack() as running:
        process = running.enter_context(writer(path))
        assert process.stdout is not None
        readers = [
            threading.Thread(target=read_prefixes, args=(path, stop, reads, failures)) for _ in range(READERS)
        ]
        for reader in readers:
            reader.start()
        lines = [process.stdout.readline() for _ in range(sample(120, 6000))]
        stop.set()
        for reader in readers:
            reader.join()
        process.kill()
    assert failures == []
    assert len(set(reads)) > READERS  # they saw it grow
    with Session(path) as session:
        assert_kept(acknowledged(lines), session.all_entries())


def test_a_reader_that_stays_open_keeps_nobody_from_writing_or_closing(path: Path, session: Session) -> None:
    with Session(path, read_only=True) as reader:
        session.append(
            UserSaid(UserMessage.of("x" * 5_000_000))
        )  # more than the log holds before it is merged
        session.append(UserSaid(UserMessage.of("y")))
        session.close()
        assert len(reader.history()) == 2
        with Session(path) as again:
            again.append(UserSaid(UserMessage.of("z")))
            assert len(reader.history()) == 3
