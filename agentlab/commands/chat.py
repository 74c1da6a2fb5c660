"""`agentlab chat`: talk to a model, or to the assistant of a workspace, in a session that lasts."""

from __future__ import annotations

import argparse
from pathlib import Path

from agentlab.agent import Agent
from agentlab.chat import Chat
from agentlab.commands.parser import Commands, add_agent_options
from agentlab.commands.targets import named_tools
from agentlab.errors import UsageError
from agentlab.terminal import run_chat

__all__ = ["add_chat", "add_session_options", "chat_in_session"]


def add_chat(commands: Commands) -> None:
    """Add the command to the parser."""
    chat = commands.add_parser(
        "chat",
        help="talk to a model in the terminal; with --workspace to an assistant that works in a folder",
    )
    chat.add_argument(
        "model",
        nargs="?",
        help="vendor:model, sim:vendor/model, or a vendor; what the session says where not given",
    )
    add_agent_options(chat)
    chat.add_argument("--session", metavar="ID", help="go on with a session; see `agentlab sessions list`")
    chat.add_argument(
        "--sessions",
        type=Path,
        metavar="FOLDER",
        help="where sessions are kept; AGENTLAB_SESSIONS where not given",
    )
    add_session_options(chat)
    chat.set_defaults(run=_chat)


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add what a chat in a session is made of, beside its model and the session."""
    parser.add_argument(
        "--workspace",
        type=Path,
        metavar="FOLDER",
        help="the folder the assistant works in; it sees nothing else",
    )
    parser.add_argument("--persona", help="the .md file of a persona")
    parser.add_argument("--plan", action="store_true", help="begin in plan mode")


def _chat(options: argparse.Namespace) -> int:
    if options.workspace is None and options.session is None:
        if options.model is None:
            raise UsageError("name a model, such as `agentlab chat openai`, or a session to go on with")
        agent = Agent(options.model, preamble=options.preamble, tools=named_tools(options.tool))
        return run_chat(agent, title=options.model)
    if options.preamble is not None:
        raise UsageError("an assistant has a persona: write the preamble into one and give --persona FILE")
    return chat_in_session(options, options.model, options.session, options.sessions)


def chat_in_session(
    options: argparse.Namespace, model: str | None, session: str | None, folder: Path | None
) -> int:
    """Talk to the assistant of a workspace.

    Args:
        options: Those of `add_session_options`, and `tool`.
        model: Who answers; what the session says where None.
        session: Id of a session; a new one where None.
        folder: Where sessions are kept; the user's own where None.
    """
    with Chat(
        model,
        options.workspace,
        session,
        sessions=folder,
        persona=options.persona,
        tools=named_tools(options.tool),
    ) as chat:
        if options.plan and chat.mode != "plan":
            chat.set_mode("plan")
        return run_chat(chat, title=chat.session.title or chat.session.id)
