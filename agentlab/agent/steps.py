"""What a run asks its driver for."""

from __future__ import annotations

from msgspec import Struct

from agentlab.messages import Message, ToolCall
from agentlab.short_repr import ShortRepr

__all__ = ["CallModel", "CallTools", "Done", "Step"]


class CallModel(ShortRepr, Struct, frozen=True):
    """The model is to be called with these messages, for the `turn`-th time."""

    turn: int
    messages: tuple[Message, ...]


class CallTools(ShortRepr, Struct, frozen=True):
    """These calls are still to be answered; `truncated` says that a token limit cut the turn that made them."""

    calls: tuple[ToolCall, ...]
    truncated: bool = False


class Done(ShortRepr, Struct, frozen=True):
    """The run ended by itself with this answer."""

    text: str


Step = CallModel | CallTools | Done
