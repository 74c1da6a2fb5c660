"""Several connection pools that act as one.

httpcore looks through all connections of a pool whenever a request begins or ends, so one pool with many requests in
flight spends its time looking: with 64 of them, more than on the requests. Pools of a few requests each do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Pools"]


class _Closable(Protocol):
    async def aclose(self) -> None:
        """Close all connections."""


Client = TypeVar("Client", bound=_Closable)

_EACH: Final = 4
"""Requests in a pool before another one is opened; few enough to look through, many enough to keep pools few."""


class Pools(Generic[Client]):
    """Clients, opened as they are needed. A request goes to the first with room, so that connections are used again.

    Args:
        make: Opens a client.
        each: Requests in flight before the next client is opened; None puts all on one, as HTTP/2 wants.
    """

    def __init__(self, make: Callable[[], Client], *, each: int | None = _EACH) -> None:
        self._make = make
        self._each = each
        self._clients: list[Client] = [make()]
        self._in_flight = [0]

    @contextmanager
    def taken(self) -> Iterator[Client]:
        """A client for one request; give it back when the answer was read."""
        place = self._with_room()
        self._in_flight[place] += 1
        try:
            yield self._clients[place]
        finally:
            self._in_flight[place] -= 1

    def _with_room(self) -> int:
        if self._each is None:
            return 0
        for place, count in enumerate(self._in_flight):
            if count < self._each:
                return place
        self._clients.append(self._make())
        self._in_flight.append(0)
        return len(self._clients) - 1

    async def aclose(self) -> None:
        """Close all clients."""
        for client in self._clients:
            await client.aclose()
