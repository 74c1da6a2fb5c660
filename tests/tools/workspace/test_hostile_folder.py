"""Pipes, devices, sockets, loops, ten sparse gigabytes and a million entries: no verb hangs or fills the memory."""

import json
import os
import subprocess
import sys

import pytest

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
MOST_MEGABYTES = 64

pytestmark = pytest.mark.skipif(
    not os.path.isfile("/proc/self/status"), reason="pipes, devices and /proc are of Linux"
)


def report_of(folder, entries, timeout):
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.workspace.hostile_folder", str(folder), str(entries)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return report_of(tmp_path_factory.mktemp("hostile"), 20_000, 120)


def test_the_memory_stays_bounded(report):
    assert report["growth_megabytes"] < MOST_MEGABYTES


@pytest.mark.parametrize("name", ["pipe", "socket", "zero", "random", "tty"])
def test_what_is_neither_file_nor_folder_is_told_and_never_opened(report, name):
    outcomes = report["outcomes"]
    if f"info {name}" not in outcomes:
        pytest.skip("only root may make devices")
    assert outcomes[f"info {name}"] == "done"
    for verb in ("read", "write", "touch"):
        assert "pipe, device or socket" in outcomes[f"{verb} {name}"]
    assert outcomes[f"remove {name}"] == "done"


@pytest.mark.parametrize(
    "name",
    ["to-zero", "to-environ", "to-root", "to-fd", "to-kmsg", "loop", "ping", "here", "above", "nowhere"],
)
def test_links_are_told_and_never_followed(report, name):
    outcomes = report["outcomes"]
    for verb in ("read", "write", "touch", "children", "walk", "read below", "write below", "make_folder"):
        assert "links are not followed" in outcomes[f"{verb} {name}"]
    for verb in ("info", "move", "remove"):
        assert outcomes[f"{verb} {name}"] == "done"


def test_of_a_huge_file_only_what_was_asked_for_is_read(report):
    assert report["outcomes"]["read sparse"] == 1024 * 1024
    assert "too large to compare" in report["outcomes"]["write sparse"]


def test_a_folder_of_many_entries_is_counted(report):
    # One file of them was removed and put back, one folder was made.
    assert report["many"] == [50, 20_001 - 50, True]
    assert report["outcomes"]["walk many"] == 20_000
    assert report["outcomes"]["walk deep"] == 199


def test_names_that_no_path_can_hold_are_shown_with_escapes(report):
    assert report["names"] == [
        "names/...",
        r"names/back\\slash",
        r"names/bell\x07",
        r"names/caf\xe9",
        r"names/folder\xff",
        r"names/new\nline",
        "names/nul.txt",
        "names/" + r"\xff" * 250,
    ]


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="a million entries are made in `make gauntlet`")
def test_a_million_entries_neither_hang_nor_fill_the_memory(tmp_path):
    report = report_of(tmp_path, 1_000_000, 900)
    print(report["slowest"], report["growth_megabytes"], report["many"])
    assert report["growth_megabytes"] < MOST_MEGABYTES
    assert report["slowest"][0][0] < 1.0
    shown, left, is_complete = report["many"]
    assert (shown, is_complete) == (50, False)
    assert left > 40_000
