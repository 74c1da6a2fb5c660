"""Disks that are full, folders that may not be written: what was acknowledged stays, and the error says what to do."""

from __future__ import annotations

import resource
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agentlab.errors import SessionUnusable, SessionWriteFailed
from agentlab.messages import UserMessage
from agentlab.sessions import Session, UserSaid
from tests.unwritable import as_nobody, disk_of_one_megabyte, fill, open_folder


def asked(number: int, size: int = 5000) -> UserSaid:
    """Something a user said."""
    return UserSaid(UserMessage.of(f"{number} " + "x" * size), str(number))


def texts(session: Session) -> list[str]:
    """What was said, in short."""
    return [stored.entry.text for stored in session.entries() if isinstance(stored.entry, UserSaid)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody can reach."""
    with open_folder(0o777) as made:
        yield made


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with disk_of_one_megabyte(folder) as made:
        yield made


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk does to a file that is written further, without a disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def append_many(session: Session, stored: list[str]) -> None:
    """Append until that fails; `stored` names what went well."""
    for number in range(1000):
        session.append(asked(number))
        stored.append(str(number))


def test_a_full_disk_fails_an_append_whole_and_it_goes_on_once_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    stored: list[str] = []
    with Session.create(small_disk / "a.sqlite") as session:
        with pytest.raises(
            SessionWriteFailed, match=r"disk is full\. Free some space and go on; every entry"
        ):
            append_many(session, stored)
        assert texts(session) == stored
        assert stored
        with Session(session.path, read_only=True) as reader:
            assert texts(reader) == stored
        ballast.unlink()
        session.append(asked(5000))
        assert texts(session) == [*stored, "5000"]
    with Session(small_disk / "a.sqlite") as again:
        again.check()
        assert texts(again) == [*stored, "5000"]


def test_a_session_on_a_full_disk_opens_for_whoever_reads(small_disk: Path) -> None:
    with Session.create(small_disk / "a.sqlite") as session:
        session.append(asked(1))
    ballast = fill(small_disk)
    before = (small_disk / "a.sqlite").read_bytes()
    with pytest.raises(SessionWriteFailed, match="full"):
        Session.create(small_disk / "b.sqlite")
    assert not (small_disk / "b.sqlite").exists()
    assert not list(small_disk.glob("b.making*"))
    with suppress(SessionUnusable, SessionWriteFailed), Session(small_disk / "a.sqlite") as session:
        session.append(asked(2))
    assert (small_disk / "a.sqlite").read_bytes() == before
    ballast.unlink()
    with Session(small_disk / "a.sqlite") as session:
        session.check()
        assert texts(session) == ["1"]
        session.append(asked(2))


def test_a_file_that_may_grow_no_more_keeps_what_was_stored(tmp_path: Path) -> None:
    stored: list[str] = []
    with Session.create(tmp_path / "a.sqlite") as session:
        with (
            files_no_larger_than(300_000),
            pytest.raises(SessionWriteFailed, match="every entry acknowledged before is safe"),
        ):
            append_many(session, stored)
        assert texts(session) == stored
        assert len(stored) > 20
        session.append(asked(5000))
    with Session(tmp_path / "a.sqlite") as again:
        again.check()
        assert texts(again) == [*stored, "5000"]


@pytest.mark.parametrize("size", [0, 100, 4096, 8192, 20_000, 40_000, 60_000])
def test_a_session_is_made_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.sqlite"
    with files_no_larger_than(size):
        made = False
        with suppress(SessionWriteFailed, SessionUnusable):
            Session.create(path, title="t" * 3000).close()
            made = True
    assert path.exists() == made
    assert not list(tmp_path.glob("a.making*"))
    with Session(path) if made else Session.create(path, title="t" * 3000) as session:
        session.check()
        assert session.title == "t" * 3000


def test_a_read_only_file_is_read_and_not_written(folder: Path) -> None:
    path = folder / "a.sqlite"
    with Session.create(path) as session:
        session.append(asked(1))
    for found in folder.iterdir():
        found.chmod(0o444 if found == path else 0o666)
    with as_nobody():
        with pytest.raises(
            SessionUnusable, match="may not be written; change its permissions, or open it with read_only"
        ):
            Session(path)
        with Session(path, read_only=True) as reader:
            assert texts(reader) == ["1"]


def test_a_read_only_folder_is_read_and_nothing_is_made_in_it(folder: Path) -> None:
    path = folder / "a.sqlite"
    with Session.create(path) as session:
        session.append(asked(1))
    names = {found.name for found in folder.iterdir()}
    path.chmod(0o666)
    folder.chmod(0o555)
    try:
        with as_nobody():
            with pytest.raises(SessionUnusable, match=r"a\.lock cannot be locked .*change the permissions"):
                Session(path)
            with pytest.raises(SessionUnusable, match=r"b\.lock cannot be locked .*Permission denied"):
                Session.create(folder / "b.sqlite")
            with Session(path, read_only=True) as reader:
                assert texts(reader) == ["1"]
    finally:
        folder.chmod(stat.S_IRWXU)
    assert {found.name for found in folder.iterdir()} == names


def test_a_file_that_may_not_be_read_says_so(folder: Path) -> None:
    path = folder / "a.sqlite"
    Session.create(path).close()
    path.chmod(0)
    with as_nobody(), pytest.raises(SessionUnusable, match="permissions"):
        Session(path, read_only=True)


def test_what_a_crash_left_is_read_where_nothing_may_be_written(folder: Path) -> None:
    path = folder / "a.sqlite"
    session = Session.create(path)
    session.append(asked(1))
    kept = folder / "kept"
    kept.mkdir()
    for found in (path, path.with_name("a.sqlite-wal")):
        shutil.copy(found, kept / found.name)
    session.close()
    with Session(kept / "a.sqlite", read_only=True) as reader:
        assert texts(reader) == ["1"]


def test_opening_to_read_changes_no_byte_of_the_file_or_its_log(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with Session.create(path) as session:
        session.append(asked(1))
        kept = tmp_path / "kept"
        kept.mkdir()
        for found in (path, path.with_name("a.sqlite-wal")):
            shutil.copy(found, kept / found.name)  # as a killed writer leaves them
    before = {found.name: found.read_bytes() for found in kept.iterdir()}
    with Session(kept / "a.sqlite", read_only=True) as reader:
        reader.check()
        assert texts(reader) == ["1"]
    assert {name: (kept / name).read_bytes() for name in before} == before


def test_a_folder_that_may_not_be_looked_into_says_so(folder: Path) -> None:
    path = folder / "hidden" / "a.sqlite"
    path.parent.mkdir()
    Session.create(path).close()
    path.parent.chmod(0)
    try:
        with as_nobody():
            for read_only in (True, False):
                with pytest.raises(SessionUnusable, match="Permission denied"):
                    Session(path, read_only=read_only)
            with pytest.raises(SessionUnusable):
                Session.create(folder / "hidden" / "b.sqlite")
    finally:
        path.parent.chmod(stat.S_IRWXU)
