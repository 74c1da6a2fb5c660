"""Cutting documents into pieces small enough to embed, each of which knows where it stood."""

from agentlab.retrieval.chunking.recursive import RecursiveSplitter
from agentlab.retrieval.chunking.semantic import SemanticSplitter
from agentlab.retrieval.chunking.splitter import Span, Splitter, split_documents

__all__ = ["RecursiveSplitter", "SemanticSplitter", "Span", "Splitter", "split_documents"]
