"""What the store in memory has beyond the contract: approximate search, many queries at once, a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import MissingExtra, StoreUnusable, UsageError
from agentlab.retrieval.filters import F
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.memory import InMemoryVectorStore
from agentlab.retrieval.stores.nearest_rows import exact_scores, nearest_rows
from tests.retrieval.stores.random_documents import brute_force

pytestmark = pytest.mark.anyio


def clustered(rows: int, dimensions: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(2, rows // 50), dimensions))
    return centres[random.integers(0, len(centres), rows)] + random.standard_normal((rows, dimensions))


def documents_of(matrix: np.ndarray) -> list[EmbeddedDocument]:
    return [EmbeddedDocument(f"d{row}", row, vector, {"row": row}) for row, vector in enumerate(matrix)]


@pytest.mark.parametrize("approximate", ["binary", "int8", "hnsw"])
@pytest.mark.parametrize("dimensions", [64, 100])
async def test_approximate_search_finds_nearly_all_with_exact_scores(
    approximate: Any, dimensions: int
) -> None:
    matrix = clustered(800, dimensions)
    documents = documents_of(matrix)
    store = InMemoryVectorStore(approximate=approximate)
    await store.insert(documents[:500])
    await store.top_n(matrix[0])  # what is written after the first search is found as well
    await store.insert(documents[500:])
    await store.delete(["d1"])
    left = [each for each in documents if each.id != "d1"]
    for condition in (None, F("row") < 300):
        found, possible = 0, 0
        for query in matrix[:8]:
            expected = {name: score for score, name in brute_force(left, query, 10, None, condition)}
            for score, name in await store.top_n_ids(query, 10, filter=condition):
                assert score == pytest.approx(expected.get(name, score), abs=1e-6)
                found += name in expected
            possible += 10
        assert found / possible >= 0.97
    assert await store.top_n(matrix[0], filter=F("row") < 0) == []


async def test_many_queries_at_once_answer_as_one_by_one() -> None:
    matrix = clustered(300, 16)
    store = InMemoryVectorStore()
    await store.insert(
        [EmbeddedDocument(f"d{row}", row, matrix[row : row + 2], {"row": row}) for row in range(299)]
    )
    queries = np.concatenate([matrix[:5], np.zeros((1, 16)), matrix[5:7]])
    for condition in (None, F("row") > 100):
        together = await store.top_n_many(queries, 4, filter=condition)
        assert together == [await store.top_n(query, 4, filter=condition) for query in queries]
    assert together[5] == []
    assert await InMemoryVectorStore().top_n_many(queries) == [[]] * 8


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_no_near_row_and_no_tie_is_lost_between_blocks(
    rows: int, queries: int, n: int, seed: int, some: bool
) -> None:
    random = np.random.default_rng(seed)
    matrix = random.choice([-1.0, 0.5, 1.0], (rows, 3)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    asked = random.standard_normal((queries, 3)).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    allowed = np.flatnonzero(random.random(rows) < 0.5) if some else None
    chosen = np.arange(rows) if allowed is None else allowed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agentlab.retrieval.stores.nearest_rows._BLOCK", 7)
        found = nearest_rows(matrix, asked, n, allowed)
        for query, positions in zip(asked, found, strict=True):
            scores = exact_scores(matrix, query, chosen)
            if len(chosen):
                least = np.sort(scores)[-min(n, len(scores))]
                assert set(chosen[scores >= least]) <= set(positions)
            assert list(positions) == sorted(set(positions))


async def test_a_file_keeps_everything(tmp_path: Path) -> None:
    matrix = clustered(40, 8)
    store = InMemoryVectorStore()
    await store.insert([*documents_of(matrix), EmbeddedDocument("zero", {"a": [1]}, np.zeros(8))])
    await store.delete(["d3", "d5"])
    await store.upsert([EmbeddedDocument("d7", "moved", matrix[:3], {"ü": None})])
    await store.save(tmp_path / "store.npz")
    again = InMemoryVectorStore.load(tmp_path / "store.npz", approximate="binary", oversample=100)
    assert await again.count() == await store.count() == 39
    assert await again.top_n(matrix[0], 20) == await store.top_n(matrix[0], 20)
    assert (await again.get(["d7"]))[0].vectors == pytest.approx((await store.get(["d7"]))[0].vectors)
    await InMemoryVectorStore().save(tmp_path / "empty.npz")
    assert await InMemoryVectorStore.load(tmp_path / "empty.npz").count() == 0
    assert sorted(os.listdir(tmp_path)) == ["empty.npz", "store.npz"]  # noqa: PTH208 - beside no event loop's work


@pytest.mark.parametrize("content", [b"", b"not a file of numpy", None])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "store.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"store\.npz"):
        InMemoryVectorStore.load(path)
    np.savez(path, documents=np.zeros(3, dtype=np.uint8), vectors=np.zeros((1, 2)))
    with pytest.raises(StoreUnusable, match=r"store\.npz"):
        InMemoryVectorStore.load(path)


async def test_rows_of_removed_documents_are_given_back() -> None:
    store = InMemoryVectorStore()
    matrix = clustered(100, 4)
    for _ in range(20):
        await store.upsert(documents_of(matrix))
    assert len(store._matrix) < 400
    assert await store.count() == 100


async def test_options_that_do_not_exist_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="approximate"):
        InMemoryVectorStore(approximate="magic")
    with pytest.raises(UsageError, match="oversample"):
        InMemoryVectorStore(approximate="binary", oversample=0)
    with pytest.raises(UsageError, match="dimensions"):
        InMemoryVectorStore(dimensions=0)
    for kind, module, extra in (("int8", "faiss", "faiss"), ("hnsw", "usearch.index", "usearch")):
        monkeypatch.setitem(sys.modules, module, None)
        store = InMemoryVectorStore(approximate=kind)
        await store.insert([EmbeddedDocument("a", "", [1.0])])
        with pytest.raises(MissingExtra, match=rf"agentlab\[{extra}\]"):
            await store.top_n([1.0])
