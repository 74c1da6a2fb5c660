"""The Cohere v2 chat wire."""

from agentlab.models.cohere.wire import CohereChat

__all__ = ["CohereChat"]
