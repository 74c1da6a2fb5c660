"""The chat without a terminal: one prompt a line from a pipe, the answers as plain text."""

from __future__ import annotations

from typing import TextIO

from agentlab.errors import AgentlabError
from agentlab.messages import ApprovalAsked, TextDelta
from agentlab.plain_text import terminal_safe
from agentlab.terminal.answering import Answering
from agentlab.terminal.commands import parse_command, perform
from agentlab.terminal.safe_stream import SafeStream
from agentlab.terminal.talk import Talk

__all__ = ["run_plain_chat"]

_NOBODY = "nobody is there to approve it"


def run_plain_chat(conversation: Talk, lines: TextIO, output: TextIO, errors: TextIO) -> int:
    """Answer each line until there are no more.

    A tool that asks for approval is refused, and the model is told that nobody was there.

    Args:
        conversation: Who answers, and what was said before.
        lines: Prompts and commands, one a line.
        output: Gets the answers, and nothing else.
        errors: Gets a line for each prompt that failed.

    Returns:
        The exit status: 1 where a prompt failed, else 0.
    """
    status = 0
    for line in lines:
        command = parse_command(line)
        if command is not None:
            said = perform(command, conversation)
            if said is None:
                break
            print(*said, sep="\n", file=output, flush=True)
        elif line.strip():
            prompt = line.strip()
            try:
                _answer(conversation, prompt[1:] if prompt.startswith("//") else prompt, output)
            except AgentlabError as error:
                print(f"agentlab: {terminal_safe(str(error))}", file=errors, flush=True)
                status = 1
    return status


def _answer(conversation: Talk, prompt: str, output: TextIO) -> None:
    answering = Answering(conversation.answer(prompt))
    safe, part, said = SafeStream(), -1, ""
    try:
        for event in answering:
            if isinstance(event, ApprovalAsked):
                answering.decide(event.call_id, approved=False, note=_NOBODY)
            if not isinstance(event, TextDelta):
                # A tool call between two texts parts them.
                part = part if event is None else -1
                continue
            begin = "\n" if part == -1 and said and not said.endswith("\n") else ""
            part = event.index
            piece = begin + safe.feed(event.text)
            said = piece or said
            output.write(piece)
            output.flush()
    finally:
        rest = safe.close()
        said = rest or said
        output.write(rest if said.endswith("\n") else f"{rest}\n")
        output.flush()
        conversation.take(answering.run)
