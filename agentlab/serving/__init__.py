"""Agents as servers: behind OpenAI's interface over HTTP, and as tools over MCP."""

from agentlab.serving.server import AgentServer

__all__ = ["AgentServer"]
