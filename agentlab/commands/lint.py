"""`agentlab lint`: what would move a cached prefix, found in notebooks and scripts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agentlab.caching.linting.finding import Findings
from agentlab.caching.linting.source_lint import lint_notebook, lint_script
from agentlab.commands.parser import Commands
from agentlab.errors import UsageError

__all__ = ["add_lint"]


def add_lint(commands: Commands) -> None:
    """Add the command to the parser."""
    lint = commands.add_parser(
        "lint",
        help="find clocks, random values and sets that reach an agent's prompt; "
        "exit status 1 where there are any, 2 where a file cannot be read",
    )
    lint.add_argument("files", type=Path, nargs="+", help=".ipynb notebooks and .py scripts")
    lint.set_defaults(run=_lint)


def _lint(options: argparse.Namespace) -> int:
    found = unread = False
    for path in options.files:
        try:
            findings = _linted(path)
        except UsageError as error:
            unread = True
            print(f"agentlab: {error}", file=sys.stderr)
            continue
        for finding in findings:
            found = True
            print(f"{path}: {finding}")
    if not found and not unread:
        print("agentlab: nothing found", file=sys.stderr)  # stdout holds findings alone
    return 2 if unread else 1 if found else 0


def _linted(path: Path) -> Findings:
    """The findings in a file.

    Raises:
        UsageError: It cannot be read, or is neither notebook nor script; the sentence names the file.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name the notebooks in it, such as {path / '*.ipynb'}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return lint_script(text) if path.suffix == ".py" else lint_notebook(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
