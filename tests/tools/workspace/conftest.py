"""Fixtures of the workspace's tests."""

import os
import tempfile
from pathlib import Path

import pytest

from agentlab.tools.workspace import DiskWorkspace


@pytest.fixture
def quick_path(tmp_path):
    """An empty folder where a sync costs nothing (the machine's memory, where it offers that)."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="agentlab-") as folder:
        yield Path(folder)


@pytest.fixture(params=[False, True], ids=["held", "by name"])
def by_name(request):
    """Whether a disk's folders are reached by their names, the weaker way, or held open."""
    return request.param


@pytest.fixture
def workspace(tmp_path, by_name):
    """A workspace of a disk, in an empty folder."""
    root = tmp_path / "root"
    root.mkdir()
    with DiskWorkspace(root, by_name=by_name) as made:
        yield made


@pytest.fixture
def root(workspace):
    """The folder of that workspace."""
    return Path(workspace.folder)


@pytest.fixture
def outside(tmp_path):
    """A folder beside it, with a secret in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder
