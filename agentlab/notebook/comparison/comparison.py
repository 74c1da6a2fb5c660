"""What came of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from agentlab.agent import RunResult
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.comparison.numbers import lanes_frame
from agentlab.notebook.comparison.static_lanes import lanes_mimebundle, lanes_text
from agentlab.notebook.mode import is_deterministic

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison"]


class Comparison:
    """The runs of agents that answered one prompt. Made by `compare_live`.

    Args:
        lanes: What was shown of them.
        runs: Label to run, in the order the agents were given.
        errors: Label to error, for those that failed.

    Attributes:
        runs: Label to run; of an agent that failed or was stopped, as far as it came.
        errors: Label to error, for the agents that failed.
    """

    def __init__(self, lanes: Lanes, runs: Mapping[str, RunResult], errors: Mapping[str, Exception]) -> None:
        self.runs: Mapping[str, RunResult] = MappingProxyType(dict(runs))
        self.errors: Mapping[str, Exception] = MappingProxyType(dict(errors))
        self._lanes = lanes

    @property
    def df(self) -> pd.DataFrame:
        """One row an agent, columns named as in `RunResult.turns`.

        They are label, provider, model, status (`done`, `stopped`, `max_turns`, `cancelled`, `error`), error, text, turns,
        tool_calls, the tokens by kind, cost_usd in dollars, ttft_s and duration_s in seconds. What is not known is `<NA>`,
        never 0: tokens nobody reported, and the cost where a turn has no known price.
        """
        return lanes_frame(self._lanes, self.runs, self.errors)

    def __str__(self) -> str:
        return lanes_text(self._lanes, deterministic=is_deterministic())

    def __repr__(self) -> str:
        return f"Comparison({len(self.runs)} agents: {self._lanes.summary})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        """The comparison as a notebook shows it."""
        return lanes_mimebundle(self._lanes, deterministic=is_deterministic())
