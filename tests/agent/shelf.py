"""An index that finds what it is told to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from agentlab.retrieval import Hit

__all__ = ["Shelf", "hits_of"]

Finds = Sequence[Hit] | Callable[[str], Sequence[Hit] | Awaitable[Sequence[Hit]]]


def hits_of(*texts: str) -> list[Hit]:
    """Documents `d0`, `d1`, ... with these texts, the best first."""
    return [Hit(1 - place / 10, f"d{place}", text) for place, text in enumerate(texts)]


class Shelf:
    """Gives the first `n` of its hits, whatever it is asked.

    Args:
        finds: The hits, or a function of the query that gives them, waits or fails.
        name: Its name.
        turns: How many turns of the loop it takes to answer.

    Attributes:
        asked: The arguments of each search.
    """

    def __init__(self, finds: Finds = (), name: str = "shelf", *, turns: int = 0) -> None:
        self.name = name
        self.asked: list[dict[str, Any]] = []
        self._finds = finds
        self._turns = turns

    async def top_n(
        self, query: str, n: int = 5, *, threshold: float | None = None, filter: Any = None
    ) -> list[Hit]:
        """What it was told to find."""
        self.asked.append({"query": query, "n": n, "threshold": threshold, "filter": filter})
        for _ in range(self._turns):
            await asyncio.sleep(0)
        found = self._finds(query) if callable(self._finds) else self._finds
        return list(await found if isinstance(found, Awaitable) else found)[:n]
