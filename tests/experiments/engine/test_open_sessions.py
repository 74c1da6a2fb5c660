"""Connections between batches: opened once, closed when no batch came for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agentlab.experiments.engine.open_sessions import OpenSessions

pytestmark = pytest.mark.anyio


class Counted:
    """A model that counts how often its session is opened and closed."""

    def __init__(self) -> None:
        self.opened = self.closed = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        self.opened += 1
        try:
            yield
        finally:
            self.closed += 1


async def test_batches_one_after_the_other_share_a_session() -> None:
    asked: Any = Counted()
    sessions = OpenSessions([asked, asked], idle_s=3600)
    for _ in range(3):
        async with sessions.used(), sessions.used():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert (asked.opened, asked.closed) == (1, 0)
    assert sessions._keeping is not None
    sessions._keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sessions.closed()
    assert asked.closed == 1


async def test_a_session_nobody_uses_is_closed_and_opened_again_when_needed() -> None:
    asked: Any = Counted()
    sessions = OpenSessions([asked], idle_s=0.0)
    for number in (1, 2):
        async with sessions.used():
            for _ in range(10):
                await asyncio.sleep(0)  # a session in use is not idle
            assert (asked.opened, asked.closed) == (number, number - 1)
        await sessions.closed()
        assert asked.closed == number
