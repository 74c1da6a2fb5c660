"""Retrieval: documents, embeddings, vector stores and other indexes, filters, rerankers.

    index = LexicalIndex()                                  # words; needs no model
    await index.insert(split_documents(FileLoader.glob("docs/*.md"), RecursiveSplitter(1000)))
    hits = await index.top_n("How do I stop a run?", 4)

A name is loaded when it is first used; the client of a store when the store is first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agentlab.retrieval.chunking.recursive import RecursiveSplitter
    from agentlab.retrieval.chunking.semantic import SemanticSplitter
    from agentlab.retrieval.chunking.splitter import Splitter, split_documents
    from agentlab.retrieval.documents import Document
    from agentlab.retrieval.embeddings.builder import Embedded, EmbeddingsBuilder
    from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse
    from agentlab.retrieval.embeddings.fields import embed
    from agentlab.retrieval.embeddings.minilm.minilm import MiniLM
    from agentlab.retrieval.embeddings.model import EmbeddingModel, ImageEmbeddingModel
    from agentlab.retrieval.embeddings.remote import embedding_model
    from agentlab.retrieval.filters import F, Filter, filter_from_json
    from agentlab.retrieval.fusion import HybridIndex
    from agentlab.retrieval.index import (
        EmbeddedDocument,
        EmbedsQueries,
        Hit,
        Query,
        VectorStore,
        VectorStoreIndex,
    )
    from agentlab.retrieval.lexical import LexicalIndex
    from agentlab.retrieval.loaders.files import FileLoader, load
    from agentlab.retrieval.reranking.remote import reranker
    from agentlab.retrieval.reranking.reranker import Reranker
    from agentlab.retrieval.search_tool import search_tool
    from agentlab.retrieval.stores.chroma import ChromaVectorStore
    from agentlab.retrieval.stores.duckdb import DuckDbVectorStore
    from agentlab.retrieval.stores.helixdb import HelixVectorStore
    from agentlab.retrieval.stores.lancedb import LanceDbVectorStore
    from agentlab.retrieval.stores.memory import InMemoryVectorStore
    from agentlab.retrieval.stores.milvus import MilvusVectorStore
    from agentlab.retrieval.stores.mongodb import MongoVectorStore
    from agentlab.retrieval.stores.neo4j import Neo4jVectorStore
    from agentlab.retrieval.stores.pgvector import PostgresVectorStore
    from agentlab.retrieval.stores.qdrant import QdrantVectorStore
    from agentlab.retrieval.stores.redis import RedisVectorStore
    from agentlab.retrieval.stores.s3_vectors import S3VectorStore
    from agentlab.retrieval.stores.scylladb import ScyllaVectorStore
    from agentlab.retrieval.stores.sqlite import SqliteVectorStore
    from agentlab.retrieval.stores.surrealdb import SurrealVectorStore
    from agentlab.retrieval.stores.vectorize import VectorizeVectorStore

_HOMES: Final = {
    "ChromaVectorStore": "stores.chroma",
    "Document": "documents",
    "DuckDbVectorStore": "stores.duckdb",
    "Embedded": "embeddings.builder",
    "EmbeddedDocument": "index",
    "Embedding": "embeddings.embedding",
    "EmbeddingModel": "embeddings.model",
    "EmbeddingResponse": "embeddings.embedding",
    "EmbeddingsBuilder": "embeddings.builder",
    "EmbedsQueries": "index",
    "F": "filters",
    "FileLoader": "loaders.files",
    "Filter": "filters",
    "HelixVectorStore": "stores.helixdb",
    "Hit": "index",
    "HybridIndex": "fusion",
    "ImageEmbeddingModel": "embeddings.model",
    "InMemoryVectorStore": "stores.memory",
    "LanceDbVectorStore": "stores.lancedb",
    "LexicalIndex": "lexical",
    "MilvusVectorStore": "stores.milvus",
    "MiniLM": "embeddings.minilm.minilm",
    "MongoVectorStore": "stores.mongodb",
    "Neo4jVectorStore": "stores.neo4j",
    "PostgresVectorStore": "stores.pgvector",
    "QdrantVectorStore": "stores.qdrant",
    "Query": "index",
    "RecursiveSplitter": "chunking.recursive",
    "RedisVectorStore": "stores.redis",
    "Reranker": "reranking.reranker",
    "S3VectorStore": "stores.s3_vectors",
    "ScyllaVectorStore": "stores.scylladb",
    "SemanticSplitter": "chunking.semantic",
    "Splitter": "chunking.splitter",
    "SqliteVectorStore": "stores.sqlite",
    "SurrealVectorStore": "stores.surrealdb",
    "VectorStore": "index",
    "VectorStoreIndex": "index",
    "VectorizeVectorStore": "stores.vectorize",
    "embed": "embeddings.fields",
    "embedding_model": "embeddings.remote",
    "filter_from_json": "filters",
    "load": "loaders.files",
    "reranker": "reranking.remote",
    "search_tool": "search_tool",
    "split_documents": "chunking.splitter",
}

__all__ = [
    "ChromaVectorStore",
    "Document",
    "DuckDbVectorStore",
    "Embedded",
    "EmbeddedDocument",
    "Embedding",
    "EmbeddingModel",
    "EmbeddingResponse",
    "EmbeddingsBuilder",
    "EmbedsQueries",
    "F",
    "FileLoader",
    "Filter",
    "HelixVectorStore",
    "Hit",
    "HybridIndex",
    "ImageEmbeddingModel",
    "InMemoryVectorStore",
    "LanceDbVectorStore",
    "LexicalIndex",
    "MilvusVectorStore",
    "MiniLM",
    "MongoVectorStore",
    "Neo4jVectorStore",
    "PostgresVectorStore",
    "QdrantVectorStore",
    "Query",
    "RecursiveSplitter",
    "RedisVectorStore",
    "Reranker",
    "S3VectorStore",
    "ScyllaVectorStore",
    "SemanticSplitter",
    "Splitter",
    "SqliteVectorStore",
    "SurrealVectorStore",
    "VectorStore",
    "VectorStoreIndex",
    "VectorizeVectorStore",
    "embed",
    "embedding_model",
    "filter_from_json",
    "load",
    "reranker",
    "search_tool",
    "split_documents",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agentlab.retrieval' has no attribute {name!r}")
    value = getattr(import_module(f"agentlab.retrieval.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
