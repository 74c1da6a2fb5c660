"""A client of an MCP server: its tools for agents, its resources and prompts for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from msgspec import Struct

from agentlab.errors import ToolError, ToolServerFailed, ToolTimeout, UsageError
from agentlab.http import Secret
from agentlab.messages import Message
from agentlab.short_repr import ShortRepr
from agentlab.tools.mcp.asked import Asked, Elicit, McpLog, Sample
from agentlab.tools.mcp.catalog import Catalog
from agentlab.tools.mcp.connection import Connection
from agentlab.tools.mcp.contents import McpResult, result_of
from agentlab.tools.mcp.lifetime import Lifetime
from agentlab.tools.mcp.link import Link
from agentlab.tools.mcp.offers import (
    McpPrompt,
    McpResource,
    McpResourceTemplate,
    ResourcePart,
    messages_of,
    prompt_of,
    resource_of,
    resource_parts,
    template_of,
)
from agentlab.tools.mcp.pinning import ListedTool
from agentlab.tools.mcp.tool import McpTool
from agentlab.tools.tool import Approval

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT

__all__ = ["McpClient", "McpProgress"]

T = TypeVar("T")


class McpProgress(ShortRepr, Struct, frozen=True):
    """How far a call is.

    Attributes:
        tool: The server's name of the tool.
        done: How far it is, in units of its own.
        total: How far it will go, or None where it does not say.
        text: What it is doing.
    """

    tool: str
    done: float
    total: float | None = None
    text: str = ""


class McpClient:
    """A connection to one MCP server.

        async with McpClient(["npx", "-y", "@modelcontextprotocol/server-filesystem", "."]) as files:
            run = await Agent("openai:gpt-5.6", tools=files.tools).prompt("What is in this folder?")

    It may be opened in one cell of a notebook and closed in another, and used from any loop or thread: the connection lives on
    a loop of its own. What a server says is not trusted: the first definition seen of a tool is pinned, a tool that changes
    is disabled until `accept` is called, and what a server asks of its client is refused unless a function is given for it.

    Args:
        server: Program and arguments of a server that is started here (never given to a shell), or the address of one that
            speaks streamable HTTP.
        name: Name for messages; the program or host where None.
        prefix: Put before the names that a model sees, such as `"files_"`, where two servers have tools of one name.
        headers: Sent with every request over HTTP; put keys in a `Secret`.
        auth: For HTTP: an `httpx2.Auth`, such as the SDK's OAuth providers.
        env: Environment variables for the program, besides the few that are safe to inherit.
        cwd: Working directory of the program.
        pins: Definitions seen in an earlier session, as `pins` gave them.
        approval: Whether a person is asked before a tool of the server runs; see `tool`.
        timeout_s: Seconds a call may take; None leaves it to the agent.
        refresh_timeout_s: Seconds that listing the tools may take.
        connect_timeout_s: Seconds until the server must have listed its tools for the first time.
        always_list: List the tools before every call, for servers that change them and do not say so.
        max_listed: Tools, resources or prompts that are taken from one listing.
        max_result_characters: Text and JSON of a result that a model is shown.
        max_message_bytes: Longest message the server may send.
        grace_s: Seconds the program is given to end when the connection is closed, before it is made to.
        sampling: Answers where the server asks for a model's answer; refused where None.
        elicitation: Answers where the server asks the user; refused where None.
        roots: Folders the server is told it may work in.
        on_progress: Told how far a call is; on the connection's own thread.
        on_result: Told of every result, with its `_meta`; on the caller's thread.
        protocol: `"auto"` finds out what the server speaks; `"legacy"` shakes hands as before 2026; or a version.

    Raises:
        UsageError: The arguments do not fit each other.
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        name: str | None = None,
        prefix: str = "",
        headers: Mapping[str, str | Secret] | None = None,
        auth: Any = None,
        env: Mapping[str, str | Secret] | None = None,
        cwd: str | Path | None = None,
        pins: Mapping[str, str] | None = None,
        approval: Approval = False,
        timeout_s: float | None = 300.0,
        refresh_timeout_s: float | None = 30.0,
        connect_timeout_s: float | None = 30.0,
        always_list: bool = False,
        max_listed: int = 500,
        max_result_characters: int = 100_000,
        max_message_bytes: int = 16_000_000,
        grace_s: float = 2.0,
        sampling: Sample | None = None,
        elicitation: Elicit | None = None,
        roots: Sequence[str | Path] | None = None,
        on_progress: Callable[[McpProgress], None] | None = None,
        on_result: Callable[[McpResult], None] | None = None,
        protocol: Literal["auto", "legacy"] | str = "auto",  # noqa: PYI051 - the two are what a reader looks for
    ) -> None:
        link = Link(
            server,
            headers=headers,
            auth=auth,
            env=env,
            cwd=cwd,
            timeout_s=connect_timeout_s,
            max_message_bytes=max_message_bytes,
            grace_s=grace_s,
        )
        self.name = name or link.name
        self._approval = approval
        self._timeout_s = timeout_s
        self._refresh_timeout_s = refresh_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._max_result_characters = max_result_characters
        self._on_progress = on_progress
        self._on_result = on_result
        self._asked = Asked(sampling, elicitation, roots)
        self._catalog = Catalog(self.name, pins, prefix)
        make = partial(
            Connection,
            self.name,
            link,
            catalog=self._catalog,
            asked=self._asked,
            protocol=protocol,
            refresh_timeout_s=refresh_timeout_s,
            max_listed=max_listed,
            always_list=always_list,
        )
        self._lifetime = Lifetime(self.name, make)

    # -------------------------------------------------------- open and close

    async def open(self) -> Self:
        """Start or reach the server, and list its tools; does nothing where that is done.

        Raises:
            MissingExtra: The package `mcp` is not installed.
            ToolServerFailed: The server did not start, did not answer in time, or broke the protocol.
        """
        await self._lifetime.open(self._connect_timeout_s)
        return self

    async def close(self) -> None:
        """End the connection, and the program with all it started. Safe to do twice, and from any task."""
        await self._lifetime.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether the server can be asked."""
        return self._lifetime.is_open

    # ---------------------------------------------------------------- tools

    @property
    def tools(self) -> tuple[McpTool, ...]:
        """The tools that may be called, as listed last: without those that changed or that no model can be shown.

        An agent keeps the tools it was made with; give it these to have it see new ones: `agent.with_(tools=client.tools)`.
        """
        return tuple(
            McpTool(self, listed.name, name, timeout_s=self._timeout_s, approval=self._approval)
            for name, listed in self._catalog.offered.items()
        )

    @property
    def changed(self) -> dict[str, str]:
        """The tools that are disabled because their definition changed, each with what changed."""
        return self._catalog.changed

    @property
    def notes(self) -> dict[str, str]:
        """What was left out of what the server offers, by kind or by tool, with the reason."""
        connection = self._lifetime.connection
        own = {} if connection is None else connection.notes
        return {**own, **self._catalog.left_out}

    @property
    def pins(self) -> dict[str, str]:
        """Hashes of the definitions seen first, by tool; save them, and pass them as `pins` the next time."""
        return self._catalog.pins

    def accept(self, name: str) -> ListedTool:
        """Let a tool be called again whose definition changed; look at `changed` before.

        Args:
            name: The server's name of it.

        Returns:
            The definition that is pinned now.

        Raises:
            UsageError: The server lists no such tool.
        """
        return self._catalog.accept(name)

    def pinned(self, name: str) -> ListedTool:
        """The definition that was seen first, or accepted last.

        Raises:
            UsageError: No tool of that name was seen.
        """
        listed = self._catalog.definition(name)
        if listed is None:
            raise UsageError(f"the MCP server `{self.name}` has shown no tool `{name}`")
        return listed

    async def refresh(self) -> None:
        """List the tools anew where the server said that they changed; done by itself, and before every call.

        Raises:
            ToolServerFailed: They could not be listed.
        """
        await self._lifetime.ask(None, "list its tools", lambda connection: connection.refresh())

    async def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> McpResult:
        """Call a tool by the server's name of it.

        Raises:
            ToolTimeout: It took longer than `timeout_s`; the server was told to stop.
            ToolError: It may not be called, the server refused the call, or the server is gone.
        """
        try:
            answer = await self._lifetime.ask(
                self._timeout_s,
                f"answer the call of `{name}`",
                lambda connection: connection.call_tool(name, arguments or {}, self._progress(name)),
            )
        except ToolServerFailed as error:
            kind = ToolTimeout if isinstance(error.__cause__, TimeoutError) else ToolError
            raise kind(str(error)) from error
        result = result_of(name, answer, self._max_result_characters)
        if self._on_result is not None:
            self._on_result(result)
        return result

    def _progress(self, tool: str) -> ProgressFnT | None:
        told = self._on_progress
        if told is None:
            return None

        # The names are the SDK's.
        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told(McpProgress(tool, progress, total, message or ""))

        return tell

    # ------------------------------------------------ resources and prompts

    async def resources(self) -> tuple[McpResource, ...]:
        """The resources it lists; raises as `read_resource`."""
        found = await self._listed(
            "resources", "resources", lambda client, at: client.list_resources(cursor=at)
        )
        return tuple(resource_of(each) for each in found)

    async def resource_templates(self) -> tuple[McpResourceTemplate, ...]:
        """The templates of resources it lists; raises as `read_resource`."""
        found = await self._listed(
            "resources", "resource_templates", lambda client, at: client.list_resource_templates(cursor=at)
        )
        return tuple(template_of(each) for each in found)

    async def read_resource(self, uri: str) -> tuple[ResourcePart, ...]:
        """A resource's contents, as parts of a prompt.

        Raises:
            ToolServerFailed: The server refused, did not answer in time, or is gone.
        """
        answer = await self._asks(f"read `{uri}`", lambda client: client.read_resource(uri))
        return resource_parts(answer)

    async def prompts(self) -> tuple[McpPrompt, ...]:
        """The prompts it lists; raises as `read_resource`."""
        found = await self._listed("prompts", "prompts", lambda client, at: client.list_prompts(cursor=at))
        return tuple(prompt_of(each) for each in found)

    async def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> tuple[Message, ...]:
        """A prompt filled in, as messages; raises as `read_resource`."""
        answer = await self._asks(
            f"fill in the prompt `{name}`", lambda client: client.get_prompt(name, dict(arguments or {}))
        )
        return messages_of(answer)

    # ------------------------------------------------------------ the server

    @property
    def instructions(self) -> str:
        """What the server says about its use, for a preamble; empty where it says nothing."""
        sdk = self._sdk
        return "" if sdk is None else sdk.instructions or ""

    @property
    def server_info(self) -> str:
        """Name and version that the server gives itself, and the protocol it speaks; empty where it is not connected."""
        sdk = self._sdk
        if sdk is None:
            return ""
        given = (
            "a server without a name"
            if sdk.server_info is None
            else f"{sdk.server_info.name} {sdk.server_info.version}"
        )
        return f"{given}, protocol {sdk.protocol_version}"

    @property
    def logs(self) -> tuple[McpLog, ...]:
        """The newest of its log messages."""
        return tuple(self._asked.logs)

    @property
    def _sdk(self) -> Any:
        connection = self._lifetime.connection
        return connection.client if connection is not None and connection.is_open else None

    # ------------------------------------------------------------ in common

    async def _listed(self, capability: str, items: str, page: Callable[..., Any]) -> list[Any]:
        async def listed(connection: Connection) -> list[Any]:
            if getattr(connection.client.server_capabilities, capability) is None:
                return []
            return await connection.listed(items.replace("_", " "), page, items)

        return await self._lifetime.ask(
            self._refresh_timeout_s, f"list its {items.replace('_', ' ')}", listed
        )

    async def _asks(self, doing: str, request: Callable[[Any], Awaitable[T]]) -> T:
        return await self._lifetime.ask(
            self._timeout_s, doing, lambda connection: connection.request(doing, request)
        )

    def __repr__(self) -> str:
        state = f"{len(self._catalog.offered)} tools" if self.is_open else "not connected"
        return f"McpClient({self.name!r}, {state})"
