"""What is exported is whole, comes back without loss, and never replaces a file by accident."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import SessionWriteFailed, UsageError
from agentlab.sessions import Session, SessionStore, Titled, digest_of, export_session
from agentlab.sessions.exporting import jsonl_lines
from agentlab.sessions.importing import read_export, read_jsonl
from agentlab.sessions.rows import Row
from tests.sessions.gauntlet import GAUNTLET
from tests.sessions.spoken import SECRET_THOUGHT, TEXTS, prompt, turn


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "kept.sqlite", title="Züge", tags=["a"], config={"n": 1}) as made:
        made.append(*turn(1), texts=TEXTS)
        made.branch_at(4, "other")
        made.append(*turn(2))
        yield made


def rows_of(session: Session) -> list[Row]:
    """Every entry as the log keeps it."""
    return [Row(one.id, one.branch, one.at, one.kind, one.tokens, one.raw) for one in session.all_entries()]


def test_jsonl_comes_back_byte_for_byte_with_branches_times_and_texts(
    session: Session, tmp_path: Path
) -> None:
    read = read_export(export_session(session, tmp_path / "out.jsonl"))
    assert list(read.rows) == rows_of(session)
    assert read.texts == TEXTS
    assert read.id == "kept"
    with Session.restore(tmp_path / "again.sqlite", read.rows, read.texts) as again:
        assert rows_of(again) == rows_of(session)
        assert [one.name for one in again.branches] == ["main", "other"]
        assert again.history("main") == session.history("main")


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200 if GAUNTLET else 8)
@given(
    st.lists(
        st.tuples(st.text("xyz", min_size=1, max_size=5), st.dictionaries(st.text("pqr"), _json, max_size=3))
    ),
    st.lists(st.text(max_size=20), max_size=3),
)
def test_unknown_kinds_and_fields_and_any_text_survive(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[tuple[str, dict[str, object]]], kept: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    raws = [("titled", b'{"kind":"titled","title":"t","of_tomorrow":{"a":[1,2]}}')]
    raws += [
        (f"new_{kind}", msgspec.json.encode({**fields, "kind": f"new_{kind}"})) for kind, fields in kinds
    ]
    rows = [Row(place, 0, float(place), kind, place, raw) for place, (kind, raw) in enumerate(raws, start=1)]
    texts = {digest_of(text): text for text in kept}
    with Session.restore(folder / "one.sqlite", rows, texts) as session:
        lines = b"".join(jsonl_lines(session))
        assert rows_of(session) == rows
    read = read_jsonl(lines, "lines")
    assert list(read.rows) == rows
    assert read.texts == texts


def test_markdown_is_for_readers_whole_and_without_reasoning(session: Session, tmp_path: Path) -> None:
    text = export_session(session, tmp_path / "out.md", branch="main").read_text(encoding="utf-8")
    assert "line one\nline two" in text
    assert "answer 1" in text
    assert "answer 2" not in text
    assert SECRET_THOUGHT not in text


def test_a_file_that_is_there_is_replaced_only_when_that_is_allowed(session: Session, tmp_path: Path) -> None:
    there = tmp_path / "out.jsonl"
    there.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="there is a file"):
        export_session(session, there)
    assert there.read_text(encoding="utf-8") == "mine"
    export_session(session, there, overwrite=True)
    assert read_export(there).id == "kept"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("out.txt", {}, "says no format"),
        ("out.jsonl", {"branch": "main"}, "holds all branches"),
        ("out.md", {"branch": "nowhere"}, "has no branch"),
        (".", {"format": "jsonl"}, "is a folder"),
        ("out.md", {"format": "pdf"}, "says no format"),
    ],
)
def test_a_wrong_export_says_what_to_do(
    name: str, options: dict, said: str, session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(UsageError, match=said):
        export_session(session, folder / name, **options)
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_sentence(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SessionWriteFailed, match="could not be written"):
        export_session(session, tmp_path / "nowhere" / "out.jsonl")


def test_a_reader_exports_while_somebody_writes(session: Session, tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.export("kept", tmp_path / "before.jsonl")
    session.append(Titled("later"))
    assert len(read_export(tmp_path / "before.jsonl").rows) == len(session) - 1


def test_ten_times_the_messages_take_about_ten_times_the_time(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        with Session.create(tmp_path / f"of{count}.sqlite") as session:
            session.append(*[prompt(f"said {number}") for number in range(count)])
            begun = time.process_time()
            for name in ("out.jsonl", "out.md"):
                read_export(export_session(session, tmp_path / f"{count}{name}"))
            return time.process_time() - begun

    few = min(seconds(200 + extra) for extra in range(3))
    assert seconds(2000) < 40 * few
