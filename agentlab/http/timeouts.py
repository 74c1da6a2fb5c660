"""How long a model call may wait, and for what."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds a model call may wait. None waits for ever.

    Attributes:
        connect: To open the connection, TLS included.
        event_gap: Between two pieces of the answer, the first included. Reasoning models can be silent for long.
        write: To send a piece of the request.
        pool: For a free connection.
        wall_clock: For one attempt as a whole, from the first byte sent to the last received.
    """

    connect: float | None = 5.0
    event_gap: float | None = 90.0
    write: float | None = 30.0
    pool: float | None = 30.0
    wall_clock: float | None = None
