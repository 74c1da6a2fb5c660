"""The OpenAI Chat Completions wire, in the dialects of its many vendors."""

from agentlab.models.openai_chat.wire import OpenAIChat

__all__ = ["OpenAIChat"]
