"""Embedding models, and what makes vectors of documents with them."""

from agentlab.retrieval.embeddings.builder import Embedded, EmbeddingsBuilder
from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse
from agentlab.retrieval.embeddings.fields import embed, texts_of
from agentlab.retrieval.embeddings.model import EmbeddingModel, ImageEmbeddingModel, InputType
from agentlab.retrieval.embeddings.remote import RemoteEmbeddingModel, embedding_model

__all__ = [
    "Embedded",
    "Embedding",
    "EmbeddingModel",
    "EmbeddingResponse",
    "EmbeddingsBuilder",
    "ImageEmbeddingModel",
    "InputType",
    "RemoteEmbeddingModel",
    "embed",
    "embedding_model",
    "texts_of",
]
