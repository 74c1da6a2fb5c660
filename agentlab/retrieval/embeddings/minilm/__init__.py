"""MiniLM, and other sentence encoders of the family of BERT, from a folder of this machine; numpy does the arithmetic."""

from agentlab.retrieval.embeddings.minilm.minilm import OFFICIAL_SHA256, MiniLM

__all__ = ["OFFICIAL_SHA256", "MiniLM"]
