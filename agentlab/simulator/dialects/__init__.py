"""The wires the simulator speaks, one file each."""

from agentlab.simulator.dialects.anthropic import Anthropic
from agentlab.simulator.dialects.base import Dialect, Ids, Rejected
from agentlab.simulator.dialects.gemini import Gemini
from agentlab.simulator.dialects.ollama import Ollama
from agentlab.simulator.dialects.openai_chat import OpenAIChat
from agentlab.simulator.dialects.openai_responses import OpenAIResponses

__all__ = [
    "DIALECTS",
    "Anthropic",
    "Dialect",
    "Gemini",
    "Ids",
    "Ollama",
    "OpenAIChat",
    "OpenAIResponses",
    "Rejected",
]

DIALECTS: tuple[Dialect, ...] = (OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini(), Ollama())
"""Each request is taken by the first that matches."""
