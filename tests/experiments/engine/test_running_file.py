"""The file that lets workers go on, and stops them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from agentlab.errors import StoreUnusable
from agentlab.experiments.engine.running_file import KeptFresh, RunningFile


def test_workers_go_on_while_the_driver_has_the_file_and_stop_when_it_is_removed(tmp_path: Path) -> None:
    store = tmp_path / "a.agentlab.db"
    seen = RunningFile(store, "x")
    assert not seen.goes_on()
    with KeptFresh(RunningFile(store, "x")) as kept:
        assert seen.is_there
        assert seen.goes_on()
        kept.remove()
        assert not seen.goes_on()
    assert not seen.is_there


def test_a_file_nobody_touches_is_as_good_as_none_until_it_is_touched_again(tmp_path: Path) -> None:
    seen = RunningFile(tmp_path / "a.agentlab.db", "x", lease_s=0.0)
    seen.path.parent.mkdir()
    seen.path.touch()
    assert not seen.goes_on()
    patient = RunningFile(tmp_path / "a.agentlab.db", "x", lease_s=3600)
    assert patient.goes_on()
    os.utime(seen.path, ns=(1, 1))
    assert patient.goes_on()


def test_the_driver_touches_the_file(tmp_path: Path) -> None:
    file = RunningFile(tmp_path / "a.agentlab.db", "x")
    until = time.monotonic() + 30
    with KeptFresh(file, touch_s=0.001):
        os.utime(file.path, ns=(1, 1))
        while file.path.stat().st_mtime_ns == 1 and time.monotonic() < until:
            pass
        assert file.path.stat().st_mtime_ns > 1


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.agentlab.db-segments").write_text("in the way")
    with (
        pytest.raises(StoreUnusable, match="cannot be written"),
        KeptFresh(RunningFile(tmp_path / "a.agentlab.db", "x")),
    ):
        raise AssertionError
