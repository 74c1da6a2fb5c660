"""How fast vectors are searched in memory, and how many of the nearest are found.

    python -m benchmarks.vector_search [--rows 100000 1000000] [--queries 50] [--hnsw] [--write benchmarks/results]

384 dimensions in clusters, as embeddings lie. The time is processor time of one query, all ways in turn, on one thread;
beside it stands its ratio to the bare numpy product with `argpartition`, and the recall of the ten nearest. The rows named
`store` go through `InMemoryVectorStore.top_n`, thread, checks and JSON of the hits included; the others are what it stands on,
and what other libraries do with the same vectors. All ways lie in memory at once: about 1 GB at 100,000 rows, 10 at a
million. `--hnsw` builds graphs, which takes minutes at a million rows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Final

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")  # before numpy and faiss are loaded

import faiss  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from msgspec import Struct  # noqa: E402
from usearch.index import Index, search  # noqa: E402

from agentlab.retrieval.stores.candidates import Approximation, candidate_search  # noqa: E402
from agentlab.retrieval.stores.memory import InMemoryVectorStore  # noqa: E402
from agentlab.retrieval.stores.nearest_rows import nearest_rows  # noqa: E402
from agentlab.retrieval.stores.preparing import PreparedDocument  # noqa: E402
from benchmarks.peers import script  # noqa: E402
from benchmarks.peers.catalogue import Benchmark, Case  # noqa: E402
from benchmarks.peers.report import installed_versions, table, write  # noqa: E402
from benchmarks.peers.results import Result, Round  # noqa: E402

Array = npt.NDArray[np.float32]
Search = Callable[[Array], npt.NDArray[np.intp]]

DIMENSIONS = 384
WANTED = 10
CLUSTERS = 2000
FLOOR: Final = "numpy product + argpartition"


class Searcher(Struct, frozen=True):
    """One way of searching.

    Attributes:
        name: What a reader calls it.
        kind: `floor`, `sdk` or `ours`.
        find: The rows nearest to a query.
    """

    name: str
    kind: str
    find: Search


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


def ways(matrix: Array, loop: asyncio.Runner, *, graphs: bool) -> Iterator[Searcher]:
    """Each way of searching, ready."""
    yield Searcher(FLOOR, "floor", lambda query: np.argpartition(matrix @ query, -WANTED)[-WANTED:])
    yield from others(matrix, graphs=graphs)
    yield Searcher("agentlab, exact", "ours", lambda query: nearest_rows(matrix, query[None, :], WANTED)[0])
    kinds: tuple[tuple[Approximation, int], ...] = (("binary", 50), ("int8", 4))
    for kind, oversample in kinds:
        codes = candidate_search(kind, DIMENSIONS)
        codes.add(matrix)

        def find(
            query: Array, codes: object = codes, count: int = oversample * WANTED
        ) -> npt.NDArray[np.intp]:
            return rescored(matrix, query, codes.find(query, count, None))  # type: ignore[attr-defined]

        yield Searcher(f"agentlab, {kind}, {oversample}-fold rescored", "ours", find)
    stores: tuple[Approximation | None, ...] = (None, "binary")
    for approximate in stores:
        store = store_of(matrix, approximate)

        def ask(query: Array, store: InMemoryVectorStore = store) -> npt.NDArray[np.intp]:
            return np.array([int(name) for _, name in loop.run(store.top_n_ids(query, WANTED))])

        yield Searcher(f"agentlab, store, {approximate or 'exact'}", "ours", ask)


def others(matrix: Array, *, graphs: bool) -> Iterator[Searcher]:
    """What other libraries do."""
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(matrix)
    yield Searcher("faiss, flat", "sdk", lambda query: flat.search(query[None, :], WANTED)[1][0])
    yield Searcher(
        "usearch, exact",
        "sdk",
        lambda query: search(matrix, query, WANTED, "ip", exact=True, threads=1).keys,
    )
    bits = faiss.IndexBinaryFlat(DIMENSIONS)
    bits.add(np.packbits(matrix > 0, axis=1))

    def by_bits(query: Array) -> npt.NDArray[np.intp]:
        return rescored(matrix, query, bits.search(np.packbits(query > 0)[None, :], 50 * WANTED)[1][0])

    yield Searcher("faiss, binary, 50-fold rescored", "sdk", by_bits)
    if graphs:
        graph = Index(ndim=DIMENSIONS, metric="ip", dtype="bf16", connectivity=16, expansion_add=128)
        graph.add(np.arange(len(matrix)), matrix)
        yield Searcher("usearch, hnsw bf16", "sdk", lambda query: graph.search(query, WANTED).keys)


def measured(rows: int, queries: int, *, graphs: bool) -> list[Result]:
    """All ways in turn, a query a round."""
    matrix, asked = embeddings(rows, queries)
    found: dict[str, list[npt.NDArray[np.intp]]] = {}
    took: dict[str, list[Round]] = {}
    with asyncio.Runner() as loop:
        searchers = list(ways(matrix, loop, graphs=graphs))
        for each in searchers:
            each.find(asked[0])
            found[each.name], took[each.name] = [], []
        for query in asked:
            for each in searchers:
                took[each.name].append(
                    script.timed(lambda: found[each.name].append(np.asarray(each.find(query))))  # noqa: B023 - called at once
                )
    whole = [script.timed(lambda: nearest_rows(matrix, np.ascontiguousarray(asked), WANTED)) for _ in asked]
    case = f"{rows:,} rows"
    batch = tuple(Round(each.cpu_s / queries, each.wall_s / queries) for each in whole)
    return [
        *(
            Result(
                case,
                each.name,
                each.kind,
                each.name,
                "",
                tuple(took[each.name]),
                note=f"recall {_recall(found[FLOOR], found[each.name]):.3f}",
            )
            for each in searchers
        ),
        Result(case, "agentlab", "ours", "agentlab, exact, a batch of queries", "", batch),
    ]


def _recall(truth: list[npt.NDArray[np.intp]], found: list[npt.NDArray[np.intp]]) -> float:
    pairs = zip(truth, found, strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / WANTED for pair in pairs]))


def main() -> None:
    """Measure and print, and write the table."""
    options = script.options(__doc__, rounds=5)
    options.add_argument("--rows", type=int, nargs="+", default=[100_000])
    options.add_argument("--queries", type=int, default=50)
    options.add_argument("--hnsw", action="store_true")
    chosen = options.parse_args()
    faiss.omp_set_num_threads(1)
    sizes, queries = ([10_000], 10) if chosen.small else (chosen.rows, max(chosen.queries, chosen.rounds))
    cases = tuple(Case(f"{rows:,} rows") for rows in sizes)
    title = f"The {WANTED} nearest of vectors in memory; milliseconds a query"
    benchmark = Benchmark("", "vector_search", title, cases, FLOOR)
    results = [each for rows in sizes for each in measured(rows, queries, graphs=chosen.hnsw)]
    print(table(benchmark, results))
    if chosen.write:
        about = (
            f"Processor time of a query on one thread, wall clock in brackets: medians of {queries} queries, all ways in turn; "
            f"{DIMENSIONS} dimensions in float32. The rows named `store` go through `InMemoryVectorStore.top_n`, thread, checks "
            "and hits included."
        )
        made_with = installed_versions("agentlab", "numpy", "faiss-cpu", "usearch")
        write(benchmark, results, about=about, made_with=made_with, folder=chosen.write)


if __name__ == "__main__":
    main()
