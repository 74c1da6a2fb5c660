"""Keeps connections open from one batch to the next: a batch of its own would greet the provider anew for every place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from agentlab.models import Model

__all__ = ["OpenSessions"]

_IDLE_S: Final = 2.0


class OpenSessions:
    """The sessions of models, open while a batch runs and a little longer. Belongs to one event loop.

    Args:
        models: The models.
        idle_s: Seconds without a batch after which connections are closed.
    """

    def __init__(self, models: Iterable[Model], *, idle_s: float = _IDLE_S) -> None:
        self._models = list({id(model): model for model in models}.values())
        self._idle_s = idle_s
        self._users = 0
        self._changed: asyncio.Event | None = None
        self._keeping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Keep the sessions open while the block runs."""
        if self._changed is None or self._keeping is None or self._keeping.done():
            self._changed = asyncio.Event()
            self._keeping = asyncio.create_task(self._keep_open(self._changed))
        changed = self._changed
        self._users += 1
        changed.set()
        try:
            yield
        finally:
            self._users -= 1
            changed.set()

    async def closed(self) -> None:
        """Wait until connections are closed."""
        if self._keeping is not None:
            await self._keeping

    async def _keep_open(self, changed: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            for model in self._models:
                await stack.enter_async_context(model.session())
            while True:
                changed.clear()
                try:
                    async with asyncio.timeout(None if self._users else self._idle_s):
                        await changed.wait()
                except TimeoutError:
                    return
