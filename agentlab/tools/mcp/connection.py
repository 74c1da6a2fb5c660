"""One connection to a server, on one loop: a single task opens it, keeps it, and closes it.

Everything here runs on the connection's own loop. The task that entered a scope of the SDK must also leave it; other tasks
only send requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agentlab.errors import ToolError, ToolServerFailed
from agentlab.http import redact
from agentlab.tools.mcp.asked import Asked
from agentlab.tools.mcp.catalog import Catalog
from agentlab.tools.mcp.freshness import keep_fresh, listen_for_changes
from agentlab.tools.mcp.link import Link
from agentlab.tools.mcp.paging import all_pages
from agentlab.tools.mcp.pinning import ListedTool
from agentlab.tools.mcp.tasks import call_as_task
from agentlab.tools.mcp.watched import watched
from agentlab.tools.mcp.watching import REFUSED, Watch

if TYPE_CHECKING:
    from mcp import Client, types
    from mcp.shared.dispatcher import ProgressFnT

__all__ = ["Connection"]

T = TypeVar("T")

_ATTEMPTS: Final = 3
_CLOSE_S: Final = 10.0
_LAST_WORDS_S: Final = 0.5
_LONGEST_REASON: Final = 2_000
_CLOSED: Final = "Connection closed"
"""The SDK's words for it; its code for it is one that servers use for anything."""


