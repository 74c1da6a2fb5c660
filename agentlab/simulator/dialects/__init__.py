"""The wires the simulator speaks, one file each."""

from agentlab.simulator.dialects.anthropic import Anthropic
from agentlab.simulator.dialects.base import Dialect, Ids, NamesErrors, Rejected
from agentlab.simulator.dialects.bedrock_converse import BedrockConverse
from agentlab.simulator.dialects.cohere_chat import CohereChat
from agentlab.simulator.dialects.gemini import Gemini
from agentlab.simulator.dialects.ollama import Ollama
from agentlab.simulator.dialects.openai_chat import OpenAIChat
from agentlab.simulator.dialects.openai_responses import OpenAIResponses

__all__ = [
    "DIALECTS",
    "Anthropic",
    "BedrockConverse",
    "CohereChat",
    "Dialect",
    "Gemini",
    "Ids",
    "NamesErrors",
    "Ollama",
    "OpenAIChat",
    "OpenAIResponses",
    "Rejected",
]

DIALECTS: tuple[Dialect, ...] = (
    OpenAIChat(),
    OpenAIResponses(),
    Anthropic(),
    Gemini(),
    Ollama(),
    CohereChat(),
    BedrockConverse(),
)
"""Each request is taken by the first that matches."""
