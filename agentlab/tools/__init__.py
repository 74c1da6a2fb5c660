"""Tools: functions a model may call, with schemas derived from their signatures."""

from agentlab.tools.context import ToolContext
from agentlab.tools.declared import Effect, Returns
from agentlab.tools.output import as_content, sendable
from agentlab.tools.think import think
from agentlab.tools.tool import FunctionTool, Tool, tool
from agentlab.tools.toolset import Toolset

__all__ = [
    "Effect",
    "FunctionTool",
    "Returns",
    "Tool",
    "ToolContext",
    "Toolset",
    "as_content",
    "sendable",
    "think",
    "tool",
]
