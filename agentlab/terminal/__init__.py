"""A chat with an agent in the terminal."""

from agentlab.terminal.chat import run_chat

__all__ = ["run_chat"]
