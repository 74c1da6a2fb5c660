"""Node, where the machine has it: a skip elsewhere, and a failure where every check must run."""

from __future__ import annotations

import os
import shutil

import pytest


def node_path() -> str:
    """Path of node."""
    path = shutil.which("node")
    if path is None:
        reason = "node is not installed: the JavaScript of the live view is not tested"
        if os.environ.get("AGENTLAB_STRICT") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
