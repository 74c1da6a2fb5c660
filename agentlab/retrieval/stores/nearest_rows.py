"""Exact nearest rows of a matrix of unit vectors: blocks that stay in the processor's cache, and no tie lost.

A block's n-th best score bounds the n-th best of all from below, so whatever lies beneath it (less the rounding of
float32) is dropped at once. What is left is scored again in double precision, where equal rows have equal scores.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from agentlab.retrieval.index import SCORE_SLACK
from agentlab.retrieval.stores.preparing import Matrix, Vector

__all__ = ["Rows", "exact_scores", "nearest_rows"]

Rows: TypeAlias = npt.NDArray[np.intp]
"""Positions of rows."""

_BLOCK: Final = 8192


def nearest_rows(matrix: Matrix, queries: Matrix, n: int, allowed: Rows | None = None) -> list[Rows]:
    """The rows that can be among the n best of each query, and those that tie with the n-th.

    Args:
        matrix: Shape (rows, d), unit vectors.
        queries: Shape (b, d), unit vectors.
        n: How many rows, 1 or more.
        allowed: Positions to choose among, rising; None for all.

    Returns:
        For each query the positions, rising; n of them or a few more, fewer only where there are fewer.
    """
    total = len(matrix) if allowed is None else len(allowed)
    bounds = np.full(len(queries), -np.inf, dtype=np.float32)
    found: list[list[Rows]] = [[] for _ in queries]
    scored: list[list[Vector]] = [[] for _ in queries]
    # Queries by rows, or rows by queries: one query is a product of a matrix with a vector, which BLAS does faster.
    single = queries[0] if len(queries) == 1 else None
    for start in range(0, total, _BLOCK):
        stop = min(start + _BLOCK, total)
        block = matrix[start:stop] if allowed is None else matrix[allowed[start:stop]]
        scores = (block @ single)[None, :] if single is not None else queries @ block.T
        if stop - start > n:
            np.maximum(bounds, np.partition(scores, -n, axis=1)[:, -n], out=bounds)
        for query in np.flatnonzero(scores.max(axis=1) >= bounds - SCORE_SLACK):
            rows = np.flatnonzero(scores[query] >= bounds[query] - SCORE_SLACK)
            found[query].append(rows + start)
            scored[query].append(scores[query, rows])
    positions = [_best(each, scores, n) for each, scores in zip(found, scored, strict=True)]
    return positions if allowed is None else [allowed[rows] for rows in positions]


def exact_scores(matrix: Matrix, query: Vector, rows: Rows) -> npt.NDArray[np.float64]:
    """The scores of some rows in double precision, from -1 to 1; equal rows have equal scores."""
    scores = np.empty(len(rows))
    wide = query.astype(np.float64)
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        scores[start : start + len(part)] = (matrix[part].astype(np.float64) * wide).sum(axis=1)
    clipped: npt.NDArray[np.float64] = np.clip(scores, -1.0, 1.0)
    return clipped


def _best(found: list[Rows], scored: list[Vector], n: int) -> Rows:
    """Of what the blocks kept, what can still be among the n best."""
    if not found:
        return np.empty(0, dtype=np.intp)
    rows, scores = np.concatenate(found), np.concatenate(scored)
    if len(rows) > n:
        rows = rows[scores >= np.partition(scores, -n)[-n] - SCORE_SLACK]
    return rows
