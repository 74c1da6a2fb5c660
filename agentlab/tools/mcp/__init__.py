"""MCP clients: the tools, resources and prompts of a server, local or remote, for agents and people."""

from agentlab.tools.mcp.asked import ElicitationRequest, McpLog, SamplingRequest
from agentlab.tools.mcp.client import McpClient, McpProgress
from agentlab.tools.mcp.contents import McpResult
from agentlab.tools.mcp.offers import McpPrompt, McpPromptArgument, McpResource, McpResourceTemplate
from agentlab.tools.mcp.tool import McpTool

__all__ = [
    "ElicitationRequest",
    "McpClient",
    "McpLog",
    "McpProgress",
    "McpPrompt",
    "McpPromptArgument",
    "McpResource",
    "McpResourceTemplate",
    "McpResult",
    "McpTool",
    "SamplingRequest",
]
