"""How far apart two vectors are, or two rows of vectors. Stores rank by the cosine similarity alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agentlab.errors import UsageError

__all__ = [
    "angular_distance",
    "chebyshev_distance",
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "manhattan_distance",
]

Array = npt.ArrayLike
Distances = npt.NDArray[np.float64]


def dot_product(a: Array, b: Array) -> Distances:
    """Sum of the products; of unit vectors the cosine similarity.

    Args:
        a: Shape (..., d).
        b: Shape (..., d), or one that numpy stretches to it.

    Returns:
        Shape (...), a scalar array for two vectors.

    Raises:
        UsageError: The vectors have different widths.
    """
    left, right = _checked(a, b)
    return np.asarray(np.einsum("...i,...i->...", left, right))


def cosine_similarity(a: Array, b: Array) -> Distances:
    """Cosine of the angle, -1 to 1, higher is nearer; NaN where a vector is all zeros. Arguments as in `dot_product`."""
    left, right = _checked(a, b)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(dot_product(left, right) / lengths, -1.0, 1.0))


def angular_distance(a: Array, b: Array) -> Distances:
    """The angle as a share of the half circle, 0 to 1. Arguments as in `dot_product`."""
    return np.asarray(np.arccos(cosine_similarity(a, b)) / np.pi)


def euclidean_distance(a: Array, b: Array) -> Distances:
    """Length of the straight line between the two. Arguments as in `dot_product`."""
    left, right = _checked(a, b)
    return np.asarray(np.linalg.norm(left - right, axis=-1))


def manhattan_distance(a: Array, b: Array) -> Distances:
    """Sum of the differences. Arguments as in `dot_product`."""
    left, right = _checked(a, b)
    return np.asarray(np.abs(left - right).sum(axis=-1))


def chebyshev_distance(a: Array, b: Array) -> Distances:
    """The largest difference. Arguments as in `dot_product`."""
    left, right = _checked(a, b)
    return np.asarray(np.abs(left - right).max(axis=-1))


def _checked(a: Array, b: Array) -> tuple[Distances, Distances]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim < 1 or right.ndim < 1 or left.shape[-1] != right.shape[-1] or not left.shape[-1]:
        raise UsageError(f"vectors of one width are wanted, not of the shapes {left.shape} and {right.shape}")
    return left, right
