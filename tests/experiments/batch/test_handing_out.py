"""Outcomes are handed out side by side, so many at a time; a failure ends what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from agentlab.experiments.batch.handing_out import HandingOut

pytestmark = pytest.mark.anyio


async def test_so_many_run_at_once_and_all_are_waited_for() -> None:
    running, most, done = 0, 0, 0
    gate = asyncio.Event()

    async def work() -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        if running == 3:
            gate.set()
        await gate.wait()
        running -= 1
        done += 1

    async with HandingOut(3) as handing:
        for _ in range(9):
            await handing.start(work())
    assert (most, done) == (3, 9)


async def test_a_failure_is_raised_and_ends_the_others() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        raise OSError("no space left")

    async def never() -> None:
        ended.append("never")

    async def all_of(*works: Coroutine[Any, Any, None], at_once: int) -> None:
        async with HandingOut(at_once) as handing:
            for work in works:
                await handing.start(work)

    with pytest.raises(OSError, match="no space"):
        await all_of(waits(), fails(), never(), at_once=2)
    assert ended == ["waits"]
    with pytest.raises(OSError, match="no space"):
        await all_of(waits(), fails(), at_once=9)
    assert ended == ["waits", "waits"]


async def test_a_failure_of_the_block_ends_the_works() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with HandingOut() as handing:
            await handing.start(waits())
            await begun.wait()
            raise KeyError

    with pytest.raises(KeyError):
        await block()
    assert ended.is_set()
