"""Reads prompts from a terminal: an editor of several lines with a history that outlives the chat."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.terminal.commands import COMMANDS

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

__all__ = ["PromptReader", "history_file_of"]


class PromptReader:
    """Asks for prompts, and for yes or no.

    Args:
        history_file: Where earlier prompts are kept between chats; nowhere where None.
    """

    def __init__(self, history_file: Path | None) -> None:
        from prompt_toolkit import PromptSession  # noqa: PLC0415 - optional
        from prompt_toolkit.completion import WordCompleter  # noqa: PLC0415 - optional
        from prompt_toolkit.shortcuts import CompleteStyle  # noqa: PLC0415 - optional

        commands: Iterable[str] = (usage.split()[0] for usage in COMMANDS)
        self._session: PromptSession[str] = PromptSession(
            history=_history(history_file),
            key_bindings=_key_bindings(),
            multiline=True,
            prompt_continuation="· ",
            completer=WordCompleter(list(commands), sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            reserve_space_for_menu=0,
        )
        self._question: PromptSession[str] = PromptSession()

    def read(self) -> str:
        """One prompt; may hold several lines.

        Raises:
            KeyboardInterrupt: Ctrl+C: what was typed is dropped.
            EOFError: Ctrl+D on an empty line.
        """
        text: str = self._session.prompt("> ")
        return text

    def answer(self, question: str) -> str:
        """What the user says to a question, on one line; errors as in `read`."""
        said: str = self._question.prompt(f"{question}\n? ")
        return said

    def ask(self, question: str) -> bool:
        """Whether the answer to a question is yes; no where it is anything else."""
        said: str = self._question.prompt(f"{question} [y/N] ")
        return said.strip().lower() in {"y", "yes"}


def history_file_of(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where prompts are kept between chats: in the folder the system has for the state of programs.

    Args:
        environment: Read in place of `os.environ`.
        platform: As `sys.platform`.
    """
    env = os.environ if environment is None else environment
    if platform == "win32":
        folder = Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        # The XDG Base Directory specification: a relative path is to be ignored.
        given = Path(env.get("XDG_STATE_HOME") or "")
        folder = given if given.is_absolute() else Path.home() / ".local" / "state"
    return folder / "agentlab" / "chat_history"


def _history(file: Path | None) -> History:
    """The history in a file that only its owner can read; in memory where there is none, or it cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415 - optional

    if file is None:
        return InMemoryHistory()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)


def _key_bindings() -> KeyBindings:
    from prompt_toolkit.enums import DEFAULT_BUFFER  # noqa: PLC0415 - optional
    from prompt_toolkit.filters import has_focus  # noqa: PLC0415 - optional
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415 - optional

    bindings = KeyBindings()
    is_editing = has_focus(DEFAULT_BUFFER)  # and not the line of a search

    @bindings.add("enter", filter=is_editing)
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter", filter=is_editing)
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    return bindings
