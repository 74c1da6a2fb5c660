"""A finished run, as it is handed to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentlab.agent.frames import turns_frame
from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.messages import Message, StopReason, Usage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunResult"]


class RunResult:
    """What came of a prompt.

    Args:
        run: The run.
        trace: Its record.
    """

    def __init__(self, run: Run, trace: Trace) -> None:
        self.run = run
        self.trace = trace

    @property
    def text(self) -> str:
        """The answer; partial where the run was stopped."""
        return self.run.text

    @property
    def usage(self) -> Usage:
        """Tokens of all model calls together."""
        return self.run.usage

    @property
    def cost_usd(self) -> float | None:
        """Price of all model calls; None where one of them has no known price."""
        return self.run.cost_usd

    @property
    def total_usage(self) -> Usage:
        """Tokens of its own model calls, and of those of all runs inside it: agents its tools asked, a memory's summary."""
        return self.trace.total_usage

    @property
    def total_cost_usd(self) -> float | None:
        """Price of its own model calls and of those inside it; None where one of them has no known price."""
        return self.trace.total_cost_usd

    @property
    def turns(self) -> pd.DataFrame:
        """One row a model call: tokens, cost, times."""
        return turns_frame(self.run.records)

    @property
    def retrieved(self) -> pd.DataFrame:
        """One row a document or tool that was found for the prompt: index, rank, id, score, whether it was used."""
        return self.trace.retrieved

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt and everything that followed."""
        return tuple(self.run.messages)

    @property
    def all_messages(self) -> tuple[Message, ...]:
        """The history before the run, and the run's messages."""
        return self.run.all_messages

    @property
    def stop_reason(self) -> StopReason | None:
        """How the run ended."""
        return self.run.stop_reason

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        shown = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f"RunResult({shown!r}, turns={self.run.turns_made}, stop_reason={self.stop_reason!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython's
        """The run as a notebook shows it."""
        from agentlab.agent.live import mimebundle  # noqa: PLC0415 - loads the notebook's packages

        return mimebundle(self.trace)
