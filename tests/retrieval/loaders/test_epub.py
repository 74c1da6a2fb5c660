"""EPUB by chapter; bombs, locks and damage end in an error."""

from __future__ import annotations

import random
import zipfile

import pytest

from agentlab.errors import LoadFailed
from agentlab.retrieval.loaders import Limits, load
from tests.retrieval.loaders.making import CONTAINER, make_epub, make_opf, make_zip

CHAPTERS = {
    "one.xhtml": "<h1>The <i>First</i></h1><p>It began.</p>",
    "empty.xhtml": "<div/>",
    "text/two three.xhtml": "<h2>The Second</h2><p>It went on&nbsp;&amp; on.</p>",
}


def read(data: bytes, limits: Limits | None = None) -> list:
    return list(load(data, name="book.epub", limits=limits))


def test_chapters_with_text_come_in_the_order_of_reading() -> None:
    documents = read(make_epub(CHAPTERS))
    assert [each.id for each in documents] == ["book.epub#chapter=1", "book.epub#chapter=2"]
    assert documents[0].text == "The First\n\nIt began."
    assert documents[1].text == "The Second\n\nIt went on & on."
    assert documents[1].metadata == {"path": "book.epub", "chapter": 2, "title": "x", "book": "A Book"}


def test_the_spine_and_not_the_manifest_gives_the_order() -> None:
    names = list(CHAPTERS)
    opf = make_opf([name.replace(" ", "%20") for name in names], spine=["f2", "f0"])
    documents = read(make_epub(CHAPTERS, **{"OEBPS/book.opf": opf}))
    assert [each.text.split("\n")[0] for each in documents] == ["The Second", "The First"]


def test_a_bomb_is_stopped_by_what_comes_out_of_it() -> None:
    bomb = make_epub({"one.xhtml": "x" * 20_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(LoadFailed, match="unpacks to more than"):
        read(bomb, Limits(unpacked_bytes=1_000_000))
    many = make_epub({f"{n}.xhtml": "x" * 300_000 for n in range(5)})
    with pytest.raises(LoadFailed, match="unpacks to more than"):
        read(many, Limits(unpacked_bytes=1_000_000))


def test_an_archive_of_too_many_files_is_refused() -> None:
    with pytest.raises(LoadFailed, match="holds more than 4 files"):
        read(make_epub(CHAPTERS), Limits(parts=4))


def test_xml_entities_are_refused() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + make_opf(["one.xhtml"], title="&b;")
    with pytest.raises(LoadFailed, match="declares XML entities"):
        read(make_epub(CHAPTERS, **{"OEBPS/book.opf": laughs}))


def test_locked_chapters_are_told_and_locked_fonts_do_no_harm() -> None:
    lock = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData><CipherData>'
        '<CipherReference URI="OEBPS/{}"/></CipherData></EncryptedData></encryption>'
    )
    assert len(read(make_epub(CHAPTERS, **{"META-INF/encryption.xml": lock.format("font.otf")}))) == 2
    with pytest.raises(LoadFailed, match="encrypted"):
        read(make_epub(CHAPTERS, **{"META-INF/encryption.xml": lock.format("one.xhtml")}))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"lacks its file `META-INF/container\.xml`"),
        ({"META-INF/container.xml": "<a/>"}, "names no package document"),
        ({"META-INF/container.xml": "<a"}, "broken XML"),
        ({"META-INF/container.xml": CONTAINER}, r"lacks its file `OEBPS/book\.opf`"),
        (
            {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": make_opf(["a.x"])},
            r"lacks its file `OEBPS/a\.x`",
        ),
        (
            {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": make_opf([], spine=["z"])},
            "manifest does not name",
        ),
        ({"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": make_opf([])}, "no chapter with text"),
        (
            {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": make_opf(["../../../etc/passwd"])},
            r"lacks its file `\.\./\.\./etc/passwd`",
        ),
    ],
)
def test_a_book_that_lacks_something_says_what(files: dict[str, str], said: str) -> None:
    with pytest.raises(LoadFailed, match=said):
        read(make_zip(files))


def test_damaged_archives_end_in_an_error_or_in_text() -> None:
    whole = make_epub(CHAPTERS)
    chance = random.Random(3)
    failed = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read(bytes(data[: chance.randint(len(data) // 2, len(data))]))
        except LoadFailed:
            failed += 1
    assert failed > 50
    with pytest.raises(LoadFailed, match="is no EPUB"):
        read(b"not a zip")
    assert issubclass(zipfile.BadZipFile, Exception)
