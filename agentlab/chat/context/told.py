"""What was told to the model beside the user's words: modes and files, found again in the messages that told it.

Each stands as a text part of its own in the message of the prompt it was told with; a mode that an approved plan began, in the
result of the tool that asked for the approval. So the history alone says what the model knows, after a cut and in a branch too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.chat.context.attachments import file_context_path
from agentlab.chat.modes import PLAN_TITLE
from agentlab.messages import Json, Message, Text, ToolResult, UserMessage
from agentlab.short_repr import ShortRepr

__all__ = ["MODE", "PLAN_TOOL", "Told", "last_told", "told_in"]

PLAN_TOOL: Final = "exit_plan_mode"
"""The tool that ends plan mode; its result tells the mode that begins, as `told`."""

MODE: Final = ""
"""The key under which a mode is told; a file's is its path."""

_MODE_OPENING: Final = "<mode "


class Told(ShortRepr, Struct, frozen=True):
    """Something that was told.

    Attributes:
        key: A file's path; `MODE` for a mode.
        text: What was told, as the model has it.
    """

    key: str
    text: str

    @property
    def has_plan(self) -> bool:
        """Whether it is a mode with an approved plan."""
        return self.key == MODE and PLAN_TITLE in self.text


def told_in(message: Message) -> Iterator[Told]:
    """What a message tells beside the user's words."""
    if not isinstance(message, UserMessage):
        return
    for part in message.content:
        if isinstance(part, ToolResult):
            if part.name == PLAN_TOOL and (mode := _told_mode(part)) is not None:
                yield Told(MODE, mode)
        elif isinstance(part, Text):
            if part.text.startswith(_MODE_OPENING):
                yield Told(MODE, part.text)
            elif (path := file_context_path(part.text)) is not None:
                yield Told(path, part.text)


def _told_mode(result: ToolResult) -> str | None:
    """The mode that a result tells; None where it tells none."""
    for piece in result.content if result.status == "success" else ():
        value = piece.value if isinstance(piece, Json) else None
        if isinstance(piece, Text):
            try:
                value = msgspec.json.decode(piece.text)
            except (msgspec.DecodeError, UnicodeError):
                continue
        told = value.get("told") if isinstance(value, dict) else None
        if isinstance(told, str) and told.startswith(_MODE_OPENING):
            return told
    return None


def last_told(messages: Iterable[Message]) -> dict[str, str]:
    """What was told last of each key."""
    return {told.key: told.text for message in messages for told in told_in(message)}
