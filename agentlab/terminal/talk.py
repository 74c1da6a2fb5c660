"""What the terminal needs of a conversation, whoever keeps it: this process alone, or a session that lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agentlab.agent import Agent, Run
from agentlab.messages import Message, Usage
from agentlab.terminal.sources import AnswerSource

__all__ = ["MoreCommand", "OpenQuestion", "Talk"]


@dataclass(frozen=True, slots=True)
class MoreCommand:
    """A command that only some conversations have.

    Attributes:
        usage: How it is written: `/mode [plan|build]`.
        what: What it does, in a few words.
        act: Does it: from its argument to lines to show.
    """

    usage: str
    what: str
    act: Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for the user.

    Attributes:
        text: What is shown.
        answer: Goes on with the user's words.
    """

    text: str
    answer: Callable[[str], AnswerSource]


class Talk(Protocol):
    """A conversation with an agent."""

    @property
    def agent(self) -> Agent:
        """Who answers the next prompt."""
        ...

    @property
    def messages(self) -> Sequence[Message]:
        """Everything said so far: what any provider takes."""
        ...

    @property
    def usage(self) -> Usage:
        """Tokens of all answers."""
        ...

    @property
    def cost_usd(self) -> float:
        """Price of the answers whose price is known."""
        ...

    @property
    def unpriced(self) -> int:
        """How many answers have no known price."""
        ...

    @property
    def answers(self) -> int:
        """How many prompts were answered, partly or whole."""
        ...

    @property
    def more_commands(self) -> Mapping[str, MoreCommand]:
        """Commands that this kind of conversation has beside the others, by name."""
        ...

    @property
    def question(self) -> OpenQuestion | None:
        """What the assistant asked and waits for; None where it waits for nothing."""
        ...

    def answer(self, prompt: str) -> AnswerSource:
        """Ask.

        Raises:
            UsageError: The prompt cannot be sent; nothing was.
        """
        ...

    def left_over(self) -> AnswerSource | None:
        """An answer of an earlier process that can go on; None where there is none."""
        ...

    def set_model(self, name: str) -> None:
        """Let another model answer from now on.

        Raises:
            UsageError: There is no such model.
            MissingKey: Its vendor needs a key and there is none.
        """
        ...

    def take(self, run: Run | None) -> Any:
        """Remember a run that has ended, however it did."""
        ...

    def reset(self) -> None:
        """Begin anew."""
        ...
