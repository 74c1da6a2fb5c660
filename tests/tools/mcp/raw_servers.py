"""Clients of the servers written by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from agentlab.tools.mcp import McpClient
from tests.tools.mcp.hostile.wire import Server

__all__ = ["LONGEST_S", "ROOT", "client_of"]

ROOT = Path(__file__).parents[3]
LONGEST_S = 20.0


def client_of(scenario: type[Server], log: Path | None = None, **options: Any) -> McpClient:
    """A client of one scenario; what the server notes goes to `log`."""
    module = scenario.__module__.rpartition(".")[2]
    written = "/dev/null" if log is None else str(log)
    command = [
        sys.executable,
        "-S",
        "-m",
        "tests.tools.mcp.hostile.serve",
        module,
        scenario.__name__,
        written,
    ]
    given: dict[str, Any] = {
        "connect_timeout_s": LONGEST_S,
        "timeout_s": LONGEST_S,
        "grace_s": 0.2,
        "max_message_bytes": 1_000_000,
        "max_result_characters": 20_000,
        **scenario.limits,
        **options,
    }
    return McpClient(command, cwd=ROOT, name="server", **given)
