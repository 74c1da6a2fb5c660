"""`agentlab simulate`: the simulated providers, for clients outside this process."""

from __future__ import annotations

import argparse
import threading

from agentlab.commands.parser import Commands
from agentlab.simulator import serve

__all__ = ["add_simulate"]


def add_simulate(commands: Commands) -> None:
    """Add the command to the parser."""
    simulate = commands.add_parser(
        "simulate", help="serve the simulated providers on 127.0.0.1 until interrupted"
    )
    simulate.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    simulate.add_argument("--seed", type=int, default=0, help="seed of ids and draws (default: 0)")
    simulate.set_defaults(run=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    with serve(port=options.port, seed=options.seed) as simulator:
        print(f"simulated providers at {simulator.url}\ntoken (use it as the API key): {simulator.token}")
        for vendor in ("openai", "anthropic", "gemini", "ollama"):
            print(f"  {vendor:<10} base URL {simulator.base_url(vendor)}")
        print("press Ctrl-C to stop", flush=True)
        threading.Event().wait()
    return 0
