"""Retrieval: what an index promises, filters, vector stores, a lexical index, and indexes asked together."""

from agentlab.retrieval.filters import F, Filter, filter_from_json
from agentlab.retrieval.index import (
    EmbeddedDocument,
    EmbedsQueries,
    Hit,
    Query,
    VectorStore,
    VectorStoreIndex,
)

__all__ = [
    "EmbeddedDocument",
    "EmbedsQueries",
    "F",
    "Filter",
    "Hit",
    "Query",
    "VectorStore",
    "VectorStoreIndex",
    "filter_from_json",
]
