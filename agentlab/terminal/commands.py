"""The commands of the chat: `/help`, `/model` and the others. Each changes the conversation and answers in plain lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentlab.errors import AgentlabError
from agentlab.messages import messages_to_json
from agentlab.plain_text import one_line, terminal_safe
from agentlab.terminal.lines import cost_words, usage_words
from agentlab.terminal.talk import Talk

__all__ = ["COMMANDS", "Command", "parse_command", "perform"]

_COMMAND: Final = re.compile(r"/([a-z]+)(?:\s+(.*))?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A line that speaks to the chat and not to the model.

    Attributes:
        name: Which command, without the slash.
        argument: What follows it.
    """

    name: str
    argument: str = ""


def parse_command(line: str) -> Command | None:
    """A line as a command; None where it is a prompt.

    A command is a slash, a word of small letters, and its argument; `exit` alone is one too. A prompt that looks like a
    command is written with two slashes.
    """
    stripped = line.strip()
    if stripped == "exit":
        return Command("exit")
    found = _COMMAND.match(stripped)
    return Command(found[1], (found[2] or "").strip()) if found else None


def perform(command: Command, conversation: Talk) -> list[str] | None:
    """Do what a command says.

    Args:
        command: The command.
        conversation: What it changes.

    Returns:
        Lines to show; None where the chat is to end.
    """
    if command.name == "exit":
        return None
    more = conversation.more_commands.get(command.name)
    if more is not None:
        try:
            return more.act(command.argument)
        except AgentlabError as error:
            return [_safe(str(error))]
    action = _ACTIONS.get(command.name)
    if action is None:
        return [
            f"there is no command /{one_line(command.name)}; /help lists them, and // begins a prompt with a slash"
        ]
    return action(conversation, command.argument)


def _help(conversation: Talk, argument: str) -> list[str]:  # noqa: ARG001 - every command's signature
    more = {each.usage: each.what for each in conversation.more_commands.values()}
    commands = {**COMMANDS, **more}
    width = max(len(usage) for usage in commands)
    return [
        *(f"{usage:<{width}}  {what}" for usage, what in commands.items()),
        "",
        "Enter sends; Alt+Enter, or a backslash before Enter, begins a new line.",
        "Ctrl+C stops an answer and keeps what has come; Ctrl+D leaves.",
    ]


def _model(conversation: Talk, argument: str) -> list[str]:
    if not argument:
        return [_safe(conversation.agent.model.name)]
    try:
        conversation.set_model(argument)
    except AgentlabError as error:
        return [_safe(str(error))]
    return [f"{_safe(conversation.agent.model.name)} answers from now on"]


def _reset(conversation: Talk, argument: str) -> list[str]:  # noqa: ARG001 - every command's signature
    conversation.reset()
    return ["the conversation begins anew"]


def _usage(conversation: Talk, argument: str) -> list[str]:  # noqa: ARG001 - every command's signature
    if not conversation.answers and conversation.usage.total_tokens is None:
        return ["nothing was asked yet"]
    cost = cost_words(conversation.cost_usd)
    if conversation.unpriced:
        unknown = f"{conversation.unpriced} of unknown price"
        cost = f"{cost} and {unknown}" if conversation.cost_usd else unknown
    answers = f"{conversation.answers} answer{'s' if conversation.answers != 1 else ''}"
    return [f"{answers} · {usage_words(conversation.usage)} · {cost}"]


def _save(conversation: Talk, argument: str) -> list[str]:
    if not argument:
        return ["say where: /save chat.json"]
    path = Path(argument).expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(messages_to_json(conversation.messages))
    except FileExistsError:
        return [f"{_safe(str(path))} is there already, and is left as it is"]
    except OSError as error:
        return [f"{_safe(str(path))} cannot be written: {error.strerror}"]
    kept = f"{len(conversation.messages)} messages are in {_safe(str(path))}"
    return [f"{kept}; `agentlab.messages_from_json` reads them"]


def _tools(conversation: Talk, argument: str) -> list[str]:  # noqa: ARG001 - every command's signature
    definitions = conversation.agent.tools.definitions
    if not definitions:
        return ["the agent has no tools"]
    width = max(len(tool.name) for tool in definitions)
    return [f"{tool.name:<{width}}  {one_line(_safe(tool.description or ''), 100)}" for tool in definitions]


def _safe(text: str) -> str:
    return terminal_safe(text)


COMMANDS: Final = {
    "/help": "this list",
    "/model [vendor:model]": "which model answers, or another one from now on",
    "/reset": "forget what was said",
    "/usage": "tokens and price so far",
    "/save <file>": "write the conversation as JSON",
    "/tools": "what the agent can do",
    "/exit": "leave",
}

_ACTIONS: Final[dict[str, Callable[[Talk, str], list[str]]]] = {
    "help": _help,
    "model": _model,
    "reset": _reset,
    "usage": _usage,
    "save": _save,
    "tools": _tools,
}
