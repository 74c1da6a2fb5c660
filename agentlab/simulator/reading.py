"""Finds the line of the documents in a prompt that a question is about. Words decide; nothing is understood."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from agentlab.messages import Message, Text, UserMessage

__all__ = ["Passage", "documents_in", "passages", "without_documents"]

_DOCUMENT: Final = re.compile(r"<file id: (?P<id>[^>\n]*)>\n(?P<text>.*?)\n</file>\n?", re.DOTALL)
_QUOTED: Final = re.compile(
    r"\A<(?P<tag>[a-z_]+)(?: (?:path|name)=\"(?P<id>[^\"\n]*)\")?[^>\n]*>\n(?P<text>.*)\n</(?P=tag)>\s*\Z",
    re.DOTALL,
)
"""A text that is one quoted element, such as a file told beside a prompt: no words of the user's."""
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"(])")
_WORD: Final = re.compile(r"\w+(?:[.'\u2019-]\w+)*")
_RULE: Final = re.compile(r"\|[\s:|-]+\|?")
_LEAST_SHARE: Final = 0.4
_STOP: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "in",
        "is",
        "it",
        "its",
        "many",
        "much",
        "of",
        "on",
        "or",
        "that",
        "the",
        "there",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "will",
        "with",
        "according",
    ]
)


class Passage(Struct, frozen=True):
    """A piece of a document that may hold an answer.

    Attributes:
        document: Its document's id.
        text: The words to answer with.
        words: What it is found by.
    """

    document: str
    text: str
    words: frozenset[str]


def documents_in(messages: Sequence[Message], preamble: str | None = None) -> dict[str, str]:
    """The text documents of a prompt by id, wherever in it they stand."""
    texts = [preamble or ""]
    for message in messages:
        if isinstance(message, UserMessage):
            texts += [part.text for part in message.content if isinstance(part, Text)]
    found = {each["id"]: each["text"] for text in texts for each in _DOCUMENT.finditer(text)}
    quoted = (each for text in texts if (each := _QUOTED.match(text)) is not None and each["id"])
    return found | {each["id"]: each["text"] for each in quoted}


def without_documents(text: str) -> str:
    """A text without the documents in it; nothing of one that is a quotation as a whole."""
    return "" if _QUOTED.match(text) else _DOCUMENT.sub("", text)


def passages(question: str, documents: dict[str, str], most: int = 2) -> list[Passage]:
    """The passages that fit a question, best first; none where too few of its words are in any.

    A rare word counts for more than one that many passages hold. Of a table the cell is taken whose row and column the
    question names.

    Args:
        question: What is asked.
        documents: Texts by id.
        most: How many to give.
    """
    asked = _words(question)
    found = [each for name, text in documents.items() for each in _pieces(name, text, asked)]
    held = Counter(word for each in found for word in each.words & asked)
    weight = {word: math.log1p(len(found) / held[word]) for word in held}
    unseen = math.log1p(len(found))
    whole = sum(weight.get(word, unseen) for word in asked)

    def score(passage: Passage) -> float:
        return sum(weight[word] for word in passage.words & asked)

    ranked = sorted(found, key=score, reverse=True)[:most]
    return [each for each in ranked if whole and score(each) >= _LEAST_SHARE * whole]


def _pieces(name: str, text: str, asked: frozenset[str]) -> Iterable[Passage]:
    heading = ""
    columns: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            heading, columns = stripped.lstrip("# "), []
        elif stripped.startswith("|"):
            cells = [cell.strip() for cell in stripped.strip("|").split("|")]
            if not columns:
                columns = cells
            elif not _RULE.fullmatch(stripped):
                yield from _cells(name, heading, columns, cells, asked)
        else:
            columns = []
            for sentence in filter(None, _SENTENCE.split(stripped)):
                yield Passage(name, sentence, _words(sentence))


def _cells(
    name: str, heading: str, columns: list[str], cells: list[str], asked: frozenset[str]
) -> Iterable[Passage]:
    """A passage for each cell of a row that the question names."""
    if not _words(cells[0]) & asked:
        return
    for column, cell in zip(columns[1:], cells[1:], strict=False):
        words = _words(f"{heading} table {cells[0]} {column} {cell}")
        yield Passage(name, f"{cells[0]}: {column} {cell}.", words)


def _words(text: str) -> frozenset[str]:
    """The words that tell, in lower case, without a plural's s."""
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in found if word not in _STOP)
