"""The seam to the notebook: the one place below it that knows there is one.

The notebook stands above the agent and imports it; an agent that is asked to show itself loads the notebook here, late.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from agentlab.agent.stream import RunStream
from agentlab.agent.trace import Trace
from agentlab.messages import Event, StopReason

__all__ = ["LiveView", "live_view", "mimebundle"]


class LiveView(Protocol):
    """A view of a run being streamed. All methods are quick and never wait."""

    def start(self) -> None:
        """Show an empty view."""

    def apply(self, event: Event, at_s: float | None = None) -> None:
        """Show an event, which came `at_s` seconds after the run began."""

    def finish(self, stop_reason: StopReason = "cancelled", detail: str | None = None) -> None:
        """Freeze the view into what stays in the notebook; how it ended, where no event said so. Twice is once."""


def live_view(title: str, stream: RunStream) -> LiveView:
    """A live view of a run, with a Stop button."""
    view: LiveView = import_module("agentlab.notebook").Live(title, stop=stream.stop)
    return view


def mimebundle(trace: Trace) -> dict[str, Any]:
    """A finished run as static output: the same picture its live view leaves behind."""
    notebook = import_module("agentlab.notebook")
    state = notebook.RunState(trace.title)
    for traced in trace.events:
        state.apply(traced.event, traced.at_s)
    bundle: dict[str, Any] = notebook.mimebundle(state, deterministic=notebook.is_deterministic())
    return bundle
