"""`agentlab demo`: the quickstart agent, or a notebook, without a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from agentlab.commands.parser import Commands
from agentlab.demo import run_demo, run_notebook

__all__ = ["add_demo"]


def add_demo(commands: Commands) -> None:
    """Add the command to the parser."""
    demo = commands.add_parser(
        "demo", help="run the quickstart agent against the simulator and print its answer"
    )
    demo.add_argument(
        "--model", default="sim:anthropic/claude-sonnet-4-6", help="vendor:model (default: %(default)s)"
    )
    demo.add_argument("--notebook", type=Path, help="execute this notebook instead")
    demo.add_argument("--html", type=Path, help="with --notebook: write the executed notebook here as HTML")
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    if options.notebook is not None:
        return run_notebook(options.notebook, options.html)
    return run_demo(options.model)
