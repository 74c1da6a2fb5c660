"""The numbers of a comparison: what each lane took, as cells for a page and as a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agentlab.agent import RunResult
from agentlab.agent.frames import provider_and_model
from agentlab.notebook.comparison.lanes import Lane, Lanes
from agentlab.notebook.run.state import STATUS_LABELS
from agentlab.notebook.run.token_bar import count, money, seconds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "TIMELESS_COLUMNS", "cells", "lanes_frame"]

COLUMNS: Final = ("state", "input", "read", "written", "output", "cost", "first token", "time", "note")
TIMELESS_COLUMNS: Final = ("state", "input", "read", "written", "output")
_COUNTS: Final = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)


def cells(lane: Lane, marks: tuple[str, ...], *, deterministic: bool) -> dict[str, str]:
    """What is said of a lane, by column.

    Args:
        lane: The lane.
        marks: What it is best at.
        deterministic: Leave out prices and times, and what they decide.
    """
    state = lane.state
    usage = state.usage
    said = {
        "state": STATUS_LABELS[state.status],
        "input": count(usage.input_tokens),
        "read": count(usage.cache_read_tokens),
        "written": count(usage.cache_write_tokens),
        "output": count(usage.output_tokens),
    }
    if deterministic:
        return said
    return {
        **said,
        "cost": money(state.cost_usd, at_least=state.cost_is_partial),
        "first token": seconds(lane.first_token_s),
        "time": seconds(state.duration_s),
        "note": ", ".join(marks),
    }


def lanes_frame(lanes: Lanes, runs: Mapping[str, RunResult], errors: Mapping[str, Exception]) -> pd.DataFrame:
    """One row an agent, in the order they were given; columns as in `Comparison.df`."""
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    columns: dict[str, Any] = {"label": [lane.label for lane in lanes]}
    named = [provider_and_model(lane.model) for lane in lanes]
    columns["provider"] = [provider for provider, _ in named]
    columns["model"] = [model for _, model in named]
    columns["status"] = [lane.state.status for lane in lanes]
    columns["error"] = [_error(errors.get(label)) for label in runs]
    columns["text"] = [run.text for run in runs.values()]
    columns["turns"] = pd.array([run.run.turns_made for run in runs.values()], dtype="Int64")
    columns["tool_calls"] = pd.array([lane.tool_calls for lane in lanes], dtype="Int64")
    for name in _COUNTS:
        columns[name] = pd.array([getattr(lane.state.usage, name) for lane in lanes], dtype="Int64")
    columns["cost_usd"] = pd.array([lane.cost_usd for lane in lanes], dtype="Float64")
    columns["ttft_s"] = pd.array([lane.first_token_s for lane in lanes], dtype="Float64")
    columns["duration_s"] = pd.array([lane.state.duration_s for lane in lanes], dtype="Float64")
    return pd.DataFrame(columns)


def _error(error: Exception | None) -> str | None:
    return None if error is None else f"{type(error).__name__}: {error}"
