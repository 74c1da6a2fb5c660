"""The Ollama native chat wire."""

from agentlab.models.ollama.wire import OllamaChat

__all__ = ["OllamaChat"]
