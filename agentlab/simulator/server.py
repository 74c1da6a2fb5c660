"""The simulator as a server on the loopback interface, in a thread of its own.

    with serve() as sim:
        client = OpenAI(base_url=sim.base_url("openai"), api_key=sim.token)

It listens on 127.0.0.1 only, answers only requests for that address, and only with its token: a page open in a browser
on the same machine can do nothing with it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import secrets
import socket
import threading
import time
from collections.abc import Iterable
from typing import Final, Literal, Self

from agentlab.errors import UsageError
from agentlab.simulator.behaviours import Behaviour, Scripted, Turn
from agentlab.simulator.cache import Accounts, PolicyChoice, PolicyFactory, policy_factory
from agentlab.simulator.cached_contents import CachedContents
from agentlab.simulator.connection import Connection
from agentlab.simulator.faults import FaultQueue
from agentlab.simulator.latency import Latency, VirtualClock
from agentlab.simulator.log import RequestLog
from agentlab.simulator.provider import Provider
from agentlab.simulator.rate_limit import RateLimit, RateLimits
from agentlab.simulator.rules import RuleBased

__all__ = ["Simulator", "serve", "shared"]

_ROOTS: Final = {
    "anthropic": "",
    "bedrock": "",
    "cohere": "",
    "ollama": "",
    "gemini": "/v1beta",
    "vertex": "/v1beta1/projects/sim/locations/global",
    "vertex-anthropic": "/v1/projects/sim/locations/global",
}
"""Where the vendors' own base URLs end; all others end in `/v1`."""

_BACKLOG: Final = 1024
_STOP_TIMEOUT_S: Final = 10.0


