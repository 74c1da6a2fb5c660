"""A session on the disk: what is appended is there, in order, for every reader, and stays as it was."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import SessionCorrupt, SessionLocked, SessionNotFound, SessionUnusable, UsageError
from agentlab.http import ManualClock
from agentlab.messages import AssistantMessage, UserMessage
from agentlab.sessions import (
    AssistantSaid,
    Branched,
    Configured,
    Entry,
    Session,
    Stored,
    Tagged,
    Titled,
    Unknown,
    digest_of,
    tokens_of,
)
from agentlab.sessions.entries import entry_from_json
from agentlab.sessions.rows import LATEST, Row
from tests.sessions.scripted import one_of_each, two_turn_chat
from tests.sessions.spoken import prompt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite"


@pytest.fixture
def session(path: Path) -> Iterator[Session]:
    with Session.create(path, clock=ManualClock(1000.0)) as made:
        yield made


def entries_of(path: Path) -> list[Stored]:
    """What somebody else finds in the file."""
    with Session(path, read_only=True) as reader:
        return reader.all_entries()


def test_a_new_session_holds_what_it_was_made_with(path: Path) -> None:
    config = {"model": "a:b", "deep": {"list": [1, None]}}
    with Session.create(
        path, title="Notes", tags=("x", "y"), config=config, clock=ManualClock(50.0)
    ) as session:
        assert (session.id, session.title, session.tags, session.config) == ("a", "Notes", ("x", "y"), config)
        assert (session.branch, session.created_at, session.updated_at) == ("main", 50.0, 50.0)
        assert [stored.entry for stored in session.entries()] == [
            Configured(config),
            Titled("Notes"),
            Tagged(("x", "y")),
        ]


def test_everything_appended_is_read_back_by_others_as_it_was(path: Path, session: Session) -> None:
    every = one_of_each()
    ids = session.append(*every)
    assert ids == tuple(range(2, 2 + len(every)))
    found = entries_of(path)
    assert found == session.all_entries() == session.entries()
    assert tuple(stored.entry for stored in found[1:]) == every
    assert [stored.tokens for stored in found[1:]] == [tokens_of(entry) for entry in every]
    assert all(entry_from_json(stored.raw, stored.kind) == stored.entry for stored in found)


def test_title_tags_and_configuration_are_the_newest_and_older_ones_stay(
    path: Path, session: Session
) -> None:
    session.append(Titled("a"), Tagged(("x",)))
    session.append(Configured({"m": 2}), Titled("b"), Tagged(()))
    for open_session in (session, Session(path, read_only=True)):
        assert (open_session.title, open_session.tags, open_session.config) == ("b", (), {"m": 2})
        assert sum(isinstance(stored.entry, Titled) for stored in open_session.entries()) == 2
        open_session.close()


def test_entries_after_an_id_are_those_that_follow(session: Session) -> None:
    ids = session.append(prompt("a"), prompt("b"), prompt("c"))
    assert [stored.id for stored in session.entries(after=ids[0])] == list(ids[1:])
    assert session.entries(after=99) == []


def test_appending_nothing_writes_nothing(session: Session) -> None:
    assert session.append() == ()
    assert len(session) == 1


def test_entries_of_one_append_have_one_time_and_time_does_not_go_back(path: Path) -> None:
    class Turned(ManualClock):
        now = 500.0

        def time(self) -> float:
            return self.now

    clock = Turned()
    with Session.create(path, clock=clock) as session:
        clock.now = 900.0
        session.append(prompt("a"), prompt("b"))
        clock.now = 100.0  # set back
        session.append(prompt("c"))
    clock.now = -5.0
    with Session(path, clock=clock) as session:
        session.append(prompt("d"))
        clock.now = float("inf")
        session.append(prompt("e"))
        clock.now = 901.0
        session.append(prompt("f"))
    assert [stored.at for stored in entries_of(path)] == [500.0, 900.0, 900.0, 900.0, 900.0, LATEST, LATEST]


def test_a_text_is_kept_once_under_its_digest(path: Path, session: Session) -> None:
    texts = {digest_of(text): text for text in ("whole", "über \udc80 half", "", "a\0b" * 5000)}
    session.append(prompt("a"), texts=texts)
    session.append(prompt("b"), texts=texts)
    with Session(path, read_only=True) as reader:
        assert {digest: reader.text_of(digest) for digest in texts} == texts == reader.texts()
        assert reader.text_of(digest_of("never kept")) is None
        reader.check()


def test_a_text_under_another_digest_is_refused_and_nothing_is_written(session: Session) -> None:
    with pytest.raises(UsageError, match="use digest_of"):
        session.append(prompt("a"), texts={digest_of("a"): "b"})
    assert len(session) == 1


def test_a_batch_with_something_that_cannot_be_written_is_not_written_at_all(session: Session) -> None:
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        session.append(prompt("a"), Configured({"x": object()}))
    wrong: Any = "text"
    with pytest.raises(UsageError, match="a session keeps entries"):
        session.append(prompt("a"), wrong)
    with pytest.raises(UsageError, match="branch_at"):
        session.append(prompt("a"), Branched("b"))
    assert len(session) == 1
    assert session.append(prompt("a")) == (2,)


def test_what_was_appended_is_not_changed_through_what_was_passed_in(session: Session) -> None:
    config = {"model": "a"}
    session.append(Configured(config))
    config["model"] = "b"
    session.config["model"] = "c"
    assert session.config == {"model": "a"}


def test_a_session_is_opened_again_where_it_was_left(path: Path) -> None:
    with Session.create(path, title="t") as session:
        for batch in two_turn_chat(1):
            session.append(*batch.entries, texts=batch.texts)
        before, history = session.entries(), session.history()
    with Session(path) as again:
        assert again.history() == history  # before anything else is read
        assert again.entries() == before
        assert again.append(prompt("more")) == (before[-1].id + 1,)
        assert len(again.history()) == len(history) + 1


def test_a_reader_sees_what_is_appended_while_it_reads(path: Path, session: Session) -> None:
    with Session(path, read_only=True) as reader:
        assert (len(reader), reader.title, reader.history()) == (1, "", [])
        session.append(prompt("a"), Titled("t"))
        assert (len(reader), reader.title, reader.history()) == (3, "t", [UserMessage.of("a")])
        session.branch_at(2, "other")
        session.append(prompt("b"))
        assert [branch.name for branch in reader.branches] == ["main", "other"]
        assert reader.history("other") == [UserMessage.of("a"), UserMessage.of("b")]
        assert reader.history() == [UserMessage.of("a")]
        assert reader.branch == "main"


def test_a_reader_writes_nothing(path: Path, session: Session) -> None:
    with Session(path, read_only=True) as reader:
        assert reader.is_read_only
        for write in (lambda: reader.append(prompt("a")), lambda: reader.branch_at(1)):
            with pytest.raises(SessionUnusable, match="was opened read-only; open it with read_only=False"):
                write()
    assert len(session) == 1


def test_followers_are_told_what_is_on_the_disk(path: Path, session: Session) -> None:
    told: list[tuple[Stored, ...]] = []

    def follower(stored: tuple[Stored, ...]) -> None:
        assert entries_of(path)[-len(stored) :] == list(stored)
        told.append(stored)

    session.follow(follower)
    session.append(prompt("a"), prompt("b"))
    session.append(prompt("c"))
    assert [len(stored) for stored in told] == [2, 1]
    assert [stored for batch in told for stored in batch] == session.entries(after=1)


def test_threads_append_one_after_the_other_and_nothing_is_lost(session: Session) -> None:
    def write(name: str) -> None:
        for number in range(20):
            session.append(prompt(f"{name} {number} a"), prompt(f"{name} {number} b"))
            session.history()

    threads = [threading.Thread(target=write, args=(str(name),)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [message.text for message in session.history() if isinstance(message, UserMessage)]
    assert len(texts) == 160
    pairs = [(first[:-1], second[:-1]) for first, second in zip(texts[::2], texts[1::2], strict=True)]
    assert all(first == second for first, second in pairs)  # a batch is never split
    assert sorted(texts) == sorted(
        f"{name} {n} {half}" for name in range(4) for n in range(20) for half in "ab"
    )


def test_a_closed_session_says_so_and_can_be_closed_again(session: Session) -> None:
    session.close()
    session.close()
    with pytest.raises(SessionUnusable, match="is closed; open it again"):
        session.append(prompt("a"))
    with pytest.raises(SessionUnusable, match="is closed; open it again"):
        session.text_of("x")
    assert "closed" in repr(session)


def test_a_session_of_the_parent_is_not_used_by_a_forked_child(path: Path, session: Session) -> None:
    def use(answers: Any) -> None:
        try:
            session.append(prompt("child"))
        except SessionUnusable as error:
            answers.put(str(error))
        session.close()

    answers = multiprocessing.get_context("fork").SimpleQueue()
    child = os.fork()
    if child == 0:
        try:
            use(answers)
        finally:
            os._exit(0)
    assert "opened by the parent process" in answers.get()
    os.waitpid(child, 0)
    assert session.append(prompt("parent")) == (2,)
    session.check()


def test_one_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(SessionNotFound, match=r"there is no session .*b\.sqlite"):
            Session(tmp_path / "b.sqlite", read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_a_session_in_no_folder_is_refused_and_no_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(SessionUnusable, match=r"there is no folder .*nowhere"):
        Session.create(tmp_path / "nowhere" / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_made_where_something_is(path: Path, session: Session) -> None:
    session.append(prompt("a"))
    session.close()
    for taken in (path, path.with_name("b.sqlite"), path.with_name("c.sqlite")):
        if taken.stem == "b":
            taken.mkdir()
        if taken.stem == "c":
            taken.with_name("c.sqlite-wal").write_bytes(b"a log of before")
        with pytest.raises(SessionUnusable, match=r"something at .* already; nothing was changed"):
            Session.create(taken)
    assert len(entries_of(path)) == 2


@pytest.mark.parametrize("name", ["a", "a.db", "a.lock", "a.sqlite.md", ".sqlite"])
def test_a_file_must_be_named_like_a_session(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"named after its id, <id>\.sqlite"):
        Session.create(tmp_path / name)
    with pytest.raises(UsageError, match=r"named after its id, <id>\.sqlite"):
        Session(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["a?mode=ro#b.sqlite", "r\u00fcn 1%.sqlite", ":memory:.sqlite", "a.b.sqlite"]
)
def test_a_name_is_the_name_of_a_file_whatever_sqlite_would_read_in_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Session.create(name) as session:
        session.append(prompt("a"))
    assert len(entries_of(Path(name))) == 2
    stem = name.removesuffix(".sqlite")
    assert {found.name for found in tmp_path.iterdir()} - {f"{name}-wal", f"{name}-shm"} == {
        name,
        f"{stem}.lock",
    }


def test_entries_of_elsewhere_are_kept_byte_for_byte(path: Path, tmp_path: Path) -> None:
    raws = [
        ("configured", b'{ "kind" : "configured",  "config": {"z": 1, "a": 1.50} }'),
        ("dreamt", '{"kind": "dreamt", "of": "Größe", "n": 1e400}'.encode()),
        ("noticed", b'{"kind": "noticed", "notice": "w", "text": "\\u00fc", "later": [1, {"x": 0}]}'),
        ("branched", b'{"kind":"branched","name":"side","from_branch":0,"at":2,"colour":"red"}'),
    ]
    rows = [
        Row(place, int(place == 4), 10.0 * place, kind, 0, raw)
        for place, (kind, raw) in enumerate(raws, start=1)
    ]
    texts = {digest_of("whole"): "whole"}
    with Session.restore(path, rows, texts) as session:
        session.append(prompt("and on"))
        assert session.branch == "side"
        copied = session.all_entries()
    with Session.restore(tmp_path / "copy.sqlite", copied, session_texts := texts) as copy:
        copy.check()
        assert copy.all_entries() == copied
        assert [stored.raw for stored in copied[:4]] == [raw for _, raw in raws]
        assert [stored.at for stored in copied[:4]] == [10.0, 20.0, 30.0, 40.0]
        assert copied[1].entry == Unknown("dreamt")
        assert [stored.id for stored in copy.entries("side")] == [1, 2, 4, 5]
        assert copy.texts() == session_texts


TITLED = b'{"kind":"titled","title":"x"}'


@pytest.mark.parametrize(
    ("rows", "texts", "said"),
    [
        ([], {}, "there is no entry"),
        ([Row(2, 0, 1.0, "titled", 0, TITLED)], {}, "entry 1 is missing"),
        ([Row(1, 0, 1.0, "noticed", 0, TITLED)], {}, "entry 1: an entry is kept as 'noticed'"),
        ([Row(1, 0, 1.0, "titled", 0, b"{")], {}, "entry 1: a 'titled' entry cannot be read"),
        (
            [Row(1, 0, 1.0, "titled", 0, TITLED), Row(2, 0, 0.5, "titled", 0, TITLED)],
            {},
            "entry 2 has a time",
        ),
        ([Row(1, 0, float("nan"), "titled", 0, TITLED)], {}, "entry 1 has a time"),
        ([Row(1, 0, 1.0, "titled", 2**70, TITLED)], {}, "entry 1 has a time, a size"),
        ([Row(1, 0, 1.0, "titled", 0, TITLED), Row(2, 1, 1.0, "titled", 0, TITLED)], {}, "never made"),
        ([Row(1, 0, 1.0, "titled", 0, TITLED)], {digest_of("a"): "b"}, "has another digest"),
    ],
)
def test_what_is_no_log_is_not_made_into_a_session(
    path: Path, rows: list[Row], texts: dict[str, str], said: str
) -> None:
    with pytest.raises(SessionCorrupt, match=said):
        Session.restore(path, rows, texts)
    assert list(path.parent.iterdir()) == []


def test_an_error_of_a_lock_survives_being_sent_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(SessionLocked("locked", pid=7, host="here", since=1.5)))
    assert (str(error), error.pid, error.host, error.since) == ("locked", 7, "here", 1.5)


def test_a_session_is_shown_in_one_line(session: Session) -> None:
    session.append(Titled("Two\nlines"), AssistantSaid(AssistantMessage.of("x")))
    shown = repr(session)
    assert "\n" not in shown
    assert shown == r"Session('a', 'Two\nlines', 3 entries, branch='main', writing)"


def test_what_is_appended_needs_no_reading_of_what_was(path: Path) -> None:
    many: list[Entry] = [prompt(f"number {number}") for number in range(50)]
    with Session.create(path) as session:
        session.append(*many)
    with Session(path) as session:
        session.append(prompt("more"))
        session.branch_at(10)
        assert session._log._rows == []
        assert session._log._decoded == {}
        assert len(session.history("main")) == 51
