"""The frames of model calls and of messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from msgspec import structs

from agentlab.experiments.frames.columns import MESSAGE_COLUMNS, TURN_COLUMNS, frame_of
from agentlab.experiments.frames.runs import SCHEMA, rate_of, with_axes
from agentlab.experiments.rows import MessageRow, RunRow, TurnRow

__all__ = ["messages_frame", "turns_frame"]


def turns_frame(
    rows: Sequence[RunRow], axes: Mapping[str, Sequence[str]], *, fresh: Iterable[str] = ()
) -> pd.DataFrame:
    """One row a model call; arguments as in `runs_frame`."""
    ran = set(fresh)
    values = [
        {
            **_values(turn, row.cell_key in ran),
            "run_id": row.run_id,
            "cell_key": row.cell_key,
            "sample_id": row.sample_id,
            "repeat": row.repeat,
        }
        for row in rows
        for turn in row.turns
    ]
    levels = [row.levels for row in rows for _ in row.turns]
    frame = with_axes(frame_of(TURN_COLUMNS, values), levels, axes, before="provider_name")
    frame.attrs["agentlab_schema"] = SCHEMA
    return frame


def messages_frame(rows: Sequence[RunRow]) -> pd.DataFrame:
    """One row a message, tool or setting that a model was shown; equal prefixes of all runs stand there once."""
    seen: dict[str, MessageRow] = {}
    for row in rows:
        for message in row.messages:
            seen.setdefault(message.hash, message)
    frame = frame_of(MESSAGE_COLUMNS, [structs.asdict(message) for message in seen.values()])
    frame.attrs["agentlab_schema"] = SCHEMA
    return frame


def _values(turn: TurnRow, ran_now: bool) -> dict[str, Any]:
    read, given, expected = turn.cache_read_input_tokens, turn.input_tokens, turn.cache_expected_tokens
    return {
        **structs.asdict(turn),
        "tool_names": ",".join(turn.tool_names),
        "cost_spent_usd": turn.cost_usd if ran_now else 0.0,
        "output_tokens_per_s": rate_of(turn.output_tokens, turn.duration_s),
        "cache_hit_ratio": read / given if read is not None and given else None,
        "cache_gap_tokens": expected - read if expected is not None and read is not None else None,
    }
