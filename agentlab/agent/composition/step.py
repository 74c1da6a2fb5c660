"""A step of a pipeline: an async function of one value."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from agentlab.errors import UsageError

__all__ = ["Step", "all_of", "in_turn", "step_of"]

Step = Callable[[Any], Awaitable[Any]]
_CLEANUP_S: Final = 5.0


def step_of(given: Any) -> Step:
    """A step of a pipeline, or of a function, plain or async; a plain one runs where it is called and must not block.

    Raises:
        UsageError: It is neither.
    """
    if hasattr(given, "call") and hasattr(given, "batch"):
        step: Step = given.call
        return step
    if not callable(given):
        raise UsageError(
            f"a step is a function or a pipeline, not {given!r}; put an agent in with `.prompt(agent)`"
        )

    async def apply(value: Any) -> Any:
        result = given(value)
        return await result if inspect.isawaitable(result) else result

    return apply


async def all_of(steps: Sequence[Step], value: Any) -> tuple[Any, ...]:
    """What each step makes of one value, all at the same time; the first that fails ends the others."""
    return tuple(await _together([step(value) for step in steps]))


async def in_turn(step: Step, values: Sequence[Any], concurrency: int) -> list[Any]:
    """What a step makes of each value, in their order, so many at a time; the first that fails ends the others.

    Raises:
        UsageError: `concurrency` is not positive.
    """
    if concurrency < 1:
        raise UsageError(f"`concurrency` is how many run at the same time, 1 or more, not {concurrency}")
    slots = asyncio.Semaphore(concurrency)

    async def one(value: Any) -> Any:
        async with slots:
            return await step(value)

    return await _together([one(value) for value in values])


async def _together(work: Sequence[Awaitable[Any]]) -> list[Any]:
    """The results in order. Unlike `gather`, nothing goes on behind the caller's back when one fails or all are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in work]
    if not tasks:
        return []
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next(
            (task for task in tasks if task.done() and not task.cancelled() and task.exception()), None
        )
        if failed is not None:
            failed.result()
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_CLEANUP_S)
