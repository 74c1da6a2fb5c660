"""The way in: a chat with an agent, in a terminal or through a pipe."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from agentlab.agent import Agent
from agentlab.chat import Chat
from agentlab.errors import MissingExtra
from agentlab.terminal.assistant_conversation import AssistantConversation
from agentlab.terminal.conversation import Conversation
from agentlab.terminal.plain_chat import run_plain_chat
from agentlab.terminal.reading import PromptReader, history_file_of
from agentlab.terminal.screen import Screen
from agentlab.terminal.talk import Talk
from agentlab.terminal.terminal_chat import TerminalChat

__all__ = ["run_chat"]


def run_chat(
    who: Agent | Chat,
    *,
    title: str | None = None,
    history_file: str | Path | None = None,
    show_reasoning: bool = True,
) -> int:
    """Talk with an agent, or in a session, until the user leaves.

    In a terminal: several lines with Alt+Enter, earlier prompts with the arrow keys, answers as Markdown while they come,
    a line for each tool call and for what each answer took; tools that ask are asked about. Where input or output is a
    pipe, each line is a prompt and the answers are plain text. Nothing a model says can act on the terminal.

        run_chat(agentlab.Agent("openai:gpt-5.6", tools=[add]))
        run_chat(agentlab.Chat("openai:gpt-5.6", workspace="."))       # kept in a session

    Args:
        who: Who answers: an agent, whose conversation ends with the chat, or the chat of a session.
        title: What the chat is called; the agent's name where None.
        history_file: Where earlier prompts are kept; in the system's folder for the state of programs where None.
        show_reasoning: Whether the model's reasoning is shown in a terminal.

    Returns:
        The exit status: 0, or 1 where a prompt from a pipe failed.

    Raises:
        MissingExtra: The packages for a terminal are not installed.
    """
    conversation: Talk = AssistantConversation(who) if isinstance(who, Chat) else Conversation(who)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return run_plain_chat(conversation, sys.stdin, sys.stdout, sys.stderr)
    for package in ("prompt_toolkit", "rich"):
        if find_spec(package) is None:
            raise MissingExtra(f"a chat in a terminal needs `{package}`: pip install 'agentlab[terminal]'")
    kept_in = history_file_of() if history_file is None else Path(history_file)
    chat = TerminalChat(
        conversation, PromptReader(kept_in), Screen(sys.stdout), show_reasoning=show_reasoning
    )
    return chat.run(conversation.agent.name if title is None else title)
