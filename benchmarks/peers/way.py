"""What every adapter offers. Standard library only: it is imported in the peers' environments.

A method that an adapter does not have is a benchmark it does not take part in. Methods may be plain or async.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["KEY", "MODELS", "PREAMBLE", "PROMPT", "Way", "add", "said", "save"]

KEY = "sk-benchmark"
MODELS = {"chat": "gpt-4o-mini", "responses": "gpt-4o-mini", "anthropic": "claude-sonnet-5"}
PREAMBLE = "You are terse."
PROMPT = "Add 0 and 1, and go on until I say stop."


class Way:
    """One way to make calls with one library on one wire.

    Attributes:
        wire: `chat`, `responses` or `anthropic`.
        url: The address of a scenario, without `/v1`.
    """

    wire: ClassVar[str] = "chat"

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

    def text(self) -> Any:
        """Make one streamed call, reading every event; gives the text."""
        raise NotImplementedError

    def run(self) -> Any:
        """Run an agent with the tool `add` until it answers; gives the answer."""
        raise NotImplementedError

    def arguments(self) -> Any:
        """Stream a call of the tool `save`; gives the text it was called with."""
        raise NotImplementedError

    def past(self, messages: int) -> Any:
        """A conversation of so many messages, in the library's own types."""
        raise NotImplementedError

    def continued(self, past: Any) -> Any:
        """Make one more call behind a conversation; gives the text."""
        raise NotImplementedError

    def schema(self, function: Any) -> Any:
        """What a model is told of a function, as the library makes it."""
        raise NotImplementedError


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
