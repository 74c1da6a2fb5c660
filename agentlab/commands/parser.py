"""Words that several commands take."""

from __future__ import annotations

import argparse
from typing import Protocol

__all__ = ["Commands", "add_agent_options"]


class Commands(Protocol):
    """Where a command adds its parser; argparse has no public name for it."""

    def add_parser(
        self,
        name: str,
        *,
        help: str | None = None,  # noqa: A002 - argparse's
        description: str | None = None,
    ) -> argparse.ArgumentParser:
        """Add a command."""
        ...


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add what an agent is made of on the command line, beside its model."""
    parser.add_argument("--preamble", help="system prompt")
    parser.add_argument(
        "--tool",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="a function or a tool of a module, or a list or set of them; may be given several times",
    )
