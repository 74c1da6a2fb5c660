"""Agents and toolsets as MCP servers."""

from agentlab.serving.mcp.server import McpServer

__all__ = ["McpServer"]
