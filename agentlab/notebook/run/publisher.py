"""When the front end hears of a change: numbered patches, at most 15 a second, and snapshots where patches were lost.

A kernel's messages are dropped above 1,000 a second (jupyter_server's rate limit), silently at a full socket, and always
before the view is mounted. So changes are gathered, patches are numbered, and whoever misses one asks for a snapshot. In a
silence empty patches follow the last one: else nobody would miss it. Each message costs half a kilobyte of headers, and
more than 15 a second look no smoother.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from agentlab.notebook.run.projection import Operation

__all__ = ["Channel", "Publisher", "Source", "call_later"]

FAST_S: Final = 1 / 15
SLOW_S: Final = 1 / 10
LARGE: Final = 30_000
SILENCES_S: Final = (0.5, 1.0, 2.0)
UNHEARD_S: Final = 0.5


class Source(Protocol):
    """What is to be told: `Projection` of one run, `RunsProjection` of several."""

    def patch(self) -> list[Operation]:
        """The operations since the last call; empty where nothing changed."""

    def document(self) -> dict[str, Any]:
        """The whole as of now; later patches start from it."""


class Channel(Protocol):
    """The way to the front end."""

    def send_patch(self, patch: dict[str, Any]) -> None:
        """Send one message; it may be lost."""

    def put_snapshot(self, snapshot: dict[str, Any]) -> None:
        """Set the synced state that a view reads when it mounts."""


def call_later(delay_s: float, callback: Callable[[], None]) -> bool:
    """Call back on the running loop after `delay_s` seconds; False where no loop runs in this thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    loop.call_later(delay_s, callback)
    return True


class Publisher:
    """Tells one front end of one document. Safe to call from any thread.

    Args:
        projection: What the front end has been told.
        channel: The way to it.
        size: Characters of content; a large view is painted, and so told, half as often.
        clock: Seconds, monotonic.
        later: Schedules a callback; returns whether it could.
        lock: Guards the run and the projection.
    """

    def __init__(
        self,
        projection: Source,
        channel: Channel,
        *,
        size: Callable[[], int],
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], bool] = call_later,
        lock: threading.RLock | None = None,
    ) -> None:
        self._projection = projection
        self._channel = channel
        self._size = size
        self._clock = clock
        self._later = later
        self._lock = lock if lock is not None else threading.RLock()
        self._sequence = 0
        self._next_at = clock()
        self._scheduled = False
        self._closed = False
        self._heard = False
        self._unheard_s = UNHEARD_S
        self._snapshot_at = clock() + UNHEARD_S
        self._told_at = clock()
        self._silences = 0
        self._listening = False

    def changed(self) -> None:
        """The run has changed: tell the front end now where it is time, else as soon as it is."""
        with self._lock:
            now = self._clock()
            if now >= self._next_at:
                self._flush(now)
            elif not self._scheduled:
                self._scheduled = self._later(self._next_at - now, self._wake)

    def snapshot(self) -> None:
        """A view was mounted or lost a patch: give it the whole."""
        with self._lock:
            self._heard = True
            if not self._closed:
                self._put_snapshot()

    def close(self, *, with_snapshot: bool = False) -> None:
        """Tell the rest at once; nothing is sent afterwards.

        Args:
            with_snapshot: Leave the whole behind, for views that mount later.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if with_snapshot:
                self._put_snapshot()
            else:
                self._send()

    def _wake(self) -> None:
        with self._lock:
            self._scheduled = False
            if not self._closed:
                self._flush(self._clock())

    def _flush(self, now: float) -> None:
        self._next_at = now + (FAST_S if self._size() < LARGE else SLOW_S)
        if not self._heard and now >= self._snapshot_at:
            # A kernel whose main thread is blocked by a sync call never hears that a view has mounted.
            self._unheard_s *= 2
            self._snapshot_at = now + self._unheard_s
            self._put_snapshot()
        else:
            self._send()

    def _send(self) -> None:
        operations = self._projection.patch()
        if operations:
            self._send_patch(operations)
            self._told_at = self._clock()
            self._silences = 0
            self._await_silence()

    def _send_patch(self, operations: list[Operation]) -> None:
        self._sequence += 1
        self._channel.send_patch({"type": "patch", "sequence": self._sequence, "operations": operations})

    def _await_silence(self) -> None:
        if self._closed or self._listening or self._silences == len(SILENCES_S):
            return
        ends_at = self._told_at + SILENCES_S[self._silences]
        self._listening = self._later(max(0.0, ends_at - self._clock()), self._in_silence)

    def _in_silence(self) -> None:
        """Nothing may have been told for a while: whoever missed the last patch learns it from the next number."""
        with self._lock:
            self._listening = False
            if not self._closed and self._clock() >= self._told_at + SILENCES_S[self._silences] - 1e-9:
                self._send_patch([])
                self._told_at = self._clock()
                self._silences += 1
            self._await_silence()

    def _put_snapshot(self) -> None:
        self._sequence += 1
        self._channel.put_snapshot({"sequence": self._sequence, "document": self._projection.document()})
