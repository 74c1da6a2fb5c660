"""The file that says whether a sweep goes on: the driver keeps it fresh, and removes it to stop its workers.

It works with every executor, also where a task cannot be cancelled. Workers whose driver was killed stop too: a file that
nobody touches is as good as none. How long is measured on the worker's clock, so that clocks need not agree.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final, Self

from agentlab.errors import StoreUnusable
from agentlab.experiments.store.segment import segments_folder

__all__ = ["KeptFresh", "RunningFile"]

_TOUCH_S: Final = 5.0
_LEASE_S: Final = 60.0
"""Seconds between two touches, and without one after which workers stop."""


class RunningFile:
    """The file as a worker sees it.

    Args:
        store: The store's file.
        execution_id: Names the execution.
        lease_s: Seconds without a touch after which it counts as gone.
    """

    def __init__(self, store: Path, execution_id: str, *, lease_s: float = _LEASE_S) -> None:
        self.path = segments_folder(store) / f"{execution_id}.running"
        self._lease_s = lease_s
        self._touched = 0
        self._seen_at = 0.0

    @property
    def is_there(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def goes_on(self) -> bool:
        """Whether cells may be started."""
        try:
            touched = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        now = time.monotonic()
        if touched != self._touched:
            self._touched, self._seen_at = touched, now
        return now - self._seen_at < self._lease_s


class KeptFresh:
    """The file as the driver has it: there, and touched, from entering to leaving or `remove`.

    A thread touches it: the driver's event loop may be a notebook's, which stands still while another cell computes.

    Args:
        file: The file.
        touch_s: Seconds between two touches.
    """

    def __init__(self, file: RunningFile, *, touch_s: float = _TOUCH_S) -> None:
        self.file = file
        self._touch_s = touch_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._touch, name="agentlab-sweep", daemon=True)

    def remove(self) -> None:
        """Stop the workers."""
        self._over.set()
        self.file.path.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._over.wait(self._touch_s):
            try:
                self.file.path.touch(exist_ok=True)
            except OSError:
                continue  # a network folder that comes back
        self.file.path.unlink(missing_ok=True)  # a touch that was under way may have made it anew

    def __enter__(self) -> Self:
        try:
            self.file.path.parent.mkdir(parents=True, exist_ok=True)
            self.file.path.touch()
        except OSError as error:
            raise StoreUnusable(f"{self.file.path.parent} cannot be written: {error.strerror}") from error
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
        self._thread.join()
