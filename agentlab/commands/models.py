"""`agentlab models`: the vendors, and what is known of their models."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from agentlab.commands.known_models import known_models, known_vendors, live_models
from agentlab.commands.parser import Commands
from agentlab.commands.table import print_json, print_table
from agentlab.errors import UsageError
from agentlab.models.verifying import verify

__all__ = ["add_models"]

_VENDOR_HEADINGS: Final = (
    "vendor",
    "name",
    "wire",
    "default model",
    "models",
    "key",
    "needed",
    "key set",
    "address",
)
_MODEL_HEADINGS: Final = (
    "model",
    "context",
    "$/M in",
    "$/M read",
    "$/M write",
    "$/M out",
    "cache",
    "cached from",
)


def add_models(commands: Commands) -> None:
    """Add the command to the parser."""
    models = commands.add_parser(
        "models", help="list the vendors, or what is known of a vendor's models: prices, context, cache"
    )
    models.add_argument("vendor", nargs="?", help="what stands before the colon in vendor:model")
    models.add_argument("--live", action="store_true", help="ask the vendor which models it has now")
    models.add_argument(
        "--verify",
        action="store_true",
        help="make sure that the vendor, or a model given as vendor:model, can be reached with the key",
    )
    models.add_argument("--json", action="store_true", help="print JSON")
    models.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> int:
    if options.vendor is None:
        if options.live or options.verify:
            raise UsageError("name the vendor that is to be asked: `agentlab models openai --live`")
        if options.json:
            print_json(known_vendors())
        else:
            print_table(known_vendors(), _VENDOR_HEADINGS)
        return 0
    if options.verify:
        found = asyncio.run(verify(options.vendor))
        print(f"{found.name} is well: proved by its {found.by} in {found.seconds:.2f} s")
        return 0
    known = asyncio.run(live_models(options.vendor)) if options.live else known_models(options.vendor)
    if options.json:
        print_json(known)
    elif known:
        print_table(known, _MODEL_HEADINGS)
    else:
        where = "listed" if options.live else "known offline"
        print(f"agentlab: no model of `{options.vendor}` is {where}", file=sys.stderr)
    return 0
