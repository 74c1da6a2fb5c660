"""The command line: `agentlab demo`, `chat`, `serve`, `sessions`, `models`, `login`, `logout`, `simulate`, `lint`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from agentlab import __version__
from agentlab.commands.chat import add_chat
from agentlab.commands.demo import add_demo
from agentlab.commands.lint import add_lint
from agentlab.commands.login import add_login, add_logout
from agentlab.commands.models import add_models
from agentlab.commands.serve import add_serve
from agentlab.commands.sessions import add_sessions
from agentlab.commands.simulate import add_simulate
from agentlab.errors import AgentlabError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status.

    Args:
        arguments: Words after the program's name; those of the process where None.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except AgentlabError as error:
        print(f"agentlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentlab", description="A lab bench for LLM agents.")
    parser.add_argument("--version", action="version", version=f"agentlab {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    for add in (
        add_demo,
        add_chat,
        add_serve,
        add_sessions,
        add_models,
        add_login,
        add_logout,
        add_simulate,
        add_lint,
    ):
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
