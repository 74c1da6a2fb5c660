"""What every adapter offers. Standard library only: it is imported in the peers' environments.

A way has those of these methods whose benchmarks it takes part in; they may be plain or async:

    text()               make one streamed call, reading every event; gives the text
    run()                run an agent with the tool `add` until it answers; gives the answer
    arguments()          stream a call of the tool `save`; gives the text it was called with
    continued(past)      make one more call behind a conversation that `past` gave; gives the text
    schema(function)     what a model is told of a function, as the library makes it
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

__all__ = [
    "ADD_TOOL",
    "KEY",
    "MODELS",
    "PREAMBLE",
    "PROMPT",
    "SAVE_TOOL",
    "AgentWay",
    "Way",
    "add",
    "said",
    "save",
]

KEY = "sk-benchmark"
MODELS = {"chat": "gpt-4o-mini", "responses": "gpt-4o-mini", "anthropic": "claude-sonnet-5"}
PREAMBLE = "You are terse."
PROMPT = "Add 0 and 1, and go on until I say stop."


def _chat_tool(name: str, description: str, **types: str) -> dict[str, Any]:
    properties = {parameter: {"type": kind} for parameter, kind in types.items()}
    parameters = {"type": "object", "properties": properties, "required": list(types)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


ADD_TOOL = _chat_tool("add", "Add two integers.", a="integer", b="integer")
"""The tool `add` as Chat Completions takes it, for ways that write it by hand."""

SAVE_TOOL = _chat_tool("save", "Save a text.", text="string")
"""The tool `save`, likewise."""


class Way:
    """One way to make calls with one library on one wire.

    Attributes:
        wire: `chat`, `responses` or `anthropic`.
        sits_out: Works it takes no part in, though it has their method.
        url: The address of a scenario, without `/v1`.
    """

    wire: ClassVar[str] = "chat"
    sits_out: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def model(self) -> str:
        """The provider's name of the model."""
        return MODELS[self.wire]

    async def open(self) -> None:
        """Make what is made once: clients, agents."""

    async def close(self) -> None:
        """Close it."""

    def past(self, messages: int) -> Any:
        """A conversation of so many messages; plain ones, where the library takes them."""
        roles = ("user", "assistant")
        return [{"role": roles[place % 2], "content": said(place)} for place in range(messages)]


class AgentWay(Way, ABC):
    """A library that runs the loop over tools itself: every benchmark is an answer to the same prompt.

    Attributes:
        saved: What the tool `save` was last called with.
    """

    saved = ""

    @abstractmethod
    async def answer(self, past: Sequence[Any] = ()) -> str:
        """Answer the prompt behind a conversation, reading every event."""

    def saver(self) -> Callable[[str], str]:
        """The tool `save`, which keeps the text."""

        def save(text: str) -> str:
            """Save a text."""
            self.saved = text
            return str(len(text))

        return save

    async def text(self) -> str:
        """A run of one turn."""
        return await self.answer()

    async def run(self) -> str:
        """A run with tools."""
        return await self.answer()

    async def arguments(self) -> str:
        """A run that saves a text."""
        await self.answer()
        return self.saved

    async def continued(self, past: Sequence[Any]) -> str:
        """A run behind a history."""
        return await self.answer(past)


def add(a: int, b: int) -> int:
    """Add two integers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def save(text: str) -> str:
    """Save a text.

    Args:
        text: What to save.
    """
    return str(len(text))


def said(place: int) -> str:
    """What the message at a place of a conversation says."""
    return f"{place} " + "The quick brown fox jumps over the lazy dog. " * 4
