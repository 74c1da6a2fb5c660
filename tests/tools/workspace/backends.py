"""The backends that the contract is proved for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agentlab.tools.workspace import DiskWorkspace, MemoryWorkspace, Workspace


class Ticking:
    """A time that moves on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


@contextmanager
def on_disk(folder: Path) -> Iterator[Workspace]:
    with DiskWorkspace(folder, now=Ticking()) as workspace:
        yield workspace


@contextmanager
def on_disk_by_name(folder: Path) -> Iterator[Workspace]:
    with DiskWorkspace(folder, by_name=True, now=Ticking()) as workspace:
        yield workspace


@contextmanager
def in_memory(folder: Path) -> Iterator[Workspace]:
    yield MemoryWorkspace(now=Ticking())


BACKENDS: dict[str, Callable] = {"disk": on_disk, "disk by name": on_disk_by_name, "memory": in_memory}
