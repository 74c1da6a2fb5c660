"""Models that run in this process, through `transformers` or `llama-cpp-python`."""

from agentlab.models.local.local_model import Engine, LocalModel, Sampling, Token

__all__ = ["Engine", "LocalModel", "Sampling", "Token"]
