"""Runs one scenario: `python -S -m tests.tools.mcp.hostile.serve MODULE CLASS LOG`."""

from __future__ import annotations

import importlib
import sys

if __name__ == "__main__":
    module, scenario, log = sys.argv[1:]
    getattr(importlib.import_module(f"tests.tools.mcp.hostile.{module}"), scenario)(log).run()
