"""Damaged and hostile files: a typed error or a clean beginning of what was written; nothing is run, nothing made worse."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from agentlab.errors import SessionCorrupt, SessionError
from agentlab.messages import UserMessage
from agentlab.sessions import Session, Stored, UserSaid
from tests.sessions.damage import DAMAGES
from tests.sessions.gauntlet import GAUNTLET, sample
from tests.sessions.scripted import one_of_each, two_turn_chat
from tests.sessions.watching import nothing_is_run

EACH = sample(6, 92)  # times eleven damages: a thousand and twelve


class Sound(Struct):
    """Whole sessions to spoil."""

    folder: Path
    raws: list[bytes]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Two copies of one session: `closed.sqlite`, and `killed.sqlite` with the log that a killed writer leaves."""
    folder = tmp_path_factory.mktemp("sound")
    with Session.create(folder / "closed.sqlite", title="Sound", tags=("a", "b")) as session:
        session.append(*one_of_each())
        for number in range(6):
            for batch in two_turn_chat(number, 1500):
                session.append(*batch.entries, texts=batch.texts)
            if number % 3 == 1:
                session.branch_at(len(session) - 4)
    with Session(folder / "closed.sqlite") as session:
        for batch in two_turn_chat(9, 1500):
            session.append(*batch.entries, texts=batch.texts)
        for end in ("", "-wal"):
            shutil.copy(folder / f"closed.sqlite{end}", folder / f"killed.sqlite{end}")
        raws = [stored.raw for stored in session.all_entries()]
        assert len(session.df) > len(raws) / 2  # loads what a frame needs, before anybody watches
    return Sound(folder, raws)


def everything(session: Session) -> list[Stored]:
    """All that a session can be asked for."""
    assert isinstance(session.title + session.branch + repr(session), str)
    assert isinstance((session.tags, session.config, session.created_at, session.updated_at), tuple)
    for branch in session.branches:
        assert len(session.entries(branch.name)) == branch.entries
        session.history(branch.name)
    session.texts()
    assert session.df is not None
    return session.all_entries()


def named_in(error: SessionError, path: Path) -> None:
    """Check that an error says which file it is about."""
    assert str(path) in str(error)


def looked_at(path: Path) -> list[bytes] | None:
    """What a reader finds; None where it is told that the file is damaged."""
    try:
        with Session(path, read_only=True) as session:
            found = everything(session)
            with suppress(SessionCorrupt):
                session.check()
            return [stored.raw for stored in found]
    except SessionError as error:
        named_in(error, path)
        return None


def legible(path: Path) -> set[bytes]:
    """Every entry that a patient reader gets out of the file, one by one."""
    found = set()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        for entry_id in range(1, 400):
            with suppress(sqlite3.Error, UnicodeError):  # its messages quote damaged names
                found |= {
                    row[0] for row in connection.execute("SELECT data FROM entries WHERE id = ?", (entry_id,))
                }
    return found


def written_to(path: Path) -> bool:
    """Whether a writer took it and appended."""
    try:
        with Session(path) as session:
            session.append(UserSaid(UserMessage.of("more")))
    except SessionError as error:
        named_in(error, path)
        return False
    return True


