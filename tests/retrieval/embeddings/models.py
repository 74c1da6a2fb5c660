"""Embedding models for tests, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agentlab.messages import Usage
from agentlab.retrieval.embeddings import Embedding, EmbeddingModel, EmbeddingResponse, InputType
from agentlab.retrieval.embeddings.model import check_texts


def vector_of(text: str) -> np.ndarray:
    """A vector that tells a text from others."""
    return np.array([len(text), sum(map(ord, text)) % 997, text.count("a")], np.float32)


@dataclass
class CountingModel(EmbeddingModel):
    """Embeds by counting; remembers each request, and how many ran at a time."""

    max_documents: int = 3
    max_request_bytes: int | None = None
    name: str = "test:counting"
    dimensions: int | None = 3
    cost: float | None = 0.5
    turns: int = 1
    drops: int = 0
    requests: list[tuple[list[str], InputType]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    ended: int = 0
    fails_on: str | None = None

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        listed = check_texts(self, texts)
        self.requests.append((listed, input_type))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for _ in range(self.turns + len(listed[0]) % 5):  # answers come out of order
                await asyncio.sleep(0)
            if self.fails_on in listed:
                raise ConnectionError(self.fails_on)
        finally:
            self.running -= 1
            self.ended += 1
        embeddings = tuple(Embedding(text, vector_of(text)) for text in listed)
        return EmbeddingResponse(
            embeddings[: len(embeddings) - self.drops], Usage(input_tokens=len(listed)), self.cost
        )
