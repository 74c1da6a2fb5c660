"""Embedding models that run in this process: any function from texts to vectors, in a thread and one call at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from agentlab.errors import ProtocolError
from agentlab.messages import Usage
from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse, Vectors
from agentlab.retrieval.embeddings.model import EmbeddingModel, InputType, check_texts
from agentlab.tools.thread import in_thread

__all__ = ["LocalEmbeddingModel"]


class LocalEmbeddingModel(EmbeddingModel):
    """An embedding model made of a function.

    Args:
        name: Its name.
        encode: Gives the vectors of texts, shape (n, d); it is called in a thread, and never twice at a time.
        dimensions: Width of the vectors.
        max_documents: Most texts in one call.
        count_tokens: Gives the number of tokens of texts, for the usage; not told where None.
    """

    def __init__(
        self,
        name: str,
        encode: Callable[[list[str], InputType], Any],
        *,
        dimensions: int,
        max_documents: int = 1024,
        count_tokens: Callable[[list[str]], int] | None = None,
    ) -> None:
        self._name = name
        self._encode = encode
        self._dimensions = dimensions
        self._max_documents = max_documents
        self._count_tokens = count_tokens
        self._one_at_a_time = threading.Lock()

    def __repr__(self) -> str:
        return f"LocalEmbeddingModel({self._name!r}, dimensions={self._dimensions})"

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Width of its vectors."""
        return self._dimensions

    @property
    def max_documents(self) -> int:
        """Most texts in one call."""
        return self._max_documents

    @property
    def max_request_bytes(self) -> None:
        """No limit."""
        return

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        """Embed texts; the event loop goes on meanwhile.

        Args:
            texts: At most `max_documents` of them, none empty.
            input_type: What they are.

        Raises:
            UsageError: Too many texts, or an empty one.
            ProtocolError: The function gave something else than one finite vector of the model's width for each text.
        """
        listed = check_texts(self, texts)
        vectors, tokens = await in_thread(lambda: self._computed(listed, input_type), f"embed {self._name}")
        return EmbeddingResponse(
            tuple(Embedding(text, vector) for text, vector in zip(listed, vectors, strict=True)),
            Usage(input_tokens=tokens),
            0.0,
            self._name,
        )

    def _computed(self, texts: list[str], input_type: InputType) -> tuple[Vectors, int | None]:
        with self._one_at_a_time:
            vectors = np.asarray(self._encode(texts, input_type), dtype=np.float32)
            tokens = None if self._count_tokens is None else self._count_tokens(texts)
        if vectors.shape != (len(texts), self._dimensions):
            raise ProtocolError(
                f"{self._name} gave an array of shape {vectors.shape} for {len(texts)} texts, not "
                f"{(len(texts), self._dimensions)}"
            )
        if not np.isfinite(vectors).all():
            raise ProtocolError(f"{self._name} gave vectors with NaN or infinity")
        return vectors, tokens