class Connection:
    """A connection to one server.

    Args:
        server: Name of the server, for messages.
        link: The process or address.
        catalog: Its tools.
        asked: Answers what the server asks.
        protocol: `"auto"`, `"legacy"`, or a version.
        refresh_timeout_s: Seconds that listing the tools may take; None for no limit.
        max_listed: Tools, resources or prompts that are taken from one listing.
        always_list: Whether the tools are listed before every call.

    Attributes:
        notes: What was left out or went wrong and did not end the connection, the newest last, by kind.
    """

    def __init__(
        self,
        server: str,
        link: Link,
        *,
        catalog: Catalog,
        asked: Asked,
        protocol: str,
        refresh_timeout_s: float | None,
        max_listed: int,
        always_list: bool,
    ) -> None:
        self._server = server
        self._link = link.made()
        self._catalog = catalog
        self._asked = asked
        self._protocol = protocol
        self._refresh_timeout_s = refresh_timeout_s
        self._max_listed = max_listed
        self._always_list = always_list
        self._secrets = link.secrets
        self._changed = asyncio.Event()
        self._watch = Watch(catalog, self._changed.set)
        self._client: Client | None = None
        self._doing = "start"
        self._reason = ""
        self._error: ToolServerFailed | None = None
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._over = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._owner: asyncio.Task[None] | None = None
        self.notes: dict[str, str] = {}

    # ------------------------------------------------------ open and close

    async def open(self, within_s: float | None) -> None:
        """Connect, shake hands, list the tools.

        Raises:
            ToolServerFailed: It did not come to that, or not in time.
        """
        self._owner = asyncio.create_task(self._own(), name=f"mcp {self._server}")
        ready = asyncio.create_task(self._ready.wait())
        try:
            async with asyncio.timeout(within_s):
                await asyncio.wait({ready, self._owner}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._reason = f"it did not {self._doing} within {within_s:g} s"
            await self.close()
            raise await self.failed() from None
        finally:
            ready.cancel()
        if self._error is not None:
            raise self._error
        if not self._ready.is_set() or self._over.is_set():
            raise await self.failed(f"it could not {self._doing}")

    async def close(self) -> None:
        """End the connection; safe to do twice."""
        self._stop.set()
        if self._owner is not None and not self._owner.done():
            if not self._ready.is_set():
                self._owner.cancel()
            await asyncio.wait({self._owner}, timeout=_CLOSE_S)

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._ready.is_set() and not self._stop.is_set()

    @property
    def client(self) -> Client:
        """The SDK's client.

        Raises:
            ToolServerFailed: The connection is not open.
        """
        if self._client is None or self._over.is_set():
            raise self._failure(": ".join(("the connection is closed", *self._endings)))
        return self._client

    async def _own(self) -> None:
        from mcp import Client  # noqa: PLC0415 - the extra is optional

        watchers: list[asyncio.Task[None]] = []
        try:
            transport = watched(self._link.transport(), self._watch, self._ended)
            handshake = Client(
                transport,
                mode=self._protocol,
                cache=None,
                client_info=_client_info(),
                **self._asked.callbacks,
            )
            self._doing = "shake hands"
            async with handshake as client:
                # A schema of a stranger's may hold a pattern that keeps the interpreter busy for ever.
                client.session.validate_tool_result = _unchecked  # type: ignore[assignment, method-assign]
                self._doing = "list its tools"
                self._client = client
                self._catalog.announce_change()
                await self.refresh()
                watchers = self._watchers(client)
                self._ready.set()
                await self._stop.wait()
        except ToolServerFailed as error:
            self._error = error
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told to whoever asks for anything
            self._reason = self._reason or self._link.failure or _told(error)
        finally:
            self._stop.set()
            for watcher in watchers:
                watcher.cancel()
            self._over.set()

    def _ended(self, reason: str) -> None:
        failure = reason or self._link.failure
        self._reason = self._reason or failure or ("" if self._stop.is_set() else "it closed the connection")
        self._stop.set()

    # ------------------------------------------------------------ requests

    async def request(self, doing: str, request: Callable[[Client], Awaitable[T]]) -> T:
        """Send a request, and wait for its answer or for the end of the connection.

        Args:
            doing: What it does, for messages: `"list its prompts"`.
            request: Sends it.

        Raises:
            ToolServerFailed: It was refused, or the connection ended.
        """
        from mcp import MCPError  # noqa: PLC0415

        try:
            return await self._answered(doing, request)
        except MCPError as error:
            raise self._failure(f"it could not {doing}: {_told(error)}") from error

    async def _answered(self, doing: str, request: Callable[[Client], Awaitable[T]]) -> T:
        """As `request`, but what the server (or the watch) refused is raised as it came, as `MCPError`."""
        from mcp import MCPError  # noqa: PLC0415

        answer = asyncio.ensure_future(request(self.client))
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({answer, over}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise await self.failed(f"it could not {doing}")
            return answer.result()
        except MCPError as error:
            if self._stop.is_set() or error.error.message == _CLOSED:
                self._stop.set()
                raise await self.failed(f"it could not {doing}") from error
            raise
        except (ValueError, RuntimeError, TypeError, KeyError, OSError) as error:
            raise self._failure(
                f"it could not {doing}: its answer is not as the protocol says: {_told(error)}"
            ) from error
        finally:
            over.cancel()
            answer.cancel()

    async def listed(
        self, kind: str, page: Callable[[Client, str | None], Awaitable[Any]], items: str
    ) -> list[Any]:
        """Everything of a kind, up to the bound; what was left out is noted.

        Args:
            kind: What is listed, for messages: `"tools"`.
            page: Asks for the page at a cursor.
            items: The attribute of a page that holds its items.

        Raises:
            ToolServerFailed: It was refused, or the connection ended.
        """

        async def at(cursor: str | None) -> Any:
            return await self.request(f"list its {kind}", lambda client: page(client, cursor))

        found, note = await all_pages(at, items, kind, self._max_listed)
        self.notes.pop(kind, None)
        if note:
            self.notes[kind] = note
        return found

    async def refresh(self) -> None:
        """List the tools anew, unless that has been done since they changed.

        Raises:
            ToolServerFailed: They could not be listed in time; the ones known stay, and none is called before they are.
        """
        async with self._refreshing:
            if not self._catalog.stale:
                return
            ticket = self._catalog.begin()
            try:
                async with asyncio.timeout(self._refresh_timeout_s):
                    tools = await self._list_tools()
            except TimeoutError:
                raise self._failure(
                    f"it did not list its tools within {self._refresh_timeout_s:g} s"
                ) from None
            self._catalog.apply(ticket, tools)

    async def _list_tools(self) -> list[ListedTool]:
        if self.client.server_capabilities.tools is None:
            return []
        found = await self.listed("tools", lambda client, cursor: client.list_tools(cursor=cursor), "tools")
        return [_listed(tool) for tool in found]

    async def call_tool(
        self, name: str, arguments: Mapping[str, Any], progress: ProgressFnT | None
    ) -> types.CallToolResult:
        """Call a tool whose definition is the pinned one; list the tools first where they may have changed.

        Args:
            name: The server's name of it.
            arguments: Its arguments.
            progress: Told of progress: how far, of how much or None, and a text or None.

        Raises:
            ToolError: It may not be called, or the server refused the call.
            ToolServerFailed: The connection ended.
        """
        from mcp import MCPError  # noqa: PLC0415

        if self._always_list:
            self._catalog.announce_change()
        for _ in range(_ATTEMPTS):
            if self._catalog.stale:
                await self.refresh()
            self._catalog.check(name)
            try:
                return await self._answered(
                    f"answer the call of `{name}`",
                    lambda client: self._sent(client, name, arguments, progress),
                )
            except MCPError as error:
                if error.error.data is not REFUSED:
                    text = redact(_told(error), self._secrets)
                    raise ToolError(f"the MCP server `{self._server}` refused the call: {text}") from error
        raise ToolError(
            f"the MCP server `{self._server}` changes its tools again and again; `{name}` was not called"
        )

    async def _sent(
        self, client: Client, name: str, arguments: Mapping[str, Any], progress: ProgressFnT | None
    ) -> types.CallToolResult:
        if self._catalog.check(name).as_task:
            return await call_as_task(client.session, name, arguments)
        return await client.call_tool(name, dict(arguments), progress_callback=progress)

    # ------------------------------------------------------------- changes

    def _watchers(self, client: Client) -> list[asyncio.Task[None]]:
        """Tasks that keep the catalog fresh, where the server tells of changes."""
        from mcp.types.version import MODERN_PROTOCOL_VERSIONS  # noqa: PLC0415

        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed:
            return []
        tasks = [asyncio.create_task(keep_fresh(self._changed, self.refresh, self.notes))]
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            tasks.append(asyncio.create_task(self._listen(client)))
        return tasks

    async def _listen(self, client: Client) -> None:
        await listen_for_changes(client, self._announce)
        self.notes["changes"] = (
            "its subscription to changes ends again and again; its tools are listed before every call"
        )
        self._always_list = True

    def _announce(self) -> None:
        self._catalog.announce_change()
        self._changed.set()

    # -------------------------------------------------------------- errors

    async def failed(self, doing: str = "") -> ToolServerFailed:
        """The error that says how the connection ended."""
        await self._link.settled(_LAST_WORDS_S)
        return self._failure(": ".join(part for part in (doing, *self._endings) if part))

    @property
    def _endings(self) -> tuple[str, ...]:
        """Why it ended, as far as that is known."""
        known = [part for part in (self._reason, self._link.ending()) if part]
        return ("; ".join(known),) if known else ()

    def _failure(self, what: str) -> ToolServerFailed:
        stderr = redact(self._link.stderr, self._secrets)
        quoted = f"; its standard error ends: {stderr[-_LONGEST_REASON:]}" if stderr else ""
        text = redact(f"the MCP server `{self._server}` failed: {what}", self._secrets)
        return ToolServerFailed(text + quoted, server=self._server, stderr=stderr)


async def _unchecked(_name: str, _result: Any) -> None:
    """Stands in for the SDK's check of a result against the schema that the server gave for it."""


def _client_info() -> types.Implementation:
    from mcp import types  # noqa: PLC0415 - the extra is optional

    return types.Implementation(name="agentlab", version=version("agentlab"))


def _listed(tool: types.Tool) -> ListedTool:
    annotations = (
        {} if tool.annotations is None else tool.annotations.model_dump(by_alias=True, exclude_none=True)
    )
    as_task = tool.execution is not None and tool.execution.task_support == "required"
    return ListedTool(
        tool.name, tool.description or "", tool.input_schema, tool.title or "", annotations, as_task
    )


def _told(error: BaseException) -> str:
    """An error in one bounded text; of a group, its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split()) or type(error).__name__
    known = type(error).__name__ in text or type(error).__module__.startswith("mcp.")
    return (text if known else f"{type(error).__name__}: {text}")[:_LONGEST_REASON]
