"""The Amazon Bedrock Converse wire."""

from agentlab.models.bedrock.wire import BedrockConverse

__all__ = ["BedrockConverse"]
