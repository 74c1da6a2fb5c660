"""Distances agree with scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import distance

from agentlab.errors import UsageError
from agentlab.retrieval.embeddings import distances

VECTORS = hnp.arrays(np.float64, (2, 5), elements=st.floats(-100, 100).map(lambda x: round(x, 3)))


@given(VECTORS)
def test_distances_are_scipys(pair: np.ndarray) -> None:
    a, b = pair
    assert np.isclose(distances.euclidean_distance(a, b), distance.euclidean(a, b))
    assert np.isclose(distances.manhattan_distance(a, b), distance.cityblock(a, b))
    assert np.isclose(distances.chebyshev_distance(a, b), distance.chebyshev(a, b))
    assert np.isclose(distances.dot_product(a, b), a @ b)
    if a.any() and b.any():
        cosine = 1 - distance.cosine(a, b)
        assert np.isclose(distances.cosine_similarity(a, b), cosine, atol=1e-7)
        assert np.isclose(
            distances.angular_distance(a, b), np.arccos(np.clip(cosine, -1, 1)) / np.pi, atol=1e-7
        )


def test_rows_are_compared_with_one_vector_or_with_each_other() -> None:
    rows = np.eye(3)
    assert distances.cosine_similarity(rows, rows[0]).tolist() == [1, 0, 0]
    assert distances.euclidean_distance(rows, rows).tolist() == [0, 0, 0]


def test_a_vector_of_zeros_has_no_direction() -> None:
    assert np.isnan(distances.cosine_similarity([0.0, 0.0], [1.0, 0.0]))


def test_different_widths_are_refused() -> None:
    with pytest.raises(UsageError, match="one width"):
        distances.dot_product([1.0], [1.0, 2.0])
    with pytest.raises(UsageError, match="one width"):
        distances.dot_product(1.0, 2.0)
