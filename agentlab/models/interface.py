"""What an agent needs of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from agentlab.messages import AssistantMessage, Event, Request

__all__ = ["Governing", "Model", "ModelStream", "address_of", "wire_name"]


class ModelStream:
    """A model call in progress.

    Attributes:
        events: What happens, ending with one `TurnFinished`. Close it when leaving early.
    """

    def __init__(
        self,
        events: AsyncGenerator[Event, None],
        partial: Callable[[], AssistantMessage | None],
        prefix_pieces: Callable[[], tuple[bytes, ...]] = tuple,
    ) -> None:
        self.events = events
        self._partial = partial
        self._prefix_pieces = prefix_pieces

    def partial(self) -> AssistantMessage | None:
        """What of the message has arrived so far; None before anything has, and after `TurnFinished`."""
        return self._partial()

    def prefix_pieces(self) -> tuple[bytes, ...]:
        """`EncodedRequest.pieces` of the request sent; empty before it is, and where the model does not give them."""
        return self._prefix_pieces()


@runtime_checkable
class Model(Protocol):
    """What an agent needs of a model. Implement it for models of your own."""

    @property
    def name(self) -> str:
        """`"vendor:model"`."""
        ...

    @property
    def model_id(self) -> str:
        """The provider's name of the model."""
        ...

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call; nothing is sent until the events are asked for."""
        ...

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keeps connections open between the calls made inside it."""
        ...

    def supports(self, capability: str) -> bool:
        """Whether the model has a capability, such as `structured_output`."""
        ...


@runtime_checkable
class Governing(Protocol):
    """A model under limits that hold for others too: those that agents inside its run call."""

    def governing(self, model: Model) -> Model:
        """Another model under the same limits: the same budget, the same stop."""
        ...


def wire_name(model: Model) -> str | None:
    """The wire format a model speaks, also through models that wrap it as `inner`; None where it has none."""
    name = getattr(getattr(_innermost(model), "wire", None), "name", None)
    return name if isinstance(name, str) else None


def address_of(model: Model) -> str:
    """Where a model is reached, also through models that wrap it; empty where it is not reached over the network."""
    address = getattr(_innermost(model), "base_url", None)
    return address if isinstance(address, str) else ""


def _innermost(model: Model) -> object:
    found: object = model
    while (inner := getattr(found, "inner", None)) is not None:
        found = inner
    return found
