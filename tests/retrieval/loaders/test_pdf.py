"""PDF by page, by either library; broken and hostile files end in an error."""

from __future__ import annotations

import random
import sys
import threading
from functools import partial

import pytest

from agentlab.errors import LoadFailed, MissingExtra
from agentlab.retrieval.loaders import Limits, load, read_pdf_isolated
from tests.retrieval.loaders.making import make_pdf

LIBRARIES = ["pypdfium2", "pypdf"]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Only this library is there."""
    pytest.importorskip(request.param)
    for other in LIBRARIES:
        if other != request.param:
            monkeypatch.setitem(sys.modules, other, None)
    return str(request.param)


@pytest.mark.parametrize("packed", [False, True])
def test_each_page_with_text_is_a_document(library: str, packed: bool) -> None:
    data = make_pdf(["First page", "", "Third page"], packed=packed)
    documents = list(load(data, name="a.pdf"))
    assert [each.text.strip() for each in documents] == ["First page", "Third page"]
    assert [each.id for each in documents] == ["a.pdf#page=1", "a.pdf#page=3"]
    assert documents[1].metadata == {"path": "a.pdf", "page": 3, "pages": 3}


def test_a_scan_is_told_from_a_text(library: str) -> None:
    with pytest.raises(LoadFailed, match="it is a scan"):
        list(load(make_pdf(["", ""]), name="scan.pdf"))


def test_a_file_with_too_many_pages_or_too_much_text_is_refused(library: str) -> None:
    data = make_pdf(["some text"] * 5)
    with pytest.raises(LoadFailed, match="has 5 pages"):
        list(load(data, name="a.pdf", limits=Limits(parts=4)))
    with pytest.raises(LoadFailed, match="characters of text"):
        list(load(data, name="a.pdf", limits=Limits(unpacked_bytes=20)))


def test_damaged_files_end_in_an_error_or_in_text(library: str) -> None:
    whole = make_pdf(["First page", "Second page"], packed=True)
    chance = random.Random(7)
    failed = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = bytes(data[: chance.randint(0, len(data))])
        try:
            for document in load(cut, name="a.pdf"):
                assert document.text
        except LoadFailed:
            failed += 1
    assert failed > 5


def test_a_stream_that_unpacks_without_end_is_refused(library: str) -> None:
    bomb = make_pdf(["x" + " " * 20_000_000], packed=True)
    assert len(bomb) < 50_000
    with pytest.raises(LoadFailed, match="is it a bomb"):
        list(load(bomb, name="a.pdf"))
    many = make_pdf(["x" + " " * 1_000_000] * 10, packed=True)
    with pytest.raises(LoadFailed, match="is it a bomb"):
        list(load(many, name="a.pdf", limits=Limits(unpacked_bytes=8_000_000)))


def test_a_process_of_its_own_gives_the_same_documents_and_errors() -> None:
    whole = make_pdf(["First page", "", "Third page"])
    assert list(load(whole, name="a.pdf", reader=read_pdf_isolated)) == list(load(whole, name="a.pdf"))
    for data, said in ((b"not a PDF", "cannot be opened"), (make_pdf([""]), "it is a scan")):
        with pytest.raises(LoadFailed, match=said) as caught:
            list(load(data, name="a.pdf", reader=read_pdf_isolated))
        assert caught.value.path == "a.pdf"


def test_a_process_that_takes_too_much_is_ended() -> None:
    heavy = make_pdf(["x" * 14_000_000], packed=True)
    little = partial(read_pdf_isolated, memory_bytes=50 * 1024 * 1024)
    with pytest.raises(LoadFailed, match="ended the process that read it"):
        list(load(heavy, name="a.pdf", reader=little))
    with pytest.raises(LoadFailed, match=r"took more than 0\.01 seconds"):
        list(load(heavy, name="a.pdf", reader=partial(read_pdf_isolated, seconds=0.01)))


@pytest.mark.parametrize("data", [b"", b"not a PDF", b"%PDF-1.7", b"%PDF-1.7\n" + b"[" * 10_000])
def test_what_is_no_pdf_is_refused(library: str, data: bytes) -> None:
    with pytest.raises(LoadFailed, match=r"a\.pdf (cannot be opened as PDF|has no text)"):
        list(load(data, name="a.pdf"))


def test_pages_may_be_read_in_several_threads() -> None:
    data = make_pdf([f"page {n}" for n in range(30)])
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(list(load(data, name="a.pdf"))))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [30] * 4


def test_without_a_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"agentlab\[pdf\]"):
        list(load(make_pdf(["x"]), name="a.pdf"))
