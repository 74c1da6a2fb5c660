"""Hears that a server's tools changed, and has them listed anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from agentlab.errors import ToolServerFailed

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["keep_fresh", "listen_for_changes"]

_CALM_S: Final = 0.5
_PAUSES_S: Final = (0.1, 1.0, 5.0, 30.0)


async def keep_fresh(
    changed: asyncio.Event, refresh: Callable[[], Awaitable[None]], notes: dict[str, str]
) -> None:
    """List the tools anew whenever they changed, but not more often than twice a second; until cancelled.

    A call does not wait for this: it lists them itself where they may have changed.

    Args:
        changed: Set when the server says so.
        refresh: Lists them.
        notes: Where a failure is noted, under `refresh`.
    """
    while True:
        await changed.wait()
        changed.clear()
        try:
            await refresh()
        except ToolServerFailed as error:
            notes["refresh"] = str(error)
        await asyncio.sleep(_CALM_S)


async def listen_for_changes(client: Client, announce: Callable[[], None]) -> None:
    """Keep a subscription to changes open, as MCP has them since 2026; returns when it has ended too often.

    Args:
        client: The SDK's client.
        announce: Called whenever something may have changed unheard: before the first subscription, and between two. What a
            subscription itself brings is seen on the wire.
    """
    for pause in _PAUSES_S:
        with suppress(Exception):
            async with client.listen(tools_list_changed=True) as subscription:
                announce()
                async for _ in subscription:
                    pass
        announce()
        await asyncio.sleep(pause)
