"""How fast vectors are searched in memory, and how many of the nearest are found.

    .venv/bin/python -m benchmarks.vector_search [--rows 100000 1000000] [--queries 50] [--hnsw]

384 dimensions in clusters, as embeddings lie. The time is processor time of one query, the least of all, on one thread;
beside it stands its ratio to the bare numpy product with `argpartition`, and the recall of the ten nearest. The rows named
`store` go through `InMemoryVectorStore.top_n`, thread, checks and JSON of the hits included; the others are what it stands on,
and what other libraries do with the same vectors. `--hnsw` builds graphs, which takes minutes at a million rows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Iterator

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")  # before numpy and faiss are loaded

import faiss  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from usearch.index import Index, MetricKind, search  # noqa: E402

from agentlab.retrieval.stores.candidates import Approximation, candidate_search  # noqa: E402
from agentlab.retrieval.stores.memory import InMemoryVectorStore  # noqa: E402
from agentlab.retrieval.stores.nearest_rows import nearest_rows  # noqa: E402
from agentlab.retrieval.stores.preparing import PreparedDocument  # noqa: E402

Array = npt.NDArray[np.float32]
Search = Callable[[Array], npt.NDArray[np.intp]]

DIMENSIONS = 384
WANTED = 10
CLUSTERS = 2000


def embeddings(rows: int, queries: int) -> tuple[Array, Array]:
    """Unit vectors around common centres, and queries near some of them."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((CLUSTERS, DIMENSIONS), dtype=np.float32)
    matrix = np.empty((rows, DIMENSIONS), dtype=np.float32)
    for start in range(0, rows, 50_000):
        part = matrix[start : start + 50_000]
        part[:] = centres[random.integers(0, CLUSTERS, len(part))]
        part += random.standard_normal(part.shape, dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    asked = matrix[random.integers(0, rows, queries)]
    asked = asked + 0.03 * random.standard_normal(asked.shape, dtype=np.float32)
    return matrix, asked / np.linalg.norm(asked, axis=1, keepdims=True)


def rescored(matrix: Array, query: Array, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The ten nearest of some rows."""
    scores = matrix[rows] @ query
    nearest: npt.NDArray[np.intp] = rows[np.argpartition(scores, -WANTED)[-WANTED:]]
    return nearest


def store_of(matrix: Array, approximate: Approximation | None) -> InMemoryVectorStore:
    """A filled store; past the checks of `insert`, which take longer than all that is measured here."""
    store = InMemoryVectorStore(approximate=approximate, dimensions=DIMENSIONS)
    store._write([  # noqa: SLF001 - see above
        PreparedDocument(str(row), "null", {}, "{}", matrix[row : row + 1]) for row in range(len(matrix))
    ])  # fmt: skip
    return store


def ways(matrix: Array, *, graphs: bool) -> Iterator[tuple[str, Search]]:
    """Each way of searching, built when its turn comes."""
    yield "numpy product + argpartition", lambda query: np.argpartition(matrix @ query, -WANTED)[-WANTED:]
    yield "agentlab exact", lambda query: nearest_rows(matrix, query[None, :], WANTED)[0]
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(matrix)
    yield "faiss flat", lambda query: flat.search(query[None, :], WANTED)[1][0]
    yield (
        "usearch exact",
        lambda query: search(matrix, query, WANTED, MetricKind.IP, exact=True, threads=1).keys,
    )
    kinds: tuple[tuple[Approximation, int], ...] = (("binary", 50), ("int8", 4))
    for kind, oversample in kinds:
        codes = candidate_search(kind, DIMENSIONS)
        codes.add(matrix)

        def find(
            query: Array, codes: object = codes, count: int = oversample * WANTED
        ) -> npt.NDArray[np.intp]:
            return rescored(matrix, query, codes.find(query, count, None))  # type: ignore[attr-defined]

        yield f"agentlab {kind} x{oversample}", find
    bits = faiss.IndexBinaryFlat(DIMENSIONS)
    bits.add(np.packbits(matrix > 0, axis=1))

    def by_bits(query: Array) -> npt.NDArray[np.intp]:
        return rescored(matrix, query, bits.search(np.packbits(query > 0)[None, :], 50 * WANTED)[1][0])

    yield "faiss binary x50", by_bits
    if graphs:
        graph = Index(ndim=DIMENSIONS, metric="ip", dtype="bf16", connectivity=16, expansion_add=128)
        graph.add(np.arange(len(matrix)), matrix)
        yield "usearch hnsw bf16", lambda query: graph.search(query, WANTED).keys
    stores: tuple[Approximation | None, ...] = (None, "binary")
    with asyncio.Runner() as loop:
        for approximate in stores:
            store = store_of(matrix, approximate)

            def ask(query: Array, store: InMemoryVectorStore = store) -> npt.NDArray[np.intp]:
                return np.array([int(name) for _, name in loop.run(store.top_n_ids(query, WANTED))])

            yield f"store {approximate or 'exact'}", ask


def measured(find: Search, queries: Array) -> tuple[float, list[npt.NDArray[np.intp]]]:
    """Least processor seconds of one query, and what was found."""
    find(queries[0])
    times, found = [], []
    for query in queries:
        start = time.process_time()
        found.append(np.asarray(find(query)))
        times.append(time.process_time() - start)
    return min(times), found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--queries", type=int, default=50)
    options.add_argument("--hnsw", action="store_true")
    chosen = options.parse_args()
    faiss.omp_set_num_threads(1)
    for rows in chosen.rows:
        matrix, queries = embeddings(rows, chosen.queries)
        print(f"{rows:,} x {DIMENSIONS}, top {WANTED}")
        truth: list[npt.NDArray[np.intp]] = []
        bare = 0.0
        for name, find in ways(matrix, graphs=chosen.hnsw):
            seconds, found = measured(find, queries)
            bare, truth = (bare, truth) if truth else (seconds, found)
            recall = np.mean([len(np.intersect1d(*pair)) / WANTED for pair in zip(truth, found, strict=True)])
            print(
                f"  {name:30} {1000 * seconds:8.2f} ms   {seconds / bare:6.2f} of bare   recall {recall:.3f}"
            )
        units = np.ascontiguousarray(queries)
        start = time.process_time()
        nearest_rows(matrix, units, WANTED)
        each = (time.process_time() - start) / len(units)
        print(f"  {'agentlab exact, in one batch':30} {1000 * each:8.2f} ms   {each / bare:6.2f} of bare")


if __name__ == "__main__":
    main()
