"""Carries out the commands of one chat: one at a time, in the order they were given, from whichever thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from agentlab.agent.portal import run_in_background
from agentlab.chat.driving import in_thread
from agentlab.chat.stream import ChatStream
from agentlab.errors import UsageError

__all__ = ["Actor"]

_CLOSING_S: Final = 30.0


class Actor:
    """The answers of a chat that are under way or wait for their turn, and the changes between them.

    Commands run on the library's background loop, so that they go on while no cell runs and while one blocks.
    """

    def __init__(self) -> None:
        self._turn: asyncio.Lock | None = None
        self._streams: list[ChatStream] = []

    @property
    def streams(self) -> tuple[ChatStream, ...]:
        """The answers that have not ended, the one under way first."""
        return tuple(stream for stream in tuple(self._streams) if not stream.is_ended)

    def answer(self, work: Callable[[ChatStream], Awaitable[None]]) -> ChatStream:
        """Begin an answer when its turn has come.

        Args:
            work: Gives the answer to the stream; what it raises ends the stream.
        """
        out = ChatStream()
        self._streams.append(out)

        async def answer() -> None:
            try:
                await work(out)
            except BaseException as error:
                if not out.is_ended:
                    out.fail(error)
                if not isinstance(error, Exception):
                    raise
            finally:
                self._streams.remove(out)

        run_in_background(self._in_turn, answer)
        return out

    def change(self, make: Callable[[], None]) -> None:
        """Make a change when its turn has come: at once where no answer is under way, else behind those that wait."""
        if not self.streams:
            make()
            return

        async def later() -> None:
            await in_thread(make)

        run_in_background(self._in_turn, later)

    def require_idle(self, what: str) -> None:
        """Refuse what cannot be done while an answer is under way.

        Raises:
            UsageError: One is.
        """
        if self.streams:
            raise UsageError(f"an answer is under way: stop it or wait for it before you {what}")

    def close(self) -> None:
        """Stop every answer, and wait until what had come of it is kept."""
        for stream in self.streams:
            stream.stop("the chat was closed")
            stream.result.exception(timeout=_CLOSING_S)

    async def _in_turn(self, command: Callable[[], Awaitable[None]]) -> None:
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            await command()
