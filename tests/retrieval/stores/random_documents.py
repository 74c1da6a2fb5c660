"""Documents, filters and queries as hypothesis draws them, and the answer that brute force gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument

__all__ = ["DIMENSIONS", "brute_force", "document_lists", "filters", "queries", "simple_filters"]

DIMENSIONS = 4
# Spaces, quotes and other letters stand for keys and texts that a careless translation would break.
_KEYS = st.sampled_from(["year", "lang", "draft", "o'd \"k$y.\\", "größe"])
_TEXTS = st.sampled_from(
    ["", "en", "de", "2020", "true", "null", "it's", 'a "b" \\', "é", "z", "日本", "🦀", "%_"]
)
_NUMBERS = st.sampled_from([-1, 0, 1, 2, 2020, 2.5, -0.25, 1e-9, 2.0**40])
_SCALARS = st.one_of(_TEXTS, _NUMBERS, st.booleans(), st.none())
_OTHERS = st.sampled_from([[], ["en", "de"], [2020], {}, {"year": 2020}])
_COORDINATES = st.sampled_from([-2.0, -1.0, -0.3, 0.0, 0.0, 0.7, 1.0, 3.0])


def vectors() -> st.SearchStrategy[list[float]]:
    """Few distinct components, so that ties and zeros are frequent."""
    return st.lists(_COORDINATES, min_size=DIMENSIONS, max_size=DIMENSIONS)


queries = vectors


def document_lists(most: int = 12) -> st.SearchStrategy[list[EmbeddedDocument]]:
    """Documents with ids of their own, one to three vectors each, and metadata of any kind."""
    one = st.builds(
        lambda matrix, metadata: (np.array(matrix), metadata),
        st.lists(vectors(), min_size=1, max_size=3),
        st.dictionaries(_KEYS, st.one_of(_SCALARS, _SCALARS, _OTHERS), max_size=4),
    )
    return st.lists(one, max_size=most).map(
        lambda drawn: [
            EmbeddedDocument(f"d{place}", f"text {place}", matrix, metadata)
            for place, (matrix, metadata) in enumerate(drawn)
        ]
    )


def simple_filters() -> st.SearchStrategy[Filter]:
    """One comparison of any kind."""
    ordered = st.builds(
        Comparison, _KEYS, st.sampled_from(["gt", "lt", "ge", "le"]), st.one_of(_TEXTS, _NUMBERS)
    )
    equal = st.builds(Comparison, _KEYS, st.sampled_from(["eq", "ne"]), _SCALARS)
    several = st.builds(In, _KEYS, st.lists(_SCALARS, max_size=3).map(tuple))
    return st.one_of(ordered, equal, several)


def filters() -> st.SearchStrategy[Filter]:
    """Trees of comparisons."""
    return st.recursive(
        simple_filters(),
        lambda inner: st.one_of(
            st.builds(And, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=5,
    )


def brute_force(
    documents: list[EmbeddedDocument],
    query: Any,
    n: int,
    threshold: float | None = None,
    filter: Filter | None = None,
) -> list[tuple[float, str]]:
    """Scores and ids by the rules of `retrieval.index`, in double precision, one document after the other."""
    asked = np.asarray(query, dtype=float)
    found = []
    for place, document in enumerate(documents):
        if filter is not None and not filter.test(document.metadata):
            continue
        matrix = np.atleast_2d(np.asarray(document.vectors, dtype=float))
        scores = [
            float(vector @ asked / np.linalg.norm(vector) / np.linalg.norm(asked))
            for vector in matrix
            if np.any(vector) and np.any(asked)
        ]
        if scores and (threshold is None or max(scores) >= threshold - SCORE_SLACK):
            found.append((max(scores), place, document.id))
    found.sort(key=lambda each: (-round(each[0], 9), each[1]))
    return [(score, name) for score, _, name in found[:n]]
