"""An agent or a toolset as an MCP server, over a pipe or over HTTP, through the official SDK."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from agentlab.agent import Agent
from agentlab.agent.settings import Approver
from agentlab.errors import MissingExtra, UsageError
from agentlab.http import Secret
from agentlab.serving.application import BearerAuth
from agentlab.serving.mcp.calling import call_tool
from agentlab.serving.mcp.contents import tool_listing
from agentlab.serving.server import HttpServer
from agentlab.tools import Tool, ToolContext, Toolset

if TYPE_CHECKING:
    from mcp.server import Server
    from mcp.server.context import ServerRequestContext
    from mcp.types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

__all__ = ["McpServer"]

_INVALID_PARAMS: Final = -32602
_MAX_BODY: Final = 32 * 2**20


class McpServer:
    """Tools that other programs may use over MCP; an agent is one tool that takes a prompt.

        await McpServer([add, agent]).run_stdio()

        async with McpServer(toolset).over_http() as server:
            ...  # server.url + "/mcp", with `Authorization: Bearer <server.key>`

    Everyone who can reach it can run the tools. Tools that ask for approval are refused unless there is an `approver`.

    Args:
        offered: A toolset, an agent, or tools, functions and agents.
        name: Name of the server.
        instructions: What a client's model is told of the server.
        tool_context: Values for tools that name a `ToolContext` parameter.
        tool_timeout_s: Seconds a call may take where the tool does not say; None for no limit.
        approver: Decides on calls of tools that ask.

    Raises:
        UsageError: Nothing is offered, or something that is no tool.
        MissingExtra: The package `mcp` is not installed.
    """

    def __init__(
        self,
        offered: Agent | Toolset | Iterable[Agent | Tool | Callable[..., Any]],
        *,
        name: str = "agentlab",
        instructions: str | None = None,
        tool_context: ToolContext | None = None,
        tool_timeout_s: float | None = 120.0,
        approver: Approver | None = None,
    ) -> None:
        self.name = name
        self.tools = _toolset(offered)
        self._context = tool_context or ToolContext()
        self._timeout_s = tool_timeout_s
        self._approver = approver
        self._instructions = instructions
        self._protocol()  # a missing package is told here, not at the first client

    async def run_stdio(self) -> None:
        """Serve the one client at standard input and output, until it closes them.

        What tools print would break the protocol; the SDK sends it to standard error.
        """
        from mcp.server.stdio import stdio_server  # noqa: PLC0415 - of the extra `mcp`

        protocol = self._protocol()
        async with stdio_server() as (reader, writer):
            await protocol.run(reader, writer, protocol.create_initialization_options())

    def over_http(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | Secret | None = None,
        shutdown_s: int = 10,
    ) -> McpHttpServer:
        """A server of the streamable HTTP transport, at `/mcp`; each is used once.

        Args:
            host: Where to listen.
            port: Where to listen; 0 takes a free one.
            key: What clients must send; a random one where None.
            shutdown_s: Seconds that requests under way may take once the server is to stop.
        """
        secret = Secret(f"al-{secrets.token_urlsafe(24)}" if key is None else key)
        app = self._protocol().streamable_http_app(host=host, max_request_body_size=_MAX_BODY)
        return McpHttpServer(BearerAuth(app, secret), secret, host=host, port=port, shutdown_s=shutdown_s)

    async def _list(self, _: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        from mcp.types import ListToolsResult  # noqa: PLC0415 - of the extra `mcp`

        return ListToolsResult(tools=[tool_listing(definition) for definition in self.tools.definitions])

    async def _call(self, _: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        from mcp import MCPError  # noqa: PLC0415 - of the extra `mcp`

        tool = self.tools.get(params.name)
        if tool is None:
            raise MCPError(
                _INVALID_PARAMS, f"there is no tool `{params.name}`; there are {', '.join(self.tools.names)}"
            )
        return await call_tool(
            tool,
            params.arguments or {},
            context=self._context,
            timeout_s=self._timeout_s,
            approver=self._approver,
        )

    def _protocol(self) -> Server[Any]:
        try:
            from mcp.server import Server  # noqa: PLC0415 - of the extra `mcp`
        except ImportError:
            raise MissingExtra("an MCP server needs the package `mcp`: pip install 'agentlab[mcp]'") from None
        from agentlab import __version__  # noqa: PLC0415 - the package's face, which nothing below imports

        return Server(
            self.name,
            version=__version__,
            instructions=self._instructions,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    def __repr__(self) -> str:
        return f"McpServer({', '.join(self.tools.names)})"


class McpHttpServer(HttpServer):
    """An MCP server over HTTP; made by `McpServer.over_http`.

    Args:
        app: The application, guarded.
        key: What clients must send.
        host: Where to listen.
        port: Where to listen.
        shutdown_s: Seconds that requests under way may take once the server is to stop.
    """

    def __init__(self, app: Any, key: Secret, *, host: str, port: int, shutdown_s: int) -> None:
        super().__init__(app, host=host, port=port, shutdown_s=shutdown_s)
        self._key = key

    @property
    def key(self) -> str:
        """What clients must send as `Authorization: Bearer ...`."""
        return self._key.reveal()


def _toolset(offered: Agent | Toolset | Iterable[Agent | Tool | Callable[..., Any]]) -> Toolset:
    given: Sequence[Any] = [offered] if isinstance(offered, Agent) else list(offered)
    tools = Toolset(_as_tool(each) for each in given)
    if not tools:
        raise UsageError("there is no tool to serve")
    return tools


def _as_tool(given: Any) -> Any:
    """An agent as a tool that takes a prompt. Its preamble stays on the server."""
    if not isinstance(given, Agent):
        return given
    about = given.settings.description
    return given.as_tool(description=about or f"Ask the agent `{given.name}` to do a task for you.")
