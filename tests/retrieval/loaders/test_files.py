"""Many files: found in order, read by their suffix, and the broken ones told or left out."""

from __future__ import annotations

import logging
import os
import pickle
from functools import partial
from pathlib import Path

import pytest

from agentlab.errors import LoadFailed
from agentlab.retrieval.loaders import READERS, FileLoader, Limits, load, read_csv, read_text
from tests.retrieval.loaders.making import make_pdf


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "b.txt").write_text("text b")
    (tmp_path / "a.md").write_text("# text a")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / "sub" / "c.txt").write_text("text c")
    (tmp_path / "sub" / "deep" / "d.txt").write_text("text d")
    (tmp_path / "sub" / "e.pdf").write_bytes(make_pdf(["page one", "page two"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pattern_gives_files_in_alphabetical_order_with_paths(folder: Path) -> None:
    documents = list(FileLoader.glob("**/*.txt"))
    assert [document.id for document in documents] == ["b.txt", "sub/c.txt", "sub/deep/d.txt"]
    assert [document.metadata["path"] for document in documents] == ["b.txt", "sub/c.txt", "sub/deep/d.txt"]
    assert [document.text for document in documents] == ["text b", "text c", "text d"]
    absolute = list(FileLoader.glob(f"{folder.as_posix()}/**/*.txt"))
    assert [document.id for document in absolute] == [(folder / each.id).as_posix() for each in documents]


def test_a_folder_gives_its_files_and_if_asked_those_within(folder: Path) -> None:
    assert [each.id for each in FileLoader.folder(".")] == ["a.md", "b.txt"]
    within = [each.id for each in FileLoader.folder(".", recursive=True)]
    assert within == ["a.md", "b.txt", "sub/c.txt", "sub/deep/d.txt", "sub/e.pdf#page=1", "sub/e.pdf#page=2"]


def test_whole_files_come_with_their_paths(folder: Path) -> None:
    assert list(FileLoader.files(["b.txt", "sub/e.pdf"]).read_with_path()) == [
        ("b.txt", "text b"),
        ("sub/e.pdf", "page one\n\npage two"),
    ]


def test_a_pattern_where_one_file_is_wanted_is_told_what_reads_several(folder: Path) -> None:
    with pytest.raises(LoadFailed, match=r"does not exist; several files are read with `FileLoader\.glob"):
        load(folder / "*.txt")


def test_the_first_broken_file_raises_and_names_itself(folder: Path) -> None:
    loader = FileLoader.files(["a.md", "missing.txt", "b.txt"])
    read = iter(loader)
    assert next(read).id == "a.md"
    with pytest.raises(LoadFailed, match=r"missing\.txt does not exist") as caught:
        next(read)
    assert caught.value.path == "missing.txt"
    assert pickle.loads(pickle.dumps(caught.value)).path == "missing.txt"


def test_broken_files_are_left_out_and_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "sub" / "f.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "sub" / "g.bin").write_bytes(b"\x00\xff\xfe")
    told: list[LoadFailed] = []
    loader = FileLoader.folder("sub").ignore_errors(told.append)
    assert [each.id for each in loader] == ["sub/c.txt", "sub/e.pdf#page=1", "sub/e.pdf#page=2"]
    assert [error.path for error in told] == ["sub/f.pdf", "sub/g.bin"]
    with caplog.at_level(logging.WARNING, "agentlab.retrieval"):
        assert len(list(FileLoader.folder("sub").ignore_errors())) == 3
    assert "left out: sub/f.pdf" in caplog.text


def test_nothing_found_is_an_error_too(folder: Path) -> None:
    for loader, said in (
        (FileLoader.glob("*.nothing"), "no file matches"),
        (FileLoader.folder("absent"), "is no folder"),
        (FileLoader.glob(""), "cannot be used"),
    ):
        with pytest.raises(LoadFailed, match=said):
            list(loader)
        assert list(loader.ignore_errors(lambda _: None)) == []
    (folder / "empty").mkdir()
    with pytest.raises(LoadFailed, match="holds no file"):
        list(FileLoader.folder("empty"))


def test_only_plain_files_are_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    assert "pipe.txt" not in [each.id for each in FileLoader.glob("*.txt")]
    for name in ("pipe.txt", "sub"):
        with pytest.raises(LoadFailed, match="is no file"):
            list(FileLoader.files([name]))
    with pytest.raises(LoadFailed, match="is no file"):
        load("/dev/zero")
    with pytest.raises(LoadFailed, match=r"cannot be read|does not exist"):
        load("nul\0byte")


def test_large_files_are_refused_by_their_size(folder: Path) -> None:
    (folder / "large.txt").write_bytes(b"x" * 1001)
    small = Limits(file_bytes=1000)
    with pytest.raises(LoadFailed, match=r"large\.txt has more than 1,000 bytes; raise `Limits\.file_bytes`"):
        list(FileLoader.files(["large.txt"]).within(small))
    with pytest.raises(LoadFailed, match="more than 1,000 bytes"):
        load(b"x" * 1001, limits=small)


def test_readers_may_be_given_with_options(folder: Path) -> None:
    (folder / "rows.csv").write_text("id,body\n1,first\n")
    readers = {**READERS, ".csv": partial(read_csv, text_columns=["body"])}
    assert [each.text for each in FileLoader.glob("*.csv", readers=readers)] == ["first"]


def test_bytes_are_read_by_the_suffix_of_their_name() -> None:
    assert [each.id for each in load(make_pdf(["one"]), name="x.PDF")] == ["x.PDF#page=1"]
    assert [each.text for each in load(b"plain")] == ["plain"]
    assert [each.text for each in load(b"<b>x", name="x.html", reader=read_text)] == ["<b>x"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grün".encode(), "grün"),
        ("grün".encode("utf-8-sig"), "grün"),
        ("grün".encode("utf-16"), "grün"),
        ("grün".encode("utf-32"), "grün"),
    ],
)
def test_text_is_decoded_by_its_mark(data: bytes, text: str) -> None:
    assert [each.text for each in load(data)] == [text]


def test_what_is_no_text_is_refused() -> None:
    for data, said in (
        (b"gr\xfcn", "is no utf-8 text"),
        (b"a\0b", "NUL"),
        (b"  \n", "holds no text"),
        (b"", "no text"),
    ):
        with pytest.raises(LoadFailed, match=said):
            list(load(data))
    latin = partial(read_text, encoding="latin-1")
    assert [each.text for each in load(b"gr\xfcn", reader=latin)] == ["grün"]
    with pytest.raises(LoadFailed, match="unknown encoding"):
        list(load(b"x", reader=partial(read_text, encoding="nonsense")))
