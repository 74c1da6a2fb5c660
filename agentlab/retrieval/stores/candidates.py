"""Finds rows that are probably near, faster than exact search; the store scores them again with the full vectors."""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from agentlab.retrieval.stores.blocking import missing_extra
from agentlab.retrieval.stores.nearest_rows import Rows
from agentlab.retrieval.stores.preparing import Matrix, Vector

__all__ = ["Approximation", "CandidateSearch", "candidate_search"]

Approximation: TypeAlias = Literal["binary", "int8", "hnsw"]

_BLOCK: Final = 32_768  # 64-bit words at a time: the scratch stays in the processor's cache
_WORD: Final = 64
_CONNECTIVITY: Final = 16  # of the graph, as the paper of HNSW and most libraries take it
_EXPANSION: Final = 128


class CandidateSearch(Protocol):
    """An index of rows that gives candidates."""

    def add(self, matrix: Matrix) -> None:
        """Append rows, unit vectors of shape (rows, d)."""
        ...

    def find(self, query: Vector, count: int, allowed: Rows | None) -> Rows:
        """About `count` positions of rows that are near, rising; only of `allowed`, where that is given."""
        ...


def candidate_search(kind: Approximation, dimensions: int) -> CandidateSearch:
    """An empty index.

    Raises:
        MissingExtra: Its library is not installed.
    """
    match kind:
        case "binary":
            return _BinaryCodes(dimensions)
        case "int8":
            return _Int8Codes(dimensions)
        case "hnsw":
            return _Graph(dimensions)


class _BinaryCodes:
    """The signs of the components, compared by Hamming distance.

    Bits lie by words, not by rows: all first words of 64 bits, then all second ones, so that each step of the sum runs
    over neighbouring memory.
    """

    def __init__(self, dimensions: int) -> None:
        self._words = np.empty((-(-dimensions // _WORD), 0), dtype=np.uint64)
        self._rows = 0

    def add(self, matrix: Matrix) -> None:
        rows = self._rows + len(matrix)
        if rows > self._words.shape[1]:
            grown = np.empty((len(self._words), max(rows, 2 * self._rows)), dtype=np.uint64)
            grown[:, : self._rows] = self._words[:, : self._rows]
            self._words = grown
        self._words[:, self._rows : rows] = self._packed(matrix).T
        self._rows = rows

    def find(self, query: Vector, count: int, allowed: Rows | None) -> Rows:
        distances = self._distances(self._packed(query[None, :])[0])
        distances = distances if allowed is None else distances[allowed]
        if count >= len(distances):
            return np.arange(len(distances)) if allowed is None else allowed
        farthest = np.partition(distances, count - 1)[count - 1]
        nearer = np.flatnonzero(distances < farthest)
        ties = np.flatnonzero(distances == farthest)[: count - len(nearer)]
        positions = np.sort(np.concatenate([nearer, ties]))
        return positions if allowed is None else allowed[positions]

    def _packed(self, matrix: Matrix) -> npt.NDArray[np.uint64]:
        packed = np.packbits(matrix > 0, axis=1)
        whole = np.zeros((len(matrix), len(self._words) * _WORD // 8), dtype=np.uint8)
        whole[:, : packed.shape[1]] = packed
        return whole.view(np.uint64)

    def _distances(self, query: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
        distances = np.zeros(self._rows, dtype=np.uint16)  # no embedding has 65,536 components
        differing = np.empty(_BLOCK, dtype=np.uint64)
        counts = np.empty(_BLOCK, dtype=np.uint8)
        for start in range(0, self._rows, _BLOCK):
            stop = min(start + _BLOCK, self._rows)
            size = stop - start
            for word, bits in zip(self._words[:, start:stop], query, strict=True):
                np.bitwise_xor(word, bits, out=differing[:size])
                np.bitwise_count(differing[:size], out=counts[:size])
                np.add(distances[start:stop], counts[:size], out=distances[start:stop])
        return distances


class _Int8Codes:
    """One byte a component, compared by faiss.

    The range of a byte is learnt from the first rows; what later ones have outside it is cut to it.
    """

    def __init__(self, dimensions: int) -> None:
        try:
            import faiss  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra('approximate="int8"', "faiss", "faiss") from None
        self._faiss: Any = faiss
        self._index: Any = faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )

    def add(self, matrix: Matrix) -> None:
        if not self._index.is_trained:
            self._index.train(matrix)
        self._index.add(np.ascontiguousarray(matrix))

    def find(self, query: Vector, count: int, allowed: Rows | None) -> Rows:
        options: Any = None
        if allowed is not None:
            chosen = self._faiss.IDSelectorBatch(allowed.astype(np.int64))
            options = self._faiss.SearchParameters(sel=chosen)
        count = min(count, self._index.ntotal if allowed is None else len(allowed))
        _, positions = self._index.search(query[None, :], count, params=options)
        rows: Rows = np.sort(positions[0][positions[0] >= 0]).astype(np.intp)
        return rows


class _Graph:
    """A navigable small-world graph (HNSW) over half-precision vectors, by usearch."""

    def __init__(self, dimensions: int) -> None:
        try:
            from usearch.index import Index  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra('approximate="hnsw"', "usearch", "usearch") from None
        self._index: Any = Index(
            ndim=dimensions, metric="ip", dtype="bf16", connectivity=_CONNECTIVITY, expansion_add=_EXPANSION
        )
        self._rows = 0

    def add(self, matrix: Matrix) -> None:
        self._index.add(np.arange(self._rows, self._rows + len(matrix)), matrix)
        self._rows += len(matrix)

    def find(self, query: Vector, count: int, allowed: Rows | None) -> Rows:
        """Where not all rows are allowed, more and more are asked for until enough of them are."""
        wanted = min(count, self._rows if allowed is None else len(allowed))
        asked = wanted
        while True:
            # The more neighbours it looks at the less it misses; usearch's own 64 miss one in thirty.
            self._index.expansion_search = max(_EXPANSION, 2 * asked)
            found = np.sort(np.asarray(self._index.search(query, asked).keys, dtype=np.intp))
            rows: Rows = found if allowed is None else np.intersect1d(found, allowed, assume_unique=True)
            if len(rows) >= wanted or asked >= self._rows:
                return rows
            asked = min(4 * asked, self._rows)
