"""Vectors in memory: one matrix of unit vectors, exact search by numpy; quantised or approximate search if asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from agentlab.errors import StoreUnusable, UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit, check_n
from agentlab.retrieval.stores.blocking import BlockingStore
from agentlab.retrieval.stores.candidates import Approximation, CandidateSearch, candidate_search
from agentlab.retrieval.stores.nearest_rows import Rows, exact_scores, nearest_rows
from agentlab.retrieval.stores.preparing import (
    Matrix,
    PreparedDocument,
    Vector,
    prepare_query,
    read_document,
)

__all__ = ["InMemoryVectorStore"]

Value = TypeVar("Value")

_SMALL: Final = (
    4_000_000  # numbers in the matrix; below, a search takes less time than a thread takes to start
)
_FORMAT: Final = 1
_OVERSAMPLE: Final[dict[Approximation, int]] = {"binary": 50, "int8": 4, "hnsw": 4}


@dataclass(frozen=True)
class _Entry:
    """A document, and where its rows are."""

    id: str
    document_json: str
    metadata: dict[str, Any]
    metadata_json: str
    start: int
    count: int


class InMemoryVectorStore(BlockingStore):
    """Documents and vectors in memory.

    Exact by default: to 100,000 documents a search takes milliseconds, and nothing needs to be built. Above a million,
    `approximate` finds candidates faster and scores them again with the full vectors, so that scores stay exact:

    * `"binary"`: one bit a dimension, compared by numpy; memory for 1/32 more.
    * `"int8"`: one byte a dimension, compared by faiss (`pip install 'agentlab[faiss]'`); misses less than `"binary"`.
    * `"hnsw"`: a graph, by usearch (`pip install 'agentlab[usearch]'`); the fastest to ask, minutes to build.

    Args:
        approximate: How candidates are found; None for exact search.
        oversample: How many candidates for each document asked for; None for 50 with `"binary"`, 4 else.
        dimensions: Width of the vectors; None where the first document decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        *,
        approximate: Approximation | None = None,
        oversample: int | None = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        if oversample is not None and oversample < 1:
            raise UsageError(f"oversample is {oversample}; give 1 or more")
        if approximate is not None and approximate not in _OVERSAMPLE:
            raise UsageError(
                f"approximate is {approximate!r}; there are None, {', '.join(map(repr, _OVERSAMPLE))}"
            )
        self._approximate = approximate
        self._oversample = oversample or (_OVERSAMPLE[approximate] if approximate else 1)
        self._clear()

    async def top_n_many(
        self, queries: npt.NDArray[np.float32], n: int = 5, *, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """As `top_n` for many vectors at once, several times faster than one by one; always exact.

        Args:
            queries: Shape (b, d).
            n: How many documents for each.
            filter: Which documents to choose among.
        """
        check_n(n, None)

        def search() -> list[list[Hit]]:
            units = [prepare_query(query, self._dimensions) for query in queries]
            asked = [unit for unit in units if unit is not None]
            if not asked or not self._used:
                return [[] for _ in units]
            wanted = n * self._most_vectors
            rows = nearest_rows(self._matrix[: self._used], np.stack(asked), wanted, self._allowed(filter))
            hits = iter([self._hits(unit, each, n, None) for unit, each in zip(asked, rows, strict=True)])
            return [[] if unit is None else next(hits) for unit in units]

        return await self._run(search)

    async def save(self, path: str | Path) -> None:
        """Write everything into one file that `load` reads; the file is replaced whole or not at all."""

        def write() -> None:
            entries = list(self._entries.values())
            fields = [(each.id, each.document_json, each.metadata_json, each.count) for each in entries]
            header = np.frombuffer(msgspec.json.encode((_FORMAT, self._dimensions, fields)), dtype=np.uint8)
            scratch = Path(f"{path}.partial")
            with scratch.open("wb") as file:
                np.savez(file, documents=header, vectors=self._matrix[self._living()])
            scratch.replace(path)

        await self._run(write)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        approximate: Approximation | None = None,
        oversample: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> Self:
        """Read what `save` wrote.

        Raises:
            StoreUnusable: There is no such file, or it is no store.
        """
        try:
            with np.load(path, allow_pickle=False) as kept:
                form = tuple[int, int | None, list[tuple[str, str, str, int]]]
                version, dimensions, fields = msgspec.json.decode(kept["documents"].tobytes(), type=form)
                vectors = kept["vectors"]
            ends = np.cumsum([each[3] for each in fields], dtype=np.intp)
            if version != _FORMAT or len(vectors) != (ends[-1] if fields else 0):
                raise ValueError(f"format {version}")  # noqa: TRY301 - told as the others below
            documents = [
                PreparedDocument(
                    name, text, msgspec.json.decode(metadata), metadata, vectors[end - count : end]
                )
                for (name, text, metadata, count), end in zip(fields, ends, strict=True)
            ]
        except (OSError, EOFError, ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
            raise StoreUnusable(f"{path} is nothing that InMemoryVectorStore.save wrote: {error}") from error
        store = cls(
            approximate=approximate,
            oversample=oversample,
            dimensions=dimensions,
            embedding_model=embedding_model,
        )
        if documents:
            store._write(documents)
        return store

    # -- the engine ----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """There is nothing to open."""

    def _shut(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._entries: dict[str, _Entry] = {}  # in the order of insertion, as the rows of the matrix
        self._owners: list[_Entry | None] = []  # the document of each row; None where it was removed
        self._matrix: Matrix = np.empty((0, self._dimensions or 0), dtype=np.float32)
        self._alive = np.empty(0, dtype=np.bool_)  # rows whose document was not removed
        self._used = 0
        self._dead = 0
        self._most_vectors = 1
        self._candidates: CandidateSearch | None = None
        self._searchable = 0  # rows that `_candidates` holds

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        self._erase([document.id for document in documents])
        needed = self._used + sum(len(document.vectors) for document in documents)
        if needed > len(self._matrix):
            grown = np.zeros((max(needed, 2 * self._used), self._dimensions or 0), dtype=np.float32)
            if self._used:
                grown[: self._used] = self._matrix[: self._used]
            self._matrix = grown
            self._alive = np.concatenate(
                [self._alive, np.ones(len(grown) - len(self._alive), dtype=np.bool_)]
            )
        for document in documents:
            count = len(document.vectors)
            entry = _Entry(
                document.id,
                document.document_json,
                document.metadata,
                document.metadata_json,
                self._used,
                count,
            )
            self._matrix[self._used : self._used + count] = document.vectors
            self._entries[entry.id] = entry
            self._owners.extend([entry] * count)
            self._used += count
            self._most_vectors = max(self._most_vectors, count)

    def _erase(self, ids: Sequence[str]) -> int:
        removed = [entry for each in ids if (entry := self._entries.pop(each, None)) is not None]
        for entry in removed:
            self._owners[entry.start : entry.start + entry.count] = [None] * entry.count
            self._alive[entry.start : entry.start + entry.count] = False
            self._dead += entry.count
        if 2 * self._dead > self._used:
            self._compact()
        return len(removed)

    def _compact(self) -> None:
        """Lay the rows of what is left side by side."""
        entries, rows = self._entries, self._matrix[self._living()]
        self._clear()
        self._matrix, self._alive = rows, np.ones(len(rows), dtype=np.bool_)
        for each in entries.values():
            entry = _Entry(
                each.id, each.document_json, each.metadata, each.metadata_json, self._used, each.count
            )
            self._entries[entry.id] = entry
            self._owners.extend([entry] * entry.count)
            self._used += entry.count
            self._most_vectors = max(self._most_vectors, entry.count)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        for entry in (self._entries[each] for each in ids if each in self._entries):
            vectors = self._matrix[entry.start : entry.start + entry.count].copy()
            yield read_document(entry.id, entry.document_json, entry.metadata_json, vectors)

    def _size(self) -> int:
        return len(self._entries)

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        if not self._used:
            return []
        wanted, allowed = n * self._most_vectors, self._allowed(filter)
        if allowed is not None and not len(allowed):
            return []
        if self._approximate is None:
            rows = nearest_rows(self._matrix[: self._used], query[None, :], wanted, allowed)[0]
        else:
            rows = self._indexed(self._approximate).find(query, wanted * self._oversample, allowed)
        return self._hits(query, rows, n, threshold)

    def _indexed(self, kind: Approximation) -> CandidateSearch:
        """The candidates' index, with the rows that were written since it was asked last."""
        found = self._candidates or candidate_search(kind, self._matrix.shape[1])
        if self._searchable < self._used:
            found.add(self._matrix[self._searchable : self._used])
        self._candidates, self._searchable = found, self._used
        return found

    def _living(self) -> Rows:
        return np.flatnonzero(self._alive[: self._used])

    def _allowed(self, filter: Filter | None) -> Rows | None:
        """The rows to choose among, rising; None for all."""
        if filter is None:
            return self._living() if self._dead else None
        passing = (entry for entry in self._entries.values() if filter.test(entry.metadata))
        return np.array(
            [row for entry in passing for row in range(entry.start, entry.start + entry.count)], dtype=np.intp
        )

    def _hits(self, query: Vector, rows: Rows, n: int, threshold: float | None) -> list[Hit]:
        scores = exact_scores(self._matrix, query, rows)
        least = -np.inf if threshold is None else threshold - SCORE_SLACK
        best: dict[str, Hit] = {}
        # Rows stand in the order of insertion and the sort is stable, so ties keep that order.
        for position in np.argsort(-scores, kind="stable"):
            owner = self._owners[rows[position]]
            if len(best) == n or scores[position] < least:
                break
            if owner is not None and owner.id not in best:
                document, metadata = map(msgspec.json.decode, (owner.document_json, owner.metadata_json))
                best[owner.id] = Hit(float(scores[position]), owner.id, document, metadata)
        return list(best.values())

    async def _run(self, work: Callable[[], Value]) -> Value:
        """At once where that is faster than starting a thread, and nobody holds the store."""
        if self._matrix.size > _SMALL or not self._lock.acquire(blocking=False):
            return await super()._run(work)
        try:
            self._usable()
            return work()
        finally:
            self._lock.release()
