"""Processes that write sessions, for tests that watch or kill them."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agentlab.sessions import Stored

__all__ = ["ROOT", "acknowledged", "assert_kept", "command", "writer"]

ROOT = Path(__file__).parents[2]


def command(path: Path, chats: int = 100_000, size: int = 600, synced: str = "synced") -> list[str]:
    """What starts a writer."""
    return [sys.executable, "-m", "tests.sessions.writer", str(path), str(chats), str(size), synced]


@contextmanager
def writer(path: Path, *, chats: int = 100_000, size: int = 600) -> Iterator[subprocess.Popen[bytes]]:
    """A writing process that has begun; killed at the end, wherever it is."""
    with subprocess.Popen(command(path, chats, size), stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"begin\n"
            yield process
        finally:
            process.kill()


def acknowledged(lines: Sequence[bytes]) -> dict[int, int]:
    """Id to checksum of every entry in what a writer said; a line cut off by its death says nothing."""
    whole = [line for line in lines if line.endswith(b"\n") and b":" in line]
    pairs = [pair.split(b":") for line in whole for pair in line.split()]
    return {int(entry_id): int(checksum) for entry_id, checksum in pairs}


def assert_kept(said: dict[int, int], found: Sequence[Stored]) -> None:
    """Check that every acknowledged entry is there, and is what was acknowledged."""
    there = {stored.id: zlib.crc32(stored.raw) for stored in found}
    assert {entry_id: there.get(entry_id) for entry_id in said} == said
