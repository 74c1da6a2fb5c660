"""What a reranker is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from agentlab.messages import Usage

__all__ = ["RerankResponse", "Reranked", "Reranker"]


@dataclass(frozen=True, slots=True)
class Reranked:
    """A document with its score.

    Attributes:
        index: Its place among the documents that were given.
        score: How well it fits; higher is better, and nothing else is promised: Cohere and Voyage give 0 to 1,
            llama.cpp logits.
        document: Its text.
    """

    index: int
    score: float
    document: str


@dataclass(frozen=True, slots=True)
class RerankResponse:
    """The answer to one request.

    Attributes:
        results: The documents, the best first; equal scores in the order they were given.
        usage: Tokens, as far as the provider reports them.
        cost_usd: The price; None where it is not known.
        model: The model that answered, by the provider's name.
        request_id: The provider's id of the request, where it has one.
        attempts: How many requests were made.
    """

    results: tuple[Reranked, ...]
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    model: str | None = None
    request_id: str | None = None
    attempts: int = 1


@runtime_checkable
class Reranker(Protocol):
    """Orders documents by how well they answer a query.

    Slower and better than comparing vectors: take fifty or a hundred documents from an index, and rerank those.
    """

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""
        ...

    async def rerank(self, query: str, documents: Sequence[str], n: int | None = None) -> RerankResponse:
        """Order documents.

        Args:
            query: The question.
            documents: Texts.
            n: How many to give back; all where None.

        Raises:
            UsageError: The query or a document is empty, or there are too many; nothing was sent.
            ModelError: The request failed, or the answer does not fit the documents.
        """
        ...
