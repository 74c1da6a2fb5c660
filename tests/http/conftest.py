"""Fixtures of the tests of the HTTP room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from agentlab.http.own_client import Transport
from tests.http.loopback import open_sockets


@pytest.fixture
async def nothing_remains() -> AsyncIterator[None]:
    """The test leaves the sockets and tasks it found."""
    sockets = open_sockets()
    yield
    for _ in range(10):  # the server's own handlers end within a few turns of the loop
        await asyncio.sleep(0)
    coroutines = [str(task.get_coro()) for task in asyncio.all_tasks()]
    assert [name for name in coroutines if "TestRunner" not in name] == []
    assert open_sockets() <= sockets


@pytest.fixture(params=get_args(Transport))
def transport(request: pytest.FixtureRequest) -> Transport:
    """Each library that can carry the bytes."""
    chosen: Transport = request.param
    return chosen