class Simulator:
    """A running simulator; made by `serve`, stopped by `stop` or at the end of its `with` block.

    Attributes:
        url: `http://127.0.0.1:<port>`.
        port: Where it listens.
        token: The API key it accepts, in whichever place a wire puts it.
        requests: What it was asked, newest last.
        faults: What goes wrong next; `sim.faults.add(Fault("rst", at_event=3))`.
        clock: Its time.
        cached_contents: Gemini's cache resources; `sim.cached_contents.storage_usd("gemini")`.
        batches: The batch interfaces; `sim.batches.pace = BatchPace(request_s=2)` lets their requests take time.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        seed: int,
        latency: Latency | None,
        port: int,
        realtime: bool,
        policy: PolicyFactory,
        rate_limit: RateLimit | None,
        log_size: int,
        max_body: int,
    ) -> None:
        self.token = f"sim-{secrets.token_urlsafe(24)}"
        self.requests = RequestLog(log_size)
        self.faults = FaultQueue()
        self.clock = VirtualClock(time.monotonic if realtime else None)
        self._realtime = realtime
        self._max_body = max_body
        self._serial = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.cached_contents = CachedContents(self.clock.timestamp)
        self._rate_limits = RateLimits(rate_limit)
        self._provider = Provider(
            behaviour,
            token=self.token,
            hosts=(f"127.0.0.1:{self.port}", f"localhost:{self.port}"),
            clock=self.clock,
            faults=self.faults,
            accounts=Accounts(policy, self.cached_contents),
            contents=self.cached_contents,
            rate_limits=self._rate_limits,
            seed=seed,
            latency=latency,
        )
        self.batches = self._provider.batches
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._thread = threading.Thread(target=self._run, name=f"agentlab-simulator-{self.port}", daemon=True)
        self._thread.start()
        self._ready.wait()

    def base_url(self, vendor: str, root: str | None = None) -> str:
        """The base URL to give a vendor's client.

        Args:
            vendor: Any name; it is the first segment of the path, and the vendor of the `SimRequest`.
            root: What follows it; None takes the vendor's own (`/v1` for OpenAI and most, nothing for Anthropic).
        """
        return f"{self.url}/{vendor}{_ROOTS.get(vendor, '/v1') if root is None else root}"

    @property
    def behaviour(self) -> Behaviour:
        """What answers; may be set at any time."""
        return self._provider.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._provider.behaviour = behaviour

    @property
    def rate_limit(self) -> RateLimit | None:
        """How many requests are let in; may be set at any time, None lets all in."""
        return self._rate_limits.limit

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._rate_limits.limit = limit

    def script(
        self, turns: Iterable[Turn], *, order: Literal["global", "conversation"] = "global"
    ) -> Scripted:
        """Answer from a list from now on; see `Scripted`."""
        script = Scripted(turns, order=order)
        self.behaviour = script
        return script

    def advance(self, span: str | float) -> None:
        """Let virtual time pass: seconds, or `"6m"`."""
        self.clock.advance(span)

    def stop(self) -> None:
        """Close every connection and the socket, and end the thread. Stopping twice does nothing more."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_TIMEOUT_S)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Simulator {self.url}>"

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._ready.set()  # whoever waits for a server that never came up must not wait for ever

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accepted, sock=self._listener, backlog=_BACKLOG)
        self._ready.set()
        await self._stopping.wait()
        await self._stop_accepting()
        server.close()
        open_now = dict(self._connections)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        for writer in open_now.values():  # a task that was cancelled before it began has closed nothing
            writer.transport.abort()
        await server.wait_closed()

    async def _stop_accepting(self) -> None:
        """Let nobody in any more, and let those just let in get their transport, which `_accepted` then drops.

        A server that is closed between the two leaves their sockets open and tells nobody.
        """
        with contextlib.suppress(NotImplementedError):  # an event loop without readers, as Windows' own
            asyncio.get_running_loop().remove_reader(self._listener)
        await asyncio.sleep(0)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of its own; one that comes while the server stops is dropped."""
        assert self._stopping is not None
        if self._stopping.is_set():
            writer.transport.abort()
            return
        self._connections[asyncio.get_running_loop().create_task(self._accept(reader, writer))] = writer

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await Connection(
                reader,
                writer,
                provider=self._provider,
                log=self.requests,
                serial=lambda: next(self._serial),
                clock=self.clock,
                realtime=self._realtime,
                max_body=self._max_body,
            ).serve()
        except asyncio.CancelledError:
            pass  # the server stops; the streams' own callback would report it as an error
        finally:
            self._connections.pop(task, None)


def serve(
    behaviour: Behaviour | Iterable[Turn] | None = None,
    *,
    seed: int = 0,
    latency: Latency | None = None,
    port: int = 0,
    realtime: bool = False,
    policy: PolicyChoice = "provider",
    strict_cache: bool = True,
    rate_limit: RateLimit | None = None,
    log_size: int = 1000,
    max_body: int = 64 * 2**20,
) -> Simulator:
    """Start a simulator.

    Args:
        behaviour: What answers: a function of the request, or a list of turns to script; None is `RuleBased()`.
        seed: Source of the ids in its answers; equal runs give equal bytes.
        latency: Pace of its answers; None is none, or a usual one where `realtime`.
        port: Where to listen; 0 takes a free one.
        realtime: Whether answers really take their time; else times are only noted.
        policy: How prompts are cached: `provider` follows each vendor's own rule, with its minimum lengths and lifetimes
            on the server's clock (`Simulator.advance`); `longest-prefix` reads whatever an earlier prompt began with,
            however short; a function makes the policy of each model.
        strict_cache: Whether the vendors' rules leave chance out: the documented best case. Else `seed` decides.
        rate_limit: Requests a second that are let in; the rest is answered 429. None lets all in.
        log_size: How many requests `Simulator.requests` keeps.
        max_body: Bytes of a request that are accepted.

    Raises:
        UsageError: The port is taken, or there is none of that number.
    """
    if not 0 <= port <= 65_535:
        raise UsageError(f"a port is a number from 0 (any free one) to 65535, not {port}")
    if behaviour is None:
        behaviour = RuleBased()
    elif not callable(behaviour):
        behaviour = Scripted(behaviour)
    if realtime and latency is None:
        latency = Latency()
    try:
        return Simulator(
            behaviour,
            seed=seed,
            latency=latency,
            port=port,
            realtime=realtime,
            policy=policy_factory(policy, strict=strict_cache, seed=seed),
            rate_limit=rate_limit,
            log_size=log_size,
            max_body=max_body,
        )
    except OSError as error:
        raise UsageError(f"cannot listen on 127.0.0.1:{port}: {error}") from error


class _Shared:
    """Holder of the process's one simulator."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: Simulator | None = None


_SHARED: Final = _Shared()


def shared() -> Simulator:
    """The simulator behind `"sim:..."` models: started when first asked for, stopped at the end of the process.

    This is the one place with state of the process: a model's name has nowhere else to keep a server.
    """
    with _SHARED.lock:
        if _SHARED.running is None:
            _SHARED.running = serve()
            atexit.register(_SHARED.running.stop)
        return _SHARED.running
