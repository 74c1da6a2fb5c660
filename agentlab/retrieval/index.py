"""What an index and a store of vectors promise, whichever engine stands behind them.

The rules hold on every store, and `tests/retrieval/stores` holds every store to them:

* A score is the cosine similarity, from -1 to 1; higher is better.
* A filter chooses before the top n are taken, so `n` hits come back wherever `n` documents pass it.
* A document is found once, at the score of its best vector.
* Equal scores stand in the order of insertion; a document that is written again is inserted anew.
* A threshold is inclusive, with a slack of 1e-6, which is what float32 resolves.
* NaN and infinity are refused; a vector of zeros has no direction and is kept, but never found.
* A query of another width than the store raises; an empty store gives an empty list.
* A filter that an engine cannot express raises `UnsupportedCapability`; it never finds more than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, runtime_checkable

import numpy.typing as npt

from agentlab.errors import UsageError
from agentlab.retrieval.filters import Filter

__all__ = [
    "SCORE_SLACK",
    "EmbeddedDocument",
    "EmbedsQueries",
    "Hit",
    "Query",
    "VectorStore",
    "VectorStoreIndex",
    "check_n",
]

SCORE_SLACK: Final = 1e-6
"""By how much a score may miss a threshold: the rounding of float32."""

Query: TypeAlias = str | Sequence[float] | npt.NDArray[Any]
"""A text, or its vector of shape (d,)."""


@dataclass(frozen=True)
class Hit:
    """A document that was found.

    Attributes:
        score: How well it fits, higher is better: the cosine similarity in a vector store; other indexes say what.
        id: Its id.
        document: What was stored: text, or JSON.
        metadata: What filters see of it.
    """

    score: float
    id: str
    document: Any
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class EmbeddedDocument:
    """A document with its embeddings, as a store takes it and gives it back.

    Attributes:
        id: What it is found, replaced and deleted by.
        document: Text, or JSON.
        vectors: Shape (m, d), or (d,) for one: its embeddings, of any length. Stores give back unit vectors.
        metadata: A JSON object; filters see its top-level values.
    """

    id: str
    document: Any
    vectors: npt.NDArray[Any] | Sequence[Sequence[float]] | Sequence[float]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class EmbedsQueries(Protocol):
    """What a store needs of an embedding model to be asked in words."""

    async def embed_query(self, text: str) -> Sequence[float] | npt.NDArray[Any]:
        """The vector of a query, shape (d,); some models embed queries differently from documents."""
        ...


@runtime_checkable
class VectorStoreIndex(Protocol):
    """Finds the documents nearest to a query. Vector stores are one; so are lexical and hybrid indexes."""

    async def top_n(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[Hit]:
        """The best documents, the best first.

        Args:
            query: A text, or a vector of shape (d,).
            n: How many at most, 1 or more.
            threshold: The least score, inclusive.
            filter: Which documents to choose among.

        Raises:
            UsageError: The query or an option is not one this index can serve.
            UnsupportedCapability: The engine cannot express the filter.
        """
        ...

    async def top_n_ids(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[tuple[float, str]]:
        """As `top_n`, with scores and ids alone."""
        ...


@runtime_checkable
class VectorStore(VectorStoreIndex, Protocol):
    """Keeps documents with their vectors, and finds them."""

    async def insert(self, documents: Iterable[EmbeddedDocument]) -> None:
        """Add documents.

        Raises:
            UsageError: An id is already stored, or a document is not well formed; nothing was written.
        """
        ...

    async def upsert(self, documents: Iterable[EmbeddedDocument]) -> None:
        """Add documents, replacing those with the same ids; of equal ids in one call the last counts.

        Raises:
            UsageError: A document is not well formed; nothing was written.
        """
        ...

    async def delete(self, ids: Iterable[str]) -> int:
        """Remove documents; ids that are not stored are passed over.

        Returns:
            How many documents were removed.
        """
        ...

    async def get(self, ids: Iterable[str]) -> list[EmbeddedDocument]:
        """The documents with these ids, in the order asked for, without those that are not stored."""
        ...

    async def count(self) -> int:
        """How many documents are stored."""
        ...

    async def close(self) -> None:
        """Let go of files and connections. Calling it again does nothing."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def check_n(n: object, threshold: float | None) -> None:
    """Refuse options no search can serve.

    Raises:
        UsageError: `n` is no whole number from 1 on, or the threshold is not a number.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n is {n!r}; ask for 1 document or more")
    if threshold is not None and not threshold == threshold:  # noqa: PLR0124 - NaN alone differs from itself
        raise UsageError("the threshold is NaN, which no score reaches; give a number or None")
