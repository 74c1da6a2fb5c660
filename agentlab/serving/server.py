"""A server for agents: OpenAI's interface over HTTP, on this machine unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from agentlab.agent import Agent
from agentlab.errors import UsageError
from agentlab.http import Secret
from agentlab.serving.application import missing_serve, openai_application
from agentlab.serving.service import AgentService, SystemMessages

if TYPE_CHECKING:
    import uvicorn

__all__ = ["AgentServer", "HttpServer"]

_HIGHEST_PORT: Final = 65_535


class HttpServer:
    """Serves an ASGI application on one address.

    Args:
        app: The application.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        shutdown_s: Seconds that requests under way may take once the server is to stop; then they are cancelled.

    Raises:
        MissingExtra: uvicorn is not installed.
    """

    def __init__(self, app: Any, *, host: str, port: int, shutdown_s: int) -> None:
        try:
            import uvicorn  # noqa: PLC0415 - of the extra `serve`
        except ImportError:
            raise missing_serve("uvicorn") from None
        self.app = app
        self.host = host
        self.port = port
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=shutdown_s,
        )
        self._up = asyncio.Event()
        self._uvicorn: uvicorn.Server = _server(config, self._up)
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """`http://<host>:<port>`; the port is known once it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def listen(self) -> socket.socket:
        """Take the address.

        Raises:
            UsageError: It cannot be had.
        """
        if not 0 <= self.port <= _HIGHEST_PORT:
            raise UsageError(f"a port is a number from 0 to {_HIGHEST_PORT}, not {self.port}")
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listener = socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            raise UsageError(f"cannot listen on {self.host} port {self.port}: {error}") from None
        self.port = listener.getsockname()[1]
        return listener

    async def serve(self, listener: socket.socket) -> None:
        """Answer requests until `stop` is called; those under way are finished first."""
        with contextlib.closing(listener):
            await self._uvicorn.serve(sockets=[listener])

    def run(self, up: Callable[[], None] | None = None) -> None:
        """Serve until the first interrupt (Ctrl-C, SIGTERM); requests under way are finished, unless there is a second.

        For a script; in a notebook, or beside other tasks, use `async with`.

        Args:
            up: Called once it listens, when its port is known.

        Raises:
            UsageError: The address cannot be had.
        """
        asyncio.run(self._until_interrupted(up))

    async def _until_interrupted(self, up: Callable[[], None] | None) -> None:
        listener = self.listen()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.stop)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop))
        if up is not None:
            up()
        await self.serve(listener)

    def stop(self) -> None:
        """Take no more requests, and end when those under way are answered; a second call does not wait for them."""
        self._uvicorn.force_exit = self._uvicorn.should_exit
        self._uvicorn.should_exit = True

    async def __aenter__(self) -> Self:
        listener = self.listen()
        self._task = asyncio.create_task(self.serve(listener), name="agent server")
        up = asyncio.create_task(self._up.wait(), name="agent server is up")
        await asyncio.wait([up, self._task], return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            await self._task
        return self

    async def __aexit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        if self._task is not None:
            await self._task


class AgentServer(HttpServer):
    """Agents behind OpenAI's interface: `/v1/chat/completions`, `/v1/responses`, `/v1/models`.

        async with AgentServer(agent) as server:
            client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.key)

    The agent's own tools run here; tools that a client sends come back to it as `tool_calls`. Everyone who has the key
    can make the agent use its tools and spend its provider's money: give it to nobody you would not give those.

    Args:
        agents: An agent, served under its name; or agents by the name they are served under.
        host: Where to listen; other machines can reach it only at another address than this one's own.
        port: Where to listen; 0 takes a free one.
        key: What clients must send; a random one is made where None, see `key`.
        cors_origins: Origins of web pages that may call it, such as `https://chat.example`; `*` lets all.
        system_messages: `append` puts a client's system messages behind the agent's preamble, `refuse` answers 400.
        remember: Conversations whose tool calls and reasoning are remembered for the next request, the newest ones; 0
            remembers none. All who have the key are one party to it.
        max_runs: Runs that may go on at the same time.
        max_waiting: Further requests that may wait; others are answered 429.
        max_body: Bytes of a request that are read.
        shutdown_s: Seconds that requests under way may take once the server is to stop.
        beat_s: Seconds of silence after which a stream is kept alive with a comment.

    Raises:
        UsageError: There is no agent, or the key cannot be sent in a header.
        MissingExtra: The packages of the extra `serve` are not installed.
    """

    def __init__(
        self,
        agents: Agent | Mapping[str, Agent],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | Secret | None = None,
        cors_origins: Sequence[str] = (),
        system_messages: SystemMessages = "append",
        remember: int = 256,
        max_runs: int = 16,
        max_waiting: int = 64,
        max_body: int = 32 * 2**20,
        shutdown_s: int = 10,
        beat_s: float = 15.0,
    ) -> None:
        self._key = Secret(f"al-{secrets.token_urlsafe(24)}" if key is None else key)
        self.service = AgentService(
            {agents.name: agents} if isinstance(agents, Agent) else agents,
            system_messages=system_messages,
            remember=remember,
        )
        app = openai_application(
            self.service,
            self._key,
            cors_origins=cors_origins,
            max_body=max_body,
            max_runs=max_runs,
            max_waiting=max_waiting,
            beat_s=beat_s,
        )
        super().__init__(app, host=host, port=port, shutdown_s=shutdown_s)

    @property
    def key(self) -> str:
        """What clients must send as `Authorization: Bearer ...`."""
        return self._key.reveal()

    def __repr__(self) -> str:
        return f"AgentServer({', '.join(self.service.agents)} at {self.url})"


def _server(config: uvicorn.Config, up: asyncio.Event) -> uvicorn.Server:
    """A server that says when it is up, and has no signal handlers: who starts it decides what an interrupt does."""
    import uvicorn  # noqa: PLC0415 - of the extra `serve`

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            up.set()

    return Server(config)
