"""A run's timeline: an object that a notebook draws and a terminal prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentlab.agent.spans import Span, spans_frame
from agentlab.agent.trace import Trace
from agentlab.agent.trace_tree import tree_spans
from agentlab.errors import UsageError
from agentlab.notebook.mode import is_deterministic
from agentlab.notebook.run.state import RunState
from agentlab.notebook.trace.static_timeline import timeline_html
from agentlab.notebook.trace.text_timeline import timeline_text

if TYPE_CHECKING:
    import pandas as pd

    from agentlab.notebook.safety.safe_html import SafeHTML

__all__ = ["Timeline", "timeline"]


class Timeline:
    """Where the time of one run went. Made of a copy of what the trace holds now; it needs no kernel to be seen.

    Args:
        trace: The record of a run, also of one that still goes on.
        with_turns: Whether the tokens of each turn stand below.

    Attributes:
        state: The run as its events tell it.
        spans: Its stretches of time and those of runs inside it, in the order in which they began.
    """

    def __init__(self, trace: Trace, *, with_turns: bool = False) -> None:
        self.state = RunState(trace.title)
        events = [(traced.event, traced.at_s) for traced in trace.events]
        for event, at_s in events:
            self.state.apply(event, at_s)
        self.spans: tuple[Span, ...] = tree_spans(trace)
        self._with_turns = with_turns

    @property
    def df(self) -> pd.DataFrame:
        """One row a span; as `Trace.spans`."""
        return spans_frame(self.spans)

    def html(self) -> SafeHTML:
        """The picture; without times where `AGENTLAB_DISPLAY=static`."""
        return timeline_html(
            self.state, self.spans, with_turns=self._with_turns, deterministic=is_deterministic()
        )

    def mimebundle(self) -> dict[str, str]:
        """The picture by MIME type: HTML, and text."""
        return {"text/html": self.html().html, "text/plain": str(self)}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return self.mimebundle()

    def _repr_html_(self) -> str:
        return self.html().html

    def __str__(self) -> str:
        return timeline_text(
            self.state, self.spans, with_turns=self._with_turns, deterministic=is_deterministic()
        )

    def __repr__(self) -> str:
        return f"Timeline(turns={len(self.state.turns)}, spans={len(self.spans)})"


def timeline(run: object) -> Timeline:
    """Where the time of a run went: waits, retries, time to first token, answers, approvals and tools.

    Use it to see why a run was slow; `Trace.spans` has the same as a DataFrame, and `run.turns` the tokens.

    Args:
        run: A finished run, a stream of one that still goes on, or a `Trace`.

    Returns:
        A picture to end a cell with; printed, it is a chart of characters.

    Raises:
        UsageError: It is none of these.
    """
    trace = run if isinstance(run, Trace) else getattr(run, "trace", None)
    if not isinstance(trace, Trace):
        raise UsageError(
            f"a timeline is drawn of a run or its `Trace`, and this is a {type(run).__name__}; "
            "pass what `await agent.prompt(...)` returned"
        )
    return Timeline(trace)
