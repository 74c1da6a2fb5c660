"""Questions whose answers are known: the headings of Python's and Debian's FAQs, and the documents they are to be found among.

Read from two packages of Debian, unpacked into one folder; nothing of theirs is kept here:

    apt-get download python3.11-doc debian-faq; for each in *.deb; do dpkg -x $each FOLDER; done
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from agentlab.retrieval.chunking import RecursiveSplitter, split_documents
from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders import load

__all__ = ["Question", "documents_of", "questions_of"]

PYTHON = "usr/share/doc/python3.11/html"
DEBIAN = "usr/share/doc/debian/FAQ"
AMONG = ("tutorial", "reference", "howto", "using", "extending", "installing", "library")
CHUNK = 1_500  # characters


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Attributes:
        source: Whose FAQ it is from.
        text: The question.
        answer: The text below its heading.
    """

    source: str
    text: str
    answer: str


def questions_of(folder: Path) -> list[Question]:
    """The questions of both FAQs, in the order of their pages.

    Args:
        folder: Where the two packages are unpacked.
    """
    found: list[Question] = []
    for page in sorted((folder / PYTHON / "faq").glob("*.html")):
        found += _sections(page, "Python", "section", None)
    for page in sorted((folder / DEBIAN).glob("*.en.html")):
        found += _sections(page, "Debian", "div", "section")
    return found


def documents_of(folder: Path, questions: Iterable[Question]) -> tuple[list[Document], list[set[str]]]:
    """All that is searched, in chunks of 1,500 characters at most, and for each question the ids that answer it."""
    splitter = RecursiveSplitter(size=CHUNK, overlap=0)
    documents: list[Document] = []
    right: list[set[str]] = []
    for number, question in enumerate(questions):
        chunks = list(split_documents([Document(f"answer-{number}", question.answer)], splitter))
        documents += chunks
        right.append({chunk.id for chunk in chunks})
    for section in AMONG:
        for page in sorted((folder / PYTHON).glob(f"{section}/*.html")):
            documents += split_documents(load(page), splitter)
    return documents, right


def _around(heading: Tag, name: str, kind: str | None) -> Tag | None:
    return heading.find_parent(name, class_=kind) if kind else heading.find_parent(name)


def _sections(page: Path, source: str, name: str, kind: str | None) -> Iterator[Question]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for section in soup.find_all(name, class_=kind) if kind else soup.find_all(name):
        heading = section.find(re.compile("^h[1-6]$"))
        if heading is None or _around(heading, name, kind) is not section:
            continue
        text = re.sub(r"^[\d.\s]+", "", heading.get_text().rstrip("¶")).strip()
        answer = _own_text(section, heading, name, kind)
        if text.endswith("?") and answer:
            yield Question(source, " ".join(text.split()), answer)


def _own_text(section: Tag, heading: Tag, name: str, kind: str | None) -> str:
    """The text of a section without its heading and without the sections within it."""
    heading.extract()
    for inner in section.find_all(name, class_=kind) if kind else section.find_all(name):
        inner.extract()
    return section.get_text().strip()
