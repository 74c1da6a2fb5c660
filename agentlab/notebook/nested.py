"""The one place that patches asyncio, and only when the user asks for it."""

from __future__ import annotations

__all__ = ["allow_nested_asyncio"]


def allow_nested_asyncio() -> None:
    """Let the user's own code call `asyncio.run` inside a running loop of this thread.

    The library never needs it: `await` works in a cell, and `prompt_sync` uses a background loop. It is for code of
    others that calls `asyncio.run` or `loop.run_until_complete` in a notebook and cannot be changed.

    It patches asyncio for the whole process, swaps tasks to the slower pure-Python ones, cannot patch uvloop, and does not
    help `anyio.run`. It cannot be undone without a restart of the kernel.
    """
    import nest_asyncio  # noqa: PLC0415 - patches on demand only, and is loaded only then

    nest_asyncio.apply()
