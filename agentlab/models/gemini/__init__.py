"""The Gemini `generateContent` wire."""

from agentlab.models.gemini.wire import GeminiGenerate

__all__ = ["GeminiGenerate"]
