"""`agentlab chat`: talk to a model, or to an agent of a module."""

from __future__ import annotations

import argparse

from agentlab.agent import Agent
from agentlab.commands.parser import Commands, add_agent_options
from agentlab.commands.targets import named_tools
from agentlab.terminal import run_chat

__all__ = ["add_chat"]


def add_chat(commands: Commands) -> None:
    """Add the command to the parser."""
    chat = commands.add_parser("chat", help="talk to a model in the terminal")
    chat.add_argument("model", help="vendor:model, or sim:vendor/model")
    add_agent_options(chat)
    chat.set_defaults(run=_chat)


def _chat(options: argparse.Namespace) -> int:
    agent = Agent(options.model, preamble=options.preamble, tools=named_tools(options.tool))
    return run_chat(agent, title=options.model)
