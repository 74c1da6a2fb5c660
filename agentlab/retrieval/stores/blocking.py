"""What every store here shares: it checks its arguments, embeds a query given as text, and works in a thread.

The engines' clients block, so each call runs in a thread of its own, one at a time; a store may thus be used from any
event loop and from several at once. Nothing is opened before the first call.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit, Query, check_n
from agentlab.retrieval.stores.preparing import (
    PreparedDocument,
    Vector,
    check_ids,
    prepare,
    prepare_query,
)
from agentlab.tools.thread import in_thread

__all__ = ["BlockingStore", "missing_extra"]

Value = TypeVar("Value")

_SHOWN = 5  # ids named in an error


class BlockingStore(ABC):
    """A vector store over a client that blocks. A store of your own derives from it and gives the seven methods below.

    Args:
        dimensions: Width of the vectors; None where the first document, or what is stored, decides.
        embedding_model: Embeds queries given as text; without it a query is a vector.
    """

    def __init__(
        self, *, dimensions: int | None = None, embedding_model: EmbedsQueries | None = None
    ) -> None:
        if dimensions is not None and dimensions < 1:
            raise UsageError(f"dimensions is {dimensions}; give 1 or more, or None")
        self.embedding_model = embedding_model
        self._dimensions = dimensions
        self._lock = threading.RLock()
        self._opened = False
        self._closed = False

    @property
    def dimensions(self) -> int | None:
        """Width of the vectors; None before the store is opened or filled."""
        return self._dimensions

    # -- what an engine does; called in a thread, one at a time, with arguments that were checked ----------------------

    @abstractmethod
    def _open(self) -> None:
        """Connect, and set `_dimensions` where something is stored already."""

    @abstractmethod
    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        """Write documents, replacing those with the same ids; `_dimensions` is set."""

    @abstractmethod
    def _erase(self, ids: Sequence[str]) -> int:
        """Remove documents and tell how many there were."""

    @abstractmethod
    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        """The documents that are stored, in any order."""

    @abstractmethod
    def _size(self) -> int:
        """How many documents are stored."""

    @abstractmethod
    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        """The best documents for a unit vector, the best first, as the rules in `retrieval.index` say."""

    @abstractmethod
    def _shut(self) -> None:
        """Let go of what `_open` took."""

    # -- what a user calls ---------------------------------------------------------------------------------------------

    async def insert(self, documents: Iterable[EmbeddedDocument]) -> None:
        """Add documents.

        Raises:
            UsageError: An id is already stored, or a document is not well formed; nothing was written.
        """
        await self._put(list(documents), replace=False)

    async def upsert(self, documents: Iterable[EmbeddedDocument]) -> None:
        """Add documents, replacing those with the same ids; of equal ids in one call the last counts.

        Raises:
            UsageError: A document is not well formed; nothing was written.
        """
        await self._put(list(documents), replace=True)

    async def delete(self, ids: Iterable[str]) -> int:
        """Remove documents; ids that are not stored are passed over. Tells how many were removed."""
        wanted = list(dict.fromkeys(check_ids(ids)))
        return await self._run(lambda: self._erase(wanted) if wanted and self._dimensions else 0)

    async def get(self, ids: Iterable[str]) -> list[EmbeddedDocument]:
        """The documents with these ids, in the order asked for, without those that are not stored."""
        wanted = check_ids(ids)

        def read() -> list[EmbeddedDocument]:
            distinct = list(dict.fromkeys(wanted))
            found = {each.id: each for each in self._read(distinct)} if wanted and self._dimensions else {}
            return [found[each] for each in wanted if each in found]

        return await self._run(read)

    async def count(self) -> int:
        """How many documents are stored."""
        return await self._run(lambda: self._size() if self._dimensions else 0)

    async def top_n(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[Hit]:
        """The documents nearest to a query, the best first; see `VectorStoreIndex.top_n`."""
        check_n(n, threshold)
        vector = await self._embedded(query)

        def search() -> list[Hit]:
            unit = prepare_query(vector, self._dimensions)
            if unit is None or self._dimensions is None:
                return []
            return self._nearest(unit, int(n), threshold, filter)

        return await self._run(search)

    async def top_n_ids(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[tuple[float, str]]:
        """As `top_n`, with scores and ids alone."""
        hits = await self.top_n(query, n, threshold=threshold, filter=filter)
        return [(hit.score, hit.id) for hit in hits]

    async def close(self) -> None:
        """Let go of files and connections. Calling it again does nothing."""

        def shut() -> None:
            with self._lock:
                opened, self._opened, self._closed = self._opened, False, True
                if opened:
                    self._shut()

        await in_thread(shut, f"close {type(self).__name__}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _embedded(self, query: Query) -> object:
        if not isinstance(query, str):
            return query
        if self.embedding_model is None:
            raise UsageError(
                "the query is text and this store has no embedding model; "
                f"give {type(self).__name__}(embedding_model=...), or ask with a vector"
            )
        return await self.embedding_model.embed_query(query)

    async def _put(self, documents: list[EmbeddedDocument], *, replace: bool) -> None:
        def put() -> None:
            prepared = prepare(documents, self._dimensions)
            if not prepared:
                return
            if not replace:
                self._refuse_stored(documents)
            first = self._dimensions is None
            self._dimensions = self._dimensions or prepared[0].vectors.shape[1]
            try:
                self._write(prepared)
            except BaseException:
                self._dimensions = None if first else self._dimensions
                raise

        await self._in_thread(put)

    def _refuse_stored(self, documents: Sequence[EmbeddedDocument]) -> None:
        ids = [document.id for document in documents]
        repeated = {each for each, times in Counter(ids).items() if times > 1}
        stored = {each.id for each in self._read(list(dict.fromkeys(ids)))} if self._dimensions else set()
        if taken := sorted(repeated | stored):
            named = ", ".join(map(repr, taken[:_SHOWN])) + (", ..." if len(taken) > _SHOWN else "")
            raise UsageError(f"ids are already stored, or given twice: {named}; `upsert` replaces documents")

    def _usable(self) -> None:
        if self._closed:
            raise UsageError(f"this {type(self).__name__} is closed; open another one")
        if not self._opened:
            self._open()
            self._opened = True

    async def _run(self, work: Callable[[], Value]) -> Value:
        """How everything but writing runs."""
        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], Value]) -> Value:
        def locked() -> Value:
            with self._lock:
                self._usable()
                return work()

        return await in_thread(locked, type(self).__name__)


def missing_extra(store: str, package: str, extra: str) -> MissingExtra:
    """The error of a store whose package is not installed."""
    return MissingExtra(f"{store} needs the package `{package}`: pip install 'agentlab[{extra}]'")
