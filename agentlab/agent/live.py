"""The seam to the notebook: the one place below it that knows there is one.

The notebook stands above the agent and imports it; an agent that is asked to show itself loads the notebook here, late.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from agentlab.agent.stream import RunStream
from agentlab.agent.trace import Trace
from agentlab.messages import Event

__all__ = ["LiveView", "live_view", "mimebundle"]


class LiveView(Protocol):
    """A view of a run being streamed. All methods are quick and never wait."""

    def start(self) -> None:
        """Show an empty view."""

    def apply(self, event: Event) -> None:
        """Show an event."""

    def finish(self) -> None:
        """Freeze the view into what stays in the notebook."""


def live_view(agent_name: str, model: str, stream: RunStream) -> LiveView:
    """A live view of a run, with a Stop button."""
    view: LiveView = import_module("agentlab.notebook").live_view(
        title=agent_name, model=model, stop=stream.stop
    )
    return view


def mimebundle(trace: Trace, include: Any, exclude: Any) -> dict[str, Any]:
    """A finished run as static output."""
    bundle: dict[str, Any] = import_module("agentlab.notebook").mimebundle(
        [(traced.at_s, traced.event) for traced in trace.events], include=include, exclude=exclude
    )
    return bundle
