"""The frame of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
from msgspec import structs

from agentlab.experiments.frames.columns import AXES_BEFORE, RUN_COLUMNS, SCORES_BEFORE, frame_of
from agentlab.experiments.rows import RunRow, TurnRow, total

__all__ = ["SCHEMA", "runs_frame", "with_axes"]

SCHEMA: Final = 1
"""Version of the frames' columns, in `df.attrs["agentlab_schema"]`."""

_SUMMED: Final = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
_COSTS: Final = (
    "cost_usd",
    "cost_nocache_usd",
    "cost_input_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_output_usd",
)


def runs_frame(
    rows: Sequence[RunRow],
    axes: Mapping[str, Sequence[str]],
    *,
    sweep_id: str = "",
    fresh: Iterable[str] = (),
    store: str | None = None,
) -> pd.DataFrame:
    """One row a run.

    Args:
        rows: The runs.
        axes: Axis to its labels in order; each becomes a categorical column.
        sweep_id: The sweep.
        fresh: Keys of the cells that this execution ran; all others were read from the store and cost nothing now.
        store: Where they are kept.
    """
    ran = set(fresh)
    scorers = list(dict.fromkeys(score.scorer for row in rows for score in row.scores))
    columns: dict[str, Any] = {}
    for name, kind in RUN_COLUMNS.items():
        if name == SCORES_BEFORE:
            for scorer in scorers:
                columns |= {
                    f"score_{scorer}": "number",
                    f"score_{scorer}_reason": "str",
                    f"score_{scorer}_error": "str",
                }
        columns[name] = kind
    values = [
        {**_values(row, row.cell_key in ran), "sweep_id": sweep_id, "store": store}
        | {
            f"score_{score.scorer}{suffix}": value
            for score in row.scores
            for suffix, value in (("", score.value), ("_reason", score.reason), ("_error", score.error))
        }
        for row in rows
    ]
    frame = with_axes(frame_of(columns, values), [row.levels for row in rows], axes, before=AXES_BEFORE)
    frame.attrs["agentlab_schema"] = SCHEMA
    return frame


def with_axes(
    frame: pd.DataFrame,
    levels: Sequence[Mapping[str, str]],
    axes: Mapping[str, Sequence[str]],
    *,
    before: str,
) -> pd.DataFrame:
    """The frame with a categorical column an axis, its categories in the order they were given."""
    for name, labels in axes.items():
        column = pd.Categorical([row.get(name) for row in levels], categories=list(labels), ordered=False)
        frame.insert(int(frame.columns.get_loc(before)), name, column)  # type: ignore[arg-type]
    return frame


def _values(row: RunRow, ran_now: bool) -> dict[str, Any]:
    turns = row.turns
    first = turns[0] if turns else None
    tokens = {name: _sum(turns, name) for name in _SUMMED}
    read, given = tokens["cache_read_input_tokens"], tokens["input_tokens"]
    cost = {name: total([getattr(turn, name) for turn in turns]) if turns else None for name in _COSTS}
    known = {name: value for name, value in structs.asdict(row).items() if name in RUN_COLUMNS}
    return {
        **known,
        **tokens,
        **cost,
        "cost_spent_usd": cost["cost_usd"] if ran_now else 0.0,
        "cost_scorer_usd": row.cost_scorer_usd,
        "n_turns": len(turns),
        "provider_name": first.provider_name if first else None,
        "request_model": first.request_model if first else None,
        "response_model": first.response_model if first else None,
        "time_to_first_chunk_s": first.time_to_first_chunk_s if first else None,
        "time_to_first_text_s": next(
            (turn.time_to_first_text_s for turn in turns if turn.time_to_first_text_s is not None), None
        ),
        "output_tokens_per_s": rate_of(tokens["output_tokens"], row.model_time_s),
        "cache_hit_ratio": read / given if read is not None and given else None,
        "cache_expected_tokens": _sum(turns, "cache_expected_tokens"),
        "replayed": not ran_now,
        "n_retries": sum(turn.n_retries for turn in turns),
        "n_429": sum(turn.n_429 for turn in turns),
    }


def _sum(turns: Sequence[TurnRow], name: str) -> int | None:
    """The sum over a run's calls; None where no call reported it."""
    known = [value for turn in turns if (value := getattr(turn, name)) is not None]
    return sum(known) if known else None


def rate_of(tokens: int | None, seconds: float) -> float | None:
    """Tokens a second; None where either is not known."""
    return tokens / seconds if tokens is not None and seconds > 0 else None
