"""Where the public servers and the conformance suite are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["package", "server_folder", "suitable_node"]


def server_folder() -> Path:
    """The folder that `.ci/mcp_servers` filled; without it a test is skipped, or fails where nothing may be missing."""
    folder = os.environ.get("AGENTLAB_MCP_SERVERS")
    if not folder:
        missing = "no public MCP servers: run `.ci/mcp_servers build/mcp`, and put the folder into AGENTLAB_MCP_SERVERS"
        (pytest.fail if os.environ.get("AGENTLAB_STRICT") == "1" else pytest.skip)(missing)
    return Path(str(folder)).resolve()


def suitable_node() -> str:
    """The Node that came with the servers, or the machine's own."""
    brought = sorted(server_folder().glob("node_modules/node-linux-*/bin/node"))
    return str(brought[0]) if brought else shutil.which("node") or "node"


def package(name: str) -> str:
    """The program of one of the protocol's packages."""
    return str(server_folder() / "node_modules" / "@modelcontextprotocol" / name / "dist" / "index.js")
