"""The Anthropic Messages wire."""

from agentlab.models.anthropic.wire import AnthropicMessages

__all__ = ["AnthropicMessages"]
