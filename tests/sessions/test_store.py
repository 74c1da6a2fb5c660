"""A folder of sessions: made, opened, listed, renamed, deleted and brought back, and safe from names from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.errors import SessionCorrupt, SessionLocked, SessionNotFound, SessionUnusable, UsageError
from agentlab.sessions import Session, SessionStore
from agentlab.sessions.store import default_folder
from tests.sessions.spoken import MODEL, TEXTS, prompt, turn

OUTSIDE = [
    "../one",
    "/etc/passwd",
    "a/../one",
    "..",
    ".",
    "one.sqlite",
    "ONE",
    "one\x00",
    "trash/one.1/one",
    "~",
]


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "kept")


def test_a_new_session_is_opened_again_by_its_id(store: SessionStore) -> None:
    with store.new("Trains", ["a", "b", "a"], {"model": MODEL}) as session:
        session.append(prompt("hello"))
        made = session.id
    with store.open(made, read_only=True) as session:
        assert (session.title, session.tags, session.config) == ("Trains", ("a", "b"), {"model": MODEL})
        assert session.history()[0].text == "hello"
    assert made in store
    assert "hello" in (store.folder / f"{made}.md").read_text(encoding="utf-8")
    assert (store.folder.stat().st_mode & 0o077) == 0


def test_the_list_has_the_one_changed_last_first_and_a_frame(store: SessionStore) -> None:
    for name in ("one", "two", "three"):
        store.new(name.title(), id=name, config={"model": MODEL}).close()
    store.rename("one", "Again")
    listed = store.list()
    assert [info.id for info in listed] == ["one", "three", "two"]
    assert listed[0].title == "Again"
    assert listed[0].model == MODEL
    frame = store.df
    assert frame["id"].tolist() == ["one", "three", "two"]
    assert str(frame["updated_at"].dtype).endswith("UTC]")
    assert SessionStore(store.folder / "nothing").df.empty


def test_a_damaged_file_says_so_in_the_list_and_what_is_no_session_is_not_in_it(store: SessionStore) -> None:
    store.new(id="good").close()
    (store.folder / "bad.sqlite").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    (store.folder / "Not an id.sqlite").write_bytes(b"")
    (store.folder / "notes.txt").write_bytes(b"")
    found = {info.id: info.problem for info in store.list()}
    assert found.keys() == {"good", "bad"}
    assert found["good"] is None
    assert found["bad"]
    with pytest.raises(SessionCorrupt):
        store.open("bad")


@pytest.mark.parametrize("id_", OUTSIDE)
def test_no_name_from_outside_leaves_the_folder(id_: str, store: SessionStore, tmp_path: Path) -> None:
    store.new(id="one").close()
    (tmp_path / "one.sqlite").write_bytes(b"mine")
    before = sorted(tmp_path.rglob("*"))
    for act in (
        lambda: store.open(id_),
        lambda: store.new(id=id_),
        lambda: store.delete(id_),
        lambda: store.restore(id_),
        lambda: store.rename(id_, "x"),
        lambda: store.tag(id_, ["x"]),
        lambda: store.export(id_, tmp_path / "out.jsonl"),
        lambda: store.find(id_),
    ):
        with pytest.raises(UsageError, match="is no id"):
            act()
    assert id_ not in store
    assert sorted(tmp_path.rglob("*")) == before


def test_a_deleted_session_comes_back_whole_with_its_transcript(store: SessionStore) -> None:
    with store.new("T", id="one") as session:
        session.append(*turn(1), texts=TEXTS)
        before = session.all_entries()
    told = (store.folder / "one.md").read_bytes()
    place = store.delete("one")
    assert place.is_file()
    assert "one" not in store
    assert not (store.folder / "one.md").exists()
    assert [one.id for one in store.deleted()] == ["one"]
    with pytest.raises(SessionNotFound):
        store.open("one")
    store.restore("one")
    with store.open("one", read_only=True) as session:
        assert session.all_entries() == before
    assert (store.folder / "one.md").read_bytes() == told
    assert store.deleted() == ()


def test_two_deletions_of_one_id_do_not_replace_each_other(store: SessionStore) -> None:
    for title in ("first", "second"):
        store.new(title, id="one").close()
        store.delete("one")
    assert len(store.deleted()) == 2
    store.restore("one")
    with pytest.raises(UsageError, match="there is a session one again"):
        store.restore("one")
    assert store.list()[0].title == "second"
    store.delete("one")
    assert len(store.deleted()) == 2


def test_a_session_that_is_written_to_is_not_deleted(store: SessionStore) -> None:
    with store.new(id="one"), pytest.raises(SessionLocked):
        store.delete("one")
    assert "one" in store


def test_what_a_killed_writer_left_in_its_log_goes_to_the_trash_too(
    store: SessionStore, tmp_path: Path
) -> None:
    with store.new(id="one") as session:
        session.append(prompt("only in the log"))
        kept = [
            (path.name, path.read_bytes()) for path in store.folder.iterdir() if "one.sqlite" in path.name
        ]
    other = SessionStore(tmp_path / "other")
    other.folder.mkdir()
    for name, data in kept:
        (other.folder / name).write_bytes(data)
    other.delete("one")
    other.restore("one")
    assert len(other.search("only in the log")) == 1


def test_a_damaged_session_can_be_deleted_and_comes_back_as_it_was(store: SessionStore) -> None:
    store.folder.mkdir()
    (store.folder / "bad.sqlite").write_bytes(b"damaged")
    store.delete("bad")
    store.restore("bad")
    assert (store.folder / "bad.sqlite").read_bytes() == b"damaged"


@pytest.mark.parametrize("act", ["open", "delete", "rename", "export", "restore", "find"])
def test_a_session_that_is_not_there_is_said(act: str, store: SessionStore, tmp_path: Path) -> None:
    arguments = {"rename": ["x"], "export": [tmp_path / "o.jsonl"]}.get(act, [])
    with pytest.raises(SessionNotFound, match="gone"):
        getattr(store, act)("gone", *arguments)
    assert not (tmp_path / "o.jsonl").exists()


def test_an_id_that_is_taken_is_not_made_again(store: SessionStore) -> None:
    store.new("mine", id="one").close()
    with pytest.raises(UsageError, match="there is a session one"):
        store.new(id="one")
    assert store.list()[0].title == "mine"


def test_the_beginning_of_an_id_finds_it_where_it_is_the_only_one(store: SessionStore) -> None:
    for name in ("abc1", "abd2", "abc"):
        store.new(id=name).close()
    assert store.find("abd") == "abd2"
    assert store.find("abc") == "abc"
    with pytest.raises(UsageError, match="3 sessions begin with"):
        store.find("ab")


def test_titles_and_tags_are_one_safe_line(store: SessionStore) -> None:
    with store.new("two\nlines \x1b[31mred", ["a\tb"], id="one") as session:
        assert session.title == "two lines red"
        assert session.tags == ("a b",)
    for title, tags in (("x" * 201, []), ("", [""]), ("", ["x" * 65]), ("", "text")):
        with pytest.raises(UsageError):
            store.new(title, tags)
    assert len(store) == 1


def test_an_import_keeps_the_id_or_takes_a_new_one_and_says_so(store: SessionStore, tmp_path: Path) -> None:
    with store.new("T", id="one") as session:
        session.append(*turn(1), texts=TEXTS)
        before = session.all_entries()
    path = store.export("one", tmp_path / "one.jsonl")
    again = store.import_(path)
    assert again.id != "one"
    assert any("'one' is taken" in notice for notice in again.notices)
    with store.open(again.id) as session:
        assert session.all_entries() == before
    elsewhere = SessionStore(tmp_path / "elsewhere").import_(path)
    assert (elsewhere.id, elsewhere.notices) == ("one", ())
    with pytest.raises(UsageError, match="there is a session one"):
        store.import_(path, id="one")


def test_an_id_in_a_file_cannot_lead_outside(store: SessionStore, tmp_path: Path) -> None:
    store.new(id="one").close()
    path = store.export("one", tmp_path / "one.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"id":"one"', b'"id":"../../evil"'))
    made = store.import_(path)
    assert (store.folder / f"{made.id}.sqlite").is_file()
    assert not list(tmp_path.rglob("*evil*"))


def test_the_folder_is_the_variable_s_or_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_folder({"AGENTLAB_SESSIONS": str(tmp_path)}) == tmp_path
    assert default_folder({}).parts[-2:] == ("agentlab", "sessions")
    monkeypatch.setenv("AGENTLAB_SESSIONS", str(tmp_path))
    assert SessionStore().folder == tmp_path


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SessionUnusable, match="cannot be made"):
        SessionStore(tmp_path / "file").new()


def test_a_session_opened_by_its_path_and_by_the_store_is_one(store: SessionStore) -> None:
    with store.new(id="one"), pytest.raises(SessionLocked):
        Session(store.folder / "one.sqlite")
