"""A writer is killed: the file is the old one or the new one, whole, and nothing is left after the next opening."""

import json
import os
import subprocess
import sys

import pytest

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
posix = pytest.mark.skipif(os.name != "posix", reason="needs processes that fork and are killed")


def reports(*words):
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.workspace.killed_writer", *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(report):
    assert report["is_whole"]
    assert report["strays"] <= 1
    assert report["strays_after_opening"] == 0
    assert report["journals_after_opening"] == 0
    assert report["shown"] == ["docs", "docs/target"]


@posix
def test_a_writer_killed_before_any_of_its_system_calls_leaves_old_or_new(quick_path):
    found = reports("sweep", quick_path)
    for report in found:
        check(report)
    killed = [report for report in found if report["was_killed"]]
    assert len(killed) > 15
    assert not found[-1]["was_killed"]
    versions = [report["version"] for report in killed]
    assert versions == sorted(versions)  # old up to the rename, new from there on
    assert set(versions) == {1, 2}
    assert sum(report["strays"] for report in killed) > 3


@posix
def test_a_writer_killed_at_a_random_moment_leaves_a_whole_file(tmp_path):
    for report in reports("random", tmp_path, 8, 1):
        assert report["was_killed"]
        check(report)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="200 kills run in `make gauntlet`")
@posix
def test_200_writers_killed_at_random_moments_leave_whole_files(tmp_path):
    found = reports("random", tmp_path, 200, 2)
    assert len(found) == 200
    for report in found:
        assert report["was_killed"]
        check(report)
    with_strays = sum(report["strays"] for report in found)
    print(
        f"{with_strays} kills left a stray; versions reached {sorted({report['version'] for report in found})[-5:]}"
    )
    assert with_strays > 10
