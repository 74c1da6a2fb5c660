"""Several indexes asked as one: their rankings are fused, since their scores cannot be compared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

from agentlab.errors import UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import SCORE_SLACK, Hit, Query, VectorStoreIndex, check_n

__all__ = ["HybridIndex"]

_DEPTH: Final = 50


class HybridIndex:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a document scores the sum of weight / (k + rank).

    The score says how well the indexes agree, not how near a document is: it is at most the sum of weights / (k + 1).
    Fusing a strong index with a weak one at equal weights can find less than the strong one alone; measure it.

    Args:
        indexes: What is asked, such as a vector store and a `LexicalIndex` over the same documents.
        weights: How much each counts, above 0; equal where None.
        k: How much the first ranks stand out; the smaller, the more.
        depth: How many hits of each index are fused, 50 or `n` if that is more.
    """

    kind: Literal["hybrid"] = "hybrid"

    def __init__(
        self,
        indexes: Sequence[VectorStoreIndex],
        *,
        weights: Sequence[float] | None = None,
        k: float = 60,
        depth: int = _DEPTH,
    ) -> None:
        self.indexes = tuple(indexes)
        self.weights = tuple(weights) if weights is not None else (1.0,) * len(self.indexes)
        if (
            not self.indexes
            or len(self.weights) != len(self.indexes)
            or not all(each > 0 for each in self.weights)
        ):
            raise UsageError(
                f"{len(self.indexes)} indexes with weights {self.weights}; give one above 0 for each"
            )
        if k < 0 or depth < 1:
            raise UsageError(f"k is {k} and depth is {depth}; k is 0 or more, depth 1 or more")
        self.k = k
        self.depth = depth

    async def top_n(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[Hit]:
        """The documents that stand highest in all rankings; the threshold is one of the fused score."""
        check_n(n, threshold)
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(index.top_n(query, max(n, self.depth), filter=filter))
                for index in self.indexes
            ]
        scores: dict[str, float] = {}
        found: dict[str, Hit] = {}
        for task, weight in zip(asked, self.weights, strict=True):
            for rank, hit in enumerate(task.result(), 1):
                scores[hit.id] = scores.get(hit.id, 0.0) + weight / (self.k + rank)
                found.setdefault(hit.id, hit)
        least = 0.0 if threshold is None else threshold - SCORE_SLACK
        # Equal scores stand as the indexes were given, and within one by its ranking.
        ranked = sorted(scores, key=lambda each: -scores[each])[:n]
        hits = [Hit(scores[each], each, found[each].document, found[each].metadata) for each in ranked]
        return [hit for hit in hits if hit.score >= least]

    async def top_n_ids(
        self, query: Query, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
    ) -> list[tuple[float, str]]:
        """As `top_n`, with scores and ids alone."""
        hits = await self.top_n(query, n, threshold=threshold, filter=filter)
        return [(hit.score, hit.id) for hit in hits]
