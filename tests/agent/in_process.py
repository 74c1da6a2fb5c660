"""A model without a network, to be asked what it can do."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from agentlab.messages import Request
from agentlab.models import ModelStream

__all__ = ["Capable"]


class Capable:
    """A model that can do all but what it lacks, and says nothing.

    Args:
        lacks: Capabilities.
    """

    name = "vendor:model"
    model_id = "model"

    def __init__(self, *lacks: str) -> None:
        self._lacks = lacks

    def supports(self, capability: str) -> bool:
        """Whether it is not among those it lacks."""
        return capability not in self._lacks

    def session(self) -> AbstractAsyncContextManager[object]:
        """Nothing to keep open."""
        return nullcontext()

    def stream(self, request: Request) -> ModelStream:
        """Never asked."""
        raise AssertionError(request)
