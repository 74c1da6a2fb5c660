"""Every store answers random questions as brute force does, or refuses them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.retrieval.filters import F, Filter
from agentlab.retrieval.index import EmbeddedDocument
from tests.retrieval.stores.engines import Engine
from tests.retrieval.stores.random_documents import (
    DIMENSIONS,
    brute_force,
    document_lists,
    filters,
    queries,
    simple_filters,
)

_names = (f"random_{number}" for number in itertools.count())


# A counterexample is shrunk, but not explained: that asks the engines thousands of times.
@settings(
    max_examples=15,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(
    document_lists(),
    st.lists(
        st.tuples(
            queries(),
            st.integers(1, 6),
            st.none() | st.floats(-1, 1),
            st.none() | simple_filters() | filters(),
        ),
        min_size=1,
        max_size=8,
    ),
)
@example(
    [
        EmbeddedDocument("d0", "", [1, 0, 0, 0], {"year": 2020}),
        EmbeddedDocument("d1", "", [2, 0, 0, 0], {"year": "2020"}),
        EmbeddedDocument("d2", "", [0, 1, 0, 0], {"year": [2020]}),
        EmbeddedDocument("d3", "", [0, 0, 1, 0], {"year": None}),
        EmbeddedDocument("d4", "", [0, 0, 0, 1], {"year": True}),
        EmbeddedDocument("d5", "", [1, 1, 1, 1], {}),
    ],
    [([1, 0, 0, 0], 6, None, (F("year") != value)) for value in (2020, "2020", None, True, 1, "")]
    + [([1, 0, 0, 0], 6, None, F("year") < value) for value in ("a", 3000, 2020.5)],
)  # fmt: skip
def test_a_store_answers_as_brute_force_does(
    running: Engine,
    documents: list[EmbeddedDocument],
    asked: list[tuple[Any, int, float | None, Filter | None]],
) -> None:
    async def answer() -> None:
        store = _shared(running)
        await store.insert(documents)
        try:
            for query, n, threshold, condition in asked:
                await _check(store, documents, (query, n, threshold, condition))
        finally:
            await store.delete([document.id for document in documents])
            assert await store.count() == 0

    asyncio.run(answer())


async def _check(store: Any, documents: Any, asked: tuple[Any, int, float | None, Filter | None]) -> None:
    query, n, threshold, condition = asked
    if threshold is not None and any(
        abs(score - threshold) < 1e-5 for score, _ in brute_force(documents, query, 99)
    ):
        threshold = None  # so close that single and double precision may differ
    try:
        found = await store.top_n_ids(query, n, threshold=threshold, filter=condition)
    except UnsupportedCapability:
        return
    every = {name: score for score, name in brute_force(documents, query, 99, None, condition)}
    expected = brute_force(documents, query, n, threshold, condition)
    assert [score for score, _ in found] == pytest.approx([score for score, _ in expected], abs=1e-5)
    assert [score for score, _ in found] == pytest.approx([every[name] for _, name in found], abs=1e-5)
    assert len({name for _, name in found}) == len(found)


def _shared(running: Any) -> Any:
    """One store an engine, so that an example costs no table."""
    if not hasattr(running, "shared"):
        running.shared = running.open(next(_names), dimensions=DIMENSIONS)
    return running.shared


def test_the_shared_store_is_closed(running: Engine) -> None:
    store = _shared(running)
    asyncio.run(store.close())
    with pytest.raises(UsageError, match="closed"):
        asyncio.run(store.count())
