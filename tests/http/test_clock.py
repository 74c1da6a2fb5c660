from __future__ import annotations

import asyncio
import time

import pytest

from agentlab.http import Clock, ManualClock, SystemClock


@pytest.mark.anyio
async def test_virtual_time_passes_at_once_and_lets_others_run() -> None:
    clock = ManualClock(start=100.0)
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    began = time.monotonic()
    task = asyncio.create_task(other())
    await clock.sleep(3600)
    assert time.monotonic() - began < 60
    assert (clock.time(), clock.monotonic(), clock.slept) == (3700.0, 3600.0, [3600])
    assert turns == ["other"]
    await task


def test_time_does_not_go_back() -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
    assert clock.monotonic() == 0


@pytest.mark.anyio
async def test_a_negative_sleep_takes_no_time() -> None:
    clock = ManualClock()
    await clock.sleep(-5)
    assert clock.monotonic() == 0
    await SystemClock().sleep(-5)


@pytest.mark.anyio
async def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    assert time.time() - 1 < clock.time() < time.time() + 1
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
