"""Rerankers: models that read a query and a document together and say how well they fit."""

from agentlab.retrieval.reranking.remote import RemoteReranker, reranker
from agentlab.retrieval.reranking.reranker import Reranked, Reranker, RerankResponse

__all__ = ["RemoteReranker", "RerankResponse", "Reranked", "Reranker", "reranker"]
