"""The seam to the notebook: what runs know of it (`agentlab.rich_display` is the seam of all other objects).

The notebook stands above the agent and imports it; an agent that is asked to show itself loads the notebook here, late.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from agentlab.agent.stream import RunStream
from agentlab.agent.trace import Trace
from agentlab.messages import Event, StopReason

__all__ = ["LiveView", "live_view", "mimebundle", "trace_mimebundle"]


class LiveView(Protocol):
    """A view of a run being streamed. All methods are quick and never wait."""

    def start(self) -> None:
        """Show an empty view."""

    def apply(self, event: Event, at_s: float | None = None) -> None:
        """Show an event, which came `at_s` seconds after the run began."""

    def finish(self, stop_reason: StopReason = "cancelled", detail: str | None = None) -> None:
        """Freeze the view into what stays in the notebook; how it ended, where no event said so. Twice is once."""


def live_view(title: str, stream: RunStream) -> LiveView:
    """A live view of a run, with a Stop button; where it can be clicked, it decides on tools that ask."""
    notebook = import_module("agentlab.notebook")
    view: LiveView = notebook.Live(title, stop=stream.stop, decide=stream.decide)
    stream.attended = notebook.display_mode() == "live"
    return view


def mimebundle(trace: Trace) -> dict[str, Any]:
    """A finished run as static output: the same picture its live view leaves behind."""
    notebook = import_module("agentlab.notebook")
    state = notebook.RunState(trace.title)
    for traced in trace.events:
        state.apply(traced.event, traced.at_s)
    bundle: dict[str, Any] = notebook.mimebundle(state, deterministic=notebook.is_deterministic())
    return bundle


def trace_mimebundle(trace: Trace) -> dict[str, Any]:
    """The record of a run as static output: its timeline, and the tokens of its turns."""
    bundle: dict[str, Any] = import_module("agentlab.notebook").Timeline(trace, with_turns=True).mimebundle()
    return bundle
