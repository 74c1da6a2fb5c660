"""The OpenAI Responses wire."""

from agentlab.models.openai_responses.wire import OpenAIResponses

__all__ = ["OpenAIResponses"]
