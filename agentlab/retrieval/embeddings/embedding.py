"""What an embedding model gives: vectors with the texts they stand for, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agentlab.messages import Usage

__all__ = ["Embedding", "EmbeddingResponse", "Vector", "Vectors", "sum_costs"]

Vector: TypeAlias = npt.NDArray[np.float32]
"""Shape (d,)."""

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, d)."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A text and its vector.

    Attributes:
        document: What was embedded.
        vector: Shape (d,), float32, of the length the model gave it.
    """

    document: str
    vector: Vector

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Embedding):
            return NotImplemented
        return self.document == other.document and np.array_equal(self.vector, other.vector)

    def __hash__(self) -> int:
        return hash((self.document, self.vector.tobytes()))

    def __repr__(self) -> str:
        return f"Embedding({self.document[:40]!r}, {self.vector.size} dimensions)"


@dataclass(frozen=True, slots=True)
class EmbeddingResponse:
    """The answer to one request.

    Attributes:
        embeddings: One for each text, in the order of the texts.
        usage: Tokens, as far as the provider reports them.
        cost_usd: The price, the provider's own figure where it gives one; None where it is not known.
        model: The model that answered, by the provider's name.
        request_id: The provider's id of the request, where it has one.
        attempts: How many requests were made.
    """

    embeddings: tuple[Embedding, ...]
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    model: str | None = None
    request_id: str | None = None
    attempts: int = 1

    @property
    def vectors(self) -> Vectors:
        """All vectors, shape (n, d)."""
        if not self.embeddings:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([embedding.vector for embedding in self.embeddings])


def sum_costs(costs: Iterable[float | None]) -> float | None:
    """The sum; None where one of them is not known, and where there is none."""
    known = list(costs)
    if not known or any(cost is None for cost in known):
        return None
    return sum(cost for cost in known if cost is not None)
