"""What is no export, or a damaged one, is refused in a sentence that says where; nothing is made of it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import SessionCorrupt, SessionError, SessionNotFound, SessionUnusable
from agentlab.sessions import Session, SessionStore
from agentlab.sessions.exporting import jsonl_lines
from agentlab.sessions.importing import read_export, read_jsonl
from agentlab.sessions.importing_markdown import read_markdown
from tests.sessions.gauntlet import GAUNTLET
from tests.sessions.spoken import TEXTS, turn


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    with Session.create(tmp_path_factory.mktemp("made") / "kept.sqlite", title="T") as session:
        session.append(*turn(1), texts=TEXTS)
        return list(jsonl_lines(session))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound, match="there is no file"):
        read_export(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no export of a session"),
        (b"# My notes\n", "is no export of a session"),
        (b"---\ntitle: mine\n---\n# My notes\n", "is no export of a session"),
        (b"\x00\xff\xfe", "it is not text"),
        (b'{"cells": []}', "first line does not say"),
        (b'{"format": "something", "version": 1}', "JSON of another kind"),
        (b'{"format": "agentlab-session", "version": 2}\n', "newer agentlab .version 2"),
        (b"---\nagentlab_transcript: 2\n---\n", "newer agentlab .version 2"),
        (b"SQLite format 3\x00rest", "an SQLite file, not an export"),
        (b"[1]", "is no export of a session"),
    ],
)
def test_a_file_of_another_kind_or_version_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)
    with pytest.raises(SessionUnusable, match=said):
        read_export(path)


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(SessionUnusable, match="given"):
        read_export(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"data":', b'"data":x'),
        (b'"kind":"user"', b'"kind":"tool"'),
        (b'"id":3', b'"id":"three"'),
        (b"question", b"quest\xffion"),
        (b'"kind":"user","tokens"', b'"kind":"user","token"'),
        (b'"data":{"kind":"user"', b'"data":{"kind":"tool"'),
    ],
)
def test_a_damaged_line_is_named(old: bytes, new: bytes, lines: list[bytes]) -> None:
    number = next(place for place, line in enumerate(lines) if b'"id":3' in line)
    assert old in lines[number]
    damaged = [*lines[:number], lines[number].replace(old, new, 1), *lines[number + 1 :]]
    with pytest.raises(SessionCorrupt, match=f"x.jsonl, line {number + 1}: .*Nothing was imported"):
        read_jsonl(b"".join(damaged), "x.jsonl")


def test_a_file_that_was_cut_off_says_what_is_missing(lines: list[bytes]) -> None:
    with pytest.raises(SessionCorrupt, match="was cut off"):
        read_jsonl(b"".join(lines[:-1]), "x.jsonl")


def test_more_lines_than_the_first_one_tells_of_are_damage(lines: list[bytes]) -> None:
    with pytest.raises(SessionCorrupt, match=f"line {len(lines) + 1}: more lines follow"):
        read_jsonl(b"".join([*lines, lines[-1]]), "x.jsonl")


def test_blank_lines_and_windows_line_ends_are_no_damage(lines: list[bytes]) -> None:
    loose = b"\n\r\n".join(line.strip() for line in lines) + b"\r\n\r\n"
    assert read_jsonl(loose, "x") == read_jsonl(b"".join(lines), "x")


def test_deep_json_is_refused_and_not_followed(lines: list[bytes]) -> None:
    deep = lines[1].replace(b'"data":', b'"data":' + b"[" * 100_000, 1)
    with pytest.raises(SessionError):
        read_jsonl(b"".join([lines[0], deep]), "x")


@pytest.mark.parametrize(
    "change", [lambda rows: rows[:2] + rows[3:], lambda rows: [rows[0], rows[2], rows[1], *rows[3:]]]
)
def test_entries_that_do_not_follow_each_other_make_no_session(
    change, lines: list[bytes], tmp_path: Path
) -> None:
    header = msgspec.json.decode(lines[0])
    changed = change(lines[1:-1])
    header |= {"entries": len(changed)}
    path = tmp_path / "in.jsonl"
    path.write_bytes(msgspec.json.encode(header) + b"\n" + b"".join([*changed, lines[-1]]))
    store = SessionStore(tmp_path / "store")
    with pytest.raises(SessionCorrupt):
        store.import_(path)
    assert len(store) == 0


def test_a_text_under_a_wrong_digest_makes_no_session(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(lines).replace(b"quokka", b"wombat"))
    store = SessionStore(tmp_path / "store")
    with pytest.raises(SessionCorrupt, match="digest"):
        store.import_(path)
    assert len(store) == 0


@settings(max_examples=1000 if GAUNTLET else 60)
@given(st.data())
def test_a_mutated_file_is_read_or_refused_and_nothing_else(lines: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(lines))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
    try:
        read_jsonl(bytes(whole), "x")
    except SessionError as error:
        assert "x" in str(error)  # noqa: PT017 - any mutation may be harmless


@given(st.text(max_size=200))
def test_any_text_as_markdown_is_read_or_refused(text: str) -> None:
    try:
        read_markdown(text, "x.md")
    except SessionError as error:
        assert "x.md" in str(error)  # noqa: PT017 - a text may happen to be one
