"""A tool of a server, as an agent takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agentlab.errors import ToolError
from agentlab.messages import Json, ToolDefinition, ToolResultContent
from agentlab.rich_display import html_of
from agentlab.tools.context import ToolContext
from agentlab.tools.declared import Effect, Returns
from agentlab.tools.mcp.naming import shown_schema, shown_text
from agentlab.tools.tool import Approval

if TYPE_CHECKING:
    from agentlab.tools.mcp.client import McpClient

__all__ = ["McpTool"]

_MARGIN_S: Final = 1.0


class McpTool:
    """One tool of an MCP server; `McpClient.tools` makes them.

    A call gives data to another program, which may do with it what it wants: so its effect is `"network"`, whatever the
    server says of it (`readOnlyHint` is the server's own claim), and its results are untrusted. An `ApprovalPolicy` lets
    tools of a server that you trust run by a rule for their names.

    Arguments are not checked here but by the server: a schema of a stranger's may hold a pattern that no check of it ends.

    Args:
        client: The connection.
        server_name: The server's own name of the tool.
        name: The name a model sees.
        timeout_s: Seconds a call may take by the client's own limit; None leaves it to the agent. The agent is told a little
            more, so that the error is the client's, which names the server.
        approval: Whether a person is asked before it runs; see `tool`.
    """

    def __init__(
        self, client: McpClient, server_name: str, name: str, *, timeout_s: float | None, approval: Approval
    ) -> None:
        self._client = client
        self.server_name = server_name
        self.name = name
        self.timeout_s = None if timeout_s is None else timeout_s + _MARGIN_S
        self.approval = approval
        self.effect: Effect = "network"
        self.returns: Returns = "untrusted"

    @property
    def definition(self) -> ToolDefinition:
        """The tool as the model sees it: its pinned definition, which changes only when a new one is accepted."""
        listed = self._client.pinned(self.server_name)
        schema = shown_schema(listed.input_schema)
        schema.setdefault("type", "object")
        schema.setdefault("properties", {})
        return ToolDefinition(self.name, shown_text(listed.description or listed.title), schema)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> tuple[ToolResultContent, ...]:  # noqa: ARG002 - a server is given nothing of the program
        """Call it, unless its definition is another than the pinned one; see `Tool.call`."""
        result = await self._client.call_tool(self.server_name, arguments)
        if result.is_error:
            raise ToolError(result.text or "the tool failed and did not say why")
        return result.content or (Json(None),)

    def _repr_html_(self) -> str:
        return html_of(self)

    def __repr__(self) -> str:
        return f"McpTool({self.name!r})"
