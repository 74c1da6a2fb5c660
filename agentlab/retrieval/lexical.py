"""A lexical index: finds documents by the words they share with the query, ranked by BM25. It has no vectors.

It needs no model, no key and no download, and it is not an embedding: it finds "refund" for "refunds" only with stemming,
and never for "money back".
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import bm25s
import numpy as np

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.documents import Document
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, Hit, Query, check_n
from agentlab.tools.thread import in_thread

__all__ = ["LexicalIndex"]

Value = TypeVar("Value")

_WORD: Final = r"(?u)\b\w+\b"  # one letter is a word too: C, R


@dataclass(frozen=True)
class _Entry:
    id: str
    document: Any
    metadata: dict[str, Any]
    words: tuple[str, ...]


class LexicalIndex:
    """BM25 over words, in memory, behind the same face as a vector store.

    Scores are BM25's (Robertson and Zaragoza 2009, in the form of Lucene: k1 1.5, b 0.75): sums of the rarity of shared
    words, above 0, without an upper bound, comparable only within one index. A document that shares no word is not found.
    A filter chooses among the documents and does not change their scores.

    Args:
        language: Whose stop words are left out, such as `"english"` or `"german"`; None keeps every word.
        stem: Reduce words to their stems (`pip install 'agentlab[stemmer]'`); finds more in most languages.
        k1: How soon more of the same word stops to count; 0 or more.
        b: How much the length of a document counts, from 0 to 1.

    Raises:
        MissingExtra: `stem` is asked for, and PyStemmer is not installed.
        UsageError: There are no stop words, or is no stemmer, for the language.
    """

    kind: Literal["lexical"] = "lexical"

    def __init__(
        self, *, language: str | None = "english", stem: bool = False, k1: float = 1.5, b: float = 0.75
    ) -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise UsageError(f"k1 is {k1} and b is {b}; k1 is 0 or more, b from 0 to 1")
        self._language = language
        self._stemmer = _stemmer(language) if stem else None
        self._parameters = (k1, b)
        self._entries: dict[str, _Entry] = {}
        self._model: Any = None  # made when it is asked for after a change
        self._lock = threading.Lock()
        self._words([""])  # an unknown language is told at once

    async def insert(self, documents: Iterable[Document | EmbeddedDocument]) -> None:
        """Add documents; of those with embeddings only the words count. JSON is indexed by all its words.

        Raises:
            UsageError: An id is indexed already or given twice; nothing was added.
        """
        wanted = list(documents)

        def put() -> None:
            times = Counter(each.id for each in wanted)
            if taken := sorted(each for each in times if each in self._entries or times[each] > 1):
                raise UsageError(
                    f"ids are already indexed, or given twice: {taken[:5]}; `upsert` replaces documents"
                )
            self._put(wanted)

        await self._run(put)

    async def upsert(self, documents: Iterable[Document | EmbeddedDocument]) -> None:
        """Add documents, replacing those with the same ids."""
        wanted = list(documents)
        await self._run(lambda: self._put(wanted))

    async def delete(self, ids: Iterable[str]) -> int:
        """Remove documents; ids that are not indexed are passed over. Tells how many were removed."""
        wanted = list(ids)

        def remove() -> int:
            removed = [each for each in wanted if self._entries.pop(each, None) is not None]
            self._model = None if removed else self._model
            return len(removed)

        return await self._run(remove)

    async def count(self) -> int:
        """How many documents are indexed."""
        return len(self._entries)

    async def top_n(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[Hit]:
        """The documents that share the rarest words with a text; see `VectorStoreIndex.top_n`."""
        if not isinstance(query, str):
            raise UsageError("a lexical index is asked with text; it has no vectors")
        check_n(n, threshold)
        return await self._run(lambda: self._search(query, n, threshold, filter))

    async def top_n_ids(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[tuple[float, str]]:
        """As `top_n`, with scores and ids alone."""
        hits = await self.top_n(query, n, threshold=threshold, filter=filter)
        return [(hit.score, hit.id) for hit in hits]

    def _put(self, documents: Sequence[Document | EmbeddedDocument]) -> None:
        contents = [each.text if isinstance(each, Document) else each.document for each in documents]
        texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in contents]
        for each, content, words in zip(documents, contents, self._words(texts), strict=True):
            self._entries.pop(each.id, None)  # so that it stands where its last form stands
            self._entries[each.id] = _Entry(each.id, content, dict(each.metadata), tuple(words))
        self._model = None

    def _search(self, query: str, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        words = [
            word for word in self._words([query])[0] if word
        ]  # of a text without words there is one, empty
        entries = list(self._entries.values())
        if not words or not any(entry.words for entry in entries):
            return []
        if self._model is None:
            k1, b = self._parameters
            self._model = bm25s.BM25(k1=k1, b=b)
            self._model.index([entry.words for entry in entries], show_progress=False)
        scores: Any = self._model.get_scores(words)
        if filter is not None:
            scores = np.where([filter.test(entry.metadata) for entry in entries], scores, 0.0)
        best = np.argsort(-scores, kind="stable")[:n]  # stable, so that ties stand in the order of insertion
        least = 0.0 if threshold is None else threshold - SCORE_SLACK
        return [
            Hit(float(scores[place]), entries[place].id, entries[place].document, entries[place].metadata)
            for place in best
            if scores[place] > 0 and scores[place] >= least
        ]

    def _words(self, texts: list[str]) -> list[list[str]]:
        try:
            found: list[list[str]] = bm25s.tokenize(
                texts,
                token_pattern=_WORD,
                stopwords=self._language or [],
                stemmer=self._stemmer,
                return_ids=False,
                show_progress=False,
                allow_empty=False,
            )
        except ValueError as error:
            raise UsageError(f"language is {self._language!r}: {error}") from error
        return found

    async def _run(self, work: Callable[[], Value]) -> Value:
        def locked() -> Value:
            with self._lock:
                return work()

        return await in_thread(locked, type(self).__name__)


def _stemmer(language: str | None) -> Any:
    try:
        import Stemmer  # noqa: PLC0415 - an optional package
    except ImportError:
        raise MissingExtra(
            "stem=True needs the package `PyStemmer`: pip install 'agentlab[stemmer]'"
        ) from None
    try:
        return Stemmer.Stemmer(language or "english")
    except KeyError as error:
        raise UsageError(f"there is no stemmer for {language!r}; there are {Stemmer.algorithms()}") from error