@pytest.mark.gauntlet
@pytest.mark.parametrize("of", ["closed.sqlite", "killed.sqlite", "killed.sqlite-wal"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_or_read_up_to_the_damage_and_never_made_worse(
    sound: Sound, tmp_path: Path, damage: str, of: str
) -> None:
    slowest, clean, taken = 0.0, 0, 0
    number = 0
    for seed in range(-(-EACH // 3)):
        chance = random.Random(f"{damage} {of} {seed}")
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        name = of.removesuffix("-wal")
        for found in sound.folder.glob(f"{name.split('.')[0]}.sqlite*"):
            shutil.copy(found, folder / found.name)
        path = folder / name
        spoilt = DAMAGES[damage]((folder / of).read_bytes(), chance)
        (folder / of).write_bytes(spoilt)
        before = {
            found.name: found.read_bytes() for found in folder.iterdir() if not found.name.endswith("-shm")
        }
        start = time.perf_counter()
        with nothing_is_run(tmp_path):
            raws = looked_at(path)
            slowest = max(slowest, time.perf_counter() - start)
            assert {name: (folder / name).read_bytes() for name in before} == before, seed
            there = legible(path)
            wrote = written_to(path)
        if raws is not None:
            assert raws == sound.raws[: len(raws)], seed
            clean += 1
            assert (looked_at(path) or [])[: len(raws)] == raws, seed
        assert there <= legible(path), seed
        taken += wrote
        shutil.rmtree(folder)
    if GAUNTLET:
        print(
            f"\n{damage} of {of}: {number} files, {clean} clean, {taken} written to, slowest {1000 * slowest:.0f} ms"
        )


def test_a_letter_that_changed_in_a_text_is_noticed(sound: Sound, tmp_path: Path) -> None:
    data = (sound.folder / "closed.sqlite").read_bytes()
    place = data.index(b"There are 1. chat 1 chat")
    path = tmp_path / "a.sqlite"
    path.write_bytes(data[: place + 10] + b"2" + data[place + 11 :])
    with Session(path, read_only=True) as session:
        assert session.title == "Über alles"
        with pytest.raises(
            SessionCorrupt, match=r"entry \d+ is not what was written: its checksum does not fit"
        ):
            session.history()
        with pytest.raises(SessionCorrupt, match="checksum"):
            session.check()


def test_a_text_that_changed_is_noticed(sound: Sound, tmp_path: Path) -> None:
    data = (sound.folder / "closed.sqlite").read_bytes()
    place = data.index(b"the whole of 1: ")
    path = tmp_path / "a.sqlite"
    path.write_bytes(data[:place] + b"THE" + data[place + 3 :])
    with Session(path, read_only=True) as session:
        with pytest.raises(SessionCorrupt, match=r"the text [0-9a-f]{64} is not what was written"):
            session.texts()
        with pytest.raises(SessionCorrupt, match="is not what was written"):
            session.check()
        assert session.history()


Fields = tuple[Any, ...]


def crafted(path: Path, *rows: Fields) -> Path:
    """A file of somebody who knows how it is made: sound tables, right checksums, rows of their own."""
    Session.create(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        trigger = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'entries_in_order'"
        ).fetchone()[0]
        connection.execute("DROP TRIGGER entries_in_order")
        for entry_id, branch, at, kind, tokens, data in rows:
            head = f"{entry_id} {branch} {at!r} {kind} {tokens} "
            crc = zlib.crc32(data if isinstance(data, bytes) else data.encode(), zlib.crc32(head.encode()))
            told = data if isinstance(data, str) else None
            connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, coalesce(?, CAST(? AS TEXT)), ?)",
                (entry_id, branch, at, kind, tokens, told, data, crc),
            )
        connection.execute(trigger)
    return path


CONFIGURED = '{"kind":"configured","config":%s}'
DEEP = "[" * 100_000 + "]" * 100_000
REVIVED = (
    '{"py/object":"os.system","__reduce__":["os.system",["touch pwned"]],"lc":1,"type":"constructor",'
    '"id":["langchain","x"],"$env":"${HOME}","__proto__":{"x":1},"!!python/object/apply:os.system":["touch pwned"]}'
)
CRAFTED: dict[str, tuple[Fields, ...]] = {
    "JSON a hundred thousand deep": ((2, 0, 9e8, "configured", 0, CONFIGURED % f'{{"a":{DEEP}}}'),),
    "an unknown kind a hundred thousand deep": (
        (2, 0, 9e8, "dreamt", 0, f'{{"kind":"dreamt","of":{DEEP}}}'),
    ),
    "bytes that are no UTF-8": ((2, 0, 9e8, "titled", 0, b'{"kind":"titled","title":"\xff\xfe"}'),),
    "an unknown kind that is no UTF-8": ((2, 0, 9e8, "dreamt", 0, b'{"kind":"dreamt","of":"\xff"}'),),
    "half a surrogate pair": ((2, 0, 9e8, "titled", 0, '{"kind":"titled","title":"\\ud800"}'),),
    "no JSON": ((2, 0, 9e8, "titled", 0, "titled"),),
    "another kind than its column says": ((2, 0, 9e8, "noticed", 0, '{"kind":"titled","title":"x"}'),),
    "a number where a text should be": ((2, 0, 9e8, "titled", 0, '{"kind":"titled","title":1e999}'),),
    "a gap": ((3, 0, 9e8, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "an id below one": ((-4, 0, 9e8, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "the largest id there is": ((2**63 - 1, 0, 9e8, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "a branch nobody made": ((2, 7, 9e8, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "a branch below none": ((2, -1, 9e8, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "a branch that leaves itself": (
        (2, 1, 9e8, "branched", 0, '{"kind":"branched","name":"b","from_branch":1,"at":1}'),
    ),
    "a branch that shares what comes later": (
        (2, 1, 9e8, "branched", 0, '{"kind":"branched","name":"b","at":900}'),
    ),
    "a second main": ((2, 1, 9e8, "branched", 0, '{"kind":"branched","name":"main","at":1}'),),
    "a time that never comes": ((2, 0, 1e300, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "an endless time": ((2, 0, float("inf"), "titled", 0, '{"kind":"titled","title":"x"}'),),
    "a time before the one before": ((2, 0, 1.0, "titled", 0, '{"kind":"titled","title":"x"}'),),
    "a size below nothing": ((2, 0, 9e8, "titled", -5, '{"kind":"titled","title":"x"}'),),
    "a huge size": ((2, 0, 9e8, "titled", 2**62, '{"kind":"titled","title":"x"}'),),
}


@pytest.mark.parametrize("what", CRAFTED)
def test_a_crafted_entry_is_refused_with_a_typed_error_and_nothing_is_run(tmp_path: Path, what: str) -> None:
    rows = tuple((*row[:2], row[2] if row[2] != 9e8 else 8e9, *row[3:]) for row in CRAFTED[what])
    path = crafted(tmp_path / "a.sqlite", *rows)
    before = path.read_bytes()
    with nothing_is_run(tmp_path):
        with pytest.raises(SessionCorrupt, match=r"a\.sqlite"), Session(path, read_only=True) as session:
            everything(session)
        with pytest.raises(SessionCorrupt, match=r"a\.sqlite"), Session(path, read_only=True) as session:
            session.check()
    assert path.read_bytes() == before
    assert {found.name for found in tmp_path.iterdir()} <= {
        "a.sqlite",
        "a.lock",
        "a.sqlite-wal",
        "a.sqlite-shm",
    }


def test_what_other_readers_would_revive_stays_data_and_is_shown_as_data(tmp_path: Path) -> None:
    escaped = REVIVED.replace("\\", "\\\\").replace('"', '\\"')
    path = crafted(
        tmp_path / "a.sqlite",
        (2, 0, 8e9, "configured", 0, CONFIGURED % REVIVED),
        (3, 0, 8e9, "dreamt", 0, f'{{"kind":"dreamt","of":{REVIVED}}}'),
        (4, 0, 8e9, "titled", 0, '{"kind":"titled","title":"\\u001b]0;x\\u0007<script>{{7*7}}%s$HOME"}'),
        (
            5,
            0,
            8e9,
            "user",
            0,
            f'{{"kind":"user","message":{{"role":"user","content":[{{"type":"text","text":"{escaped}"}}]}}}}',
        ),
    )
    with nothing_is_run(tmp_path), Session(path, read_only=True) as session:
        everything(session)
        session.check()
        assert session.config["py/object"] == "os.system"
        assert session.title.endswith("{{7*7}}%s$HOME")
        assert "\x1b" not in repr(session)
    assert not list(tmp_path.glob("pwned"))


def test_an_index_that_hides_a_branch_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with Session.create(path) as session:
        session.append(*one_of_each())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The index is emptied while its definition stays as it was.
        sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_that_set'").fetchone()[
            0
        ]
        connection.execute("DROP INDEX entries_that_set")
        connection.execute(f"{sql} AND id > 100000")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entries_that_set'", (sql,))
    with Session(path, read_only=True) as session:
        assert session.title == ""
        with pytest.raises(SessionCorrupt, match=r"entry 1 is missing from the index of settings"):
            session.entries()
        with pytest.raises(SessionCorrupt, match=r"damaged|pages are out of order|missing"):
            session.check()


@pytest.mark.parametrize("kind", ["folder", "fifo", "link to nothing"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.sqlite"
    {
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "link to nothing": lambda: path.symlink_to("nothing"),
    }[kind]()
    for read_only in (True, False):
        with pytest.raises(SessionError, match="there is no session"):
            Session(path, read_only=read_only)
