"""Between a row and its acknowledgement stands a sync of the file it was written to: a power cut loses nothing either."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.sessions.processes import ROOT, acknowledged, command
from tests.sessions.tracing import Call, calls, strace

CHATS = 17  # of six batches each
WRITES = ("pwrite64", "pwritev", "write")
SYNCS = ("fsync", "fdatasync")


def traced(tmp_path: Path, synced: str) -> tuple[list[Call], int]:
    """What a writer asked of the system, and how many lines it acknowledged."""
    trace = tmp_path / "trace"
    run = [strace(), "-f", "-y", "-s", "12", "-e", f"trace={','.join(WRITES + SYNCS)}", "-o", str(trace)]
    done = subprocess.run(
        [*run, *command(tmp_path / "a.sqlite", CHATS, 600, synced)],
        cwd=ROOT, stdout=subprocess.PIPE, timeout=120, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines(keepends=True)
    assert len(acknowledged(lines)) >= 100
    return list(calls(trace.read_text().splitlines())), sum(b":" in line for line in lines)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Call], int, Path]:
    """What a writer asked of the system, how many lines it acknowledged, and in which folder."""
    folder = tmp_path_factory.mktemp("synced")
    return (*traced(folder, "synced"), folder)


def safe_acknowledgements(seen: Sequence[Call]) -> list[bool]:
    """For each acknowledgement whether rows were written since the last one, and synced after the last of those writes."""
    safe, wrote, dirty = [], False, False
    for call in seen:
        is_log = call.path.endswith((".sqlite", ".sqlite-wal"))
        if is_log and call.name in WRITES:
            wrote = dirty = True
        elif is_log and call.name in SYNCS and call.path.endswith("-wal"):
            dirty = False
        elif call.name == "write" and "pipe:" in call.path and ":" in call.rest.split(",")[1]:
            safe.append(wrote and not dirty)
            wrote = False
    return safe


def test_every_acknowledgement_comes_after_a_sync_of_its_rows(synced: tuple[list[Call], int, Path]) -> None:
    seen, said, _ = synced
    safe = safe_acknowledgements(seen)
    assert len(safe) == said >= 100
    assert all(safe)


def test_the_test_sees_a_sync_that_is_missing(tmp_path: Path) -> None:
    seen, said = traced(tmp_path, "unsynced")
    safe = safe_acknowledgements(seen)
    assert len(safe) == said
    assert not any(safe)


def test_a_new_session_is_synced_with_the_folder_that_names_it(
    synced: tuple[list[Call], int, Path],
) -> None:
    seen, _, folder = synced
    before = seen[
        : next(place for place, call in enumerate(seen) if "pipe:" in call.path and "begin" not in call.rest)
    ]
    done = [call.path for call in before if call.name in SYNCS]
    assert str(folder / "a.making") in done or str(folder / "a.making-wal") in done
    assert done.count(str(folder)) >= 1
