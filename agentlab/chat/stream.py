"""One answer as it comes: read by any number of readers, from any thread or loop, from its beginning."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import Future
from typing import Any

from agentlab.agent import RunResult
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.stream import RunStream
from agentlab.chat.events import ChatEvent, Failed, server_sent
from agentlab.chat.translation import Translation
from agentlab.errors import AgentlabError
from agentlab.messages import Event

__all__ = ["ChatStream"]


class ChatStream:
    """The events of one answer, while it comes and after.

        async for event in chat.stream("What is in notes.md?"):
            ...
        result = await stream                   # the run; what it raised is raised

    The answer is given and kept whether anybody reads or not; leaving the loop early leaves it going. A reader that is
    cancelled, as by the interrupt of a notebook, stops it.

    Attributes:
        result: The run, or what it raised, once it has ended.
    """

    def __init__(self) -> None:
        self.result: Future[RunResult | None] = Future()
        self._items: list[Event | ChatEvent] = []
        self._ended = False
        self._lock = threading.Lock()
        self._readers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._run: RunStream | None = None
        self._stop: str | None = None
        self._attended = False
        self.result.set_running_or_notify_cancel()

    def __repr__(self) -> str:
        state = "ended" if self._ended else "waits" if self._run is None else "under way"
        return f"ChatStream({state}, {len(self._items)} events)"

    # ------------------------------------------------------------- reading

    async def __aiter__(self) -> AsyncIterator[ChatEvent]:
        """Every event of the chat, from the first; what the run raised is raised at the end."""
        translation = Translation()
        async for item in self.events():
            if self._run is not None:
                translation.run_id = self._run.run.id
            for event in translation.of(item):
                yield event
        self._raise()

    def __await__(self) -> Generator[Any, None, RunResult | None]:
        """Wait for the end; gives the run, or None where there was nothing to do."""
        return self._waited().__await__()

    async def events(self) -> AsyncIterator[Event | ChatEvent]:
        """The agent's own events, and those of the chat between them, from the first."""
        news, place = asyncio.Event(), 0
        with self._lock:
            self._readers[news] = asyncio.get_running_loop()
        try:
            while True:
                news.clear()
                with self._lock:
                    items, ended = self._items[place:], self._ended
                for item in items:
                    yield item
                place += len(items)
                if not items:
                    if ended:
                        return
                    await news.wait()
        except asyncio.CancelledError:
            self.stop()
            raise
        finally:
            with self._lock:
                self._readers.pop(news, None)

    async def server_sent(self) -> AsyncIterator[bytes]:
        """The answer as server-sent events; what the run raised is the last of them, and is not raised."""
        number = 0
        try:
            async for event in self:
                number += 1
                yield server_sent(event, number)
        except AgentlabError:
            return  # told as `failed`

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def run(self) -> RunStream | None:
        """The run as it is driven; None until its turn has come."""
        return self._run

    @property
    def attended(self) -> bool:
        """Whether somebody watches this answer who decides on its calls while it goes on; beside `Chat.attended`."""
        return self._attended

    @attended.setter
    def attended(self, attended: bool) -> None:
        with self._lock:
            self._attended = attended
            if self._run is not None:
                self._run.attended = attended

    def stop(self, reason: str = "stopped by the user") -> None:
        """End the answer, from any thread; what has arrived is kept. One that has not begun will not."""
        with self._lock:
            self._stop = self._stop or reason
            run = self._run
        if run is not None:
            run.stop(reason)

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Decide on a call of the run under way, from any thread; whether it was waiting for that."""
        return self._run is not None and self._run.decide(call_id, approved, note)

    # ------------------------------------------------------------- writing

    def begin(self, run: RunStream) -> None:
        """The run that answers begins; it is stopped at once where `stop` was called before."""
        with self._lock:
            self._run = run
            run.attended = run.attended or self._attended
            stop = self._stop
        if stop is not None:
            run.stop(stop)

    def put(self, item: Event | ChatEvent) -> None:
        """One more event."""
        with self._lock:
            self._items.append(item)
            self._wake()

    def end(self, result: RunResult | None, error: BaseException | None = None) -> None:
        """Nothing more comes."""
        with self._lock:
            self._ended = True
            self._wake()
        if error is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(result)

    def fail(self, error: BaseException) -> None:
        """The answer could not begin."""
        self.put(Failed(type(error).__name__, str(error)))
        self.end(None, error)

    # ------------------------------------------------------------ internal

    def _wake(self) -> None:
        for news, loop in tuple(self._readers.items()):
            _soon(loop, news.set)

    def _raise(self) -> None:
        error = self.result.exception() if self._ended else None
        if error is not None:
            raise error

    async def _waited(self) -> RunResult | None:
        try:
            async with heartbeat():
                return await asyncio.shield(asyncio.wrap_future(self.result))
        except asyncio.CancelledError:
            self.stop()
            raise


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
