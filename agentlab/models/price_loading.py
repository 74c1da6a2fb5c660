"""Loads the price table beside a model call, and not on its event loop: that would stand still for a third of a second.

The first call of a process starts it, in a thread, while it waits for its answer; the others find it done.
"""

from __future__ import annotations

import asyncio

from agentlab.caching.prices import load_prices, prices_loaded

__all__ = ["loading_prices"]


def loading_prices() -> asyncio.Future[None]:
    """Begin to load the table; done at once where it is there. Await it before the first price is asked for."""
    loop = asyncio.get_running_loop()
    if not prices_loaded():
        return loop.run_in_executor(None, load_prices)
    done = loop.create_future()
    done.set_result(None)
    return done
