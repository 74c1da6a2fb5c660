"""What the columns of the frames are called, in which order, and of which type.

Names are the last parts of OpenTelemetry's GenAI attribute names; `to_otel` gives the whole ones.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import pandas as pd

__all__ = ["MESSAGE_COLUMNS", "OTEL_NAMES", "RUN_COLUMNS", "TURN_COLUMNS", "frame_of"]

Kind = Literal["str", "count", "number", "time", "flag", "object"]

_TOKENS: Final[dict[str, Kind]] = {
    "input_tokens": "count",
    "cache_read_input_tokens": "count",
    "cache_write_input_tokens": "count",
    "output_tokens": "count",
    "reasoning_output_tokens": "count",
}
_COSTS: Final[dict[str, Kind]] = {
    "cost_usd": "number",
    "cost_spent_usd": "number",
    "cost_nocache_usd": "number",
    "cost_input_usd": "number",
    "cost_cache_read_usd": "number",
    "cost_cache_write_usd": "number",
    "cost_output_usd": "number",
}

RUN_COLUMNS: Final[dict[str, Kind]] = {
    "sweep_id": "str",
    "run_id": "str",
    "cell_key": "str",
    "sample_id": "str",
    "cluster_id": "str",
    "repeat": "count",
    "seed": "count",
    "attempt": "count",
    "status": "str",
    "error_type": "str",
    "error_message": "str",
    "started_at": "time",
    # the axes stand here
    "provider_name": "str",
    "request_model": "str",
    "response_model": "str",
    "prompt_hash": "str",
    "prefix_hash": "str",
    "agent_hash": "str",
    "code_version": "str",
    "output": "str",
    "target": "object",
    "finish_reason": "str",
    "n_turns": "count",
    "n_tool_calls": "count",
    # the scores stand here
    **_TOKENS,
    **_COSTS,
    "cost_scorer_usd": "number",
    "price_source": "str",
    "price_as_of": "str",
    "duration_s": "number",
    "model_time_s": "number",
    "queue_s": "number",
    "retry_s": "number",
    "tool_time_s": "number",
    "time_to_first_chunk_s": "number",
    "time_to_first_text_s": "number",
    "output_tokens_per_s": "number",
    "cache_hit_ratio": "number",
    "cache_expected_tokens": "count",
    "cache_state": "str",
    "cache_contaminated": "flag",
    "since_prefix_s": "number",
    "replayed": "flag",
    "store": "str",
    "batch_api": "flag",
    "n_retries": "count",
    "n_429": "count",
}
AXES_BEFORE: Final = "provider_name"
SCORES_BEFORE: Final = "input_tokens"

TURN_COLUMNS: Final[dict[str, Kind]] = {
    "run_id": "str",
    "cell_key": "str",
    "sample_id": "str",
    "repeat": "count",
    "turn": "count",
    # the axes stand here
    "provider_name": "str",
    "request_model": "str",
    "response_model": "str",
    "response_id": "str",
    "finish_reason": "str",
    "tool_names": "str",
    **_TOKENS,
    **_COSTS,
    "started_at": "time",
    "duration_s": "number",
    "queue_s": "number",
    "retry_s": "number",
    "time_to_first_chunk_s": "number",
    "time_to_first_text_s": "number",
    "output_tokens_per_s": "number",
    "prefix_hash": "str",
    "parent_hash": "str",
    "shared_prefix_tokens": "count",
    "cache_hit_ratio": "number",
    "cache_expected_tokens": "count",
    "cache_gap_tokens": "count",
    "cache_miss_reason": "str",
    "cache_missed_tokens": "count",
    "diverged_at": "str",
    "n_retries": "count",
    "n_429": "count",
}

MESSAGE_COLUMNS: Final[dict[str, Kind]] = {
    "hash": "str",
    "parent_hash": "str",
    "role": "str",
    "kind": "str",
    "text": "str",
    "tokens": "count",
    "segment": "str",
}

OTEL_NAMES: Final = {
    "provider_name": "gen_ai.provider.name",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "finish_reason": "gen_ai.response.finish_reasons",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_output_tokens": "gen_ai.usage.reasoning.output_tokens",
    "time_to_first_chunk_s": "gen_ai.response.time_to_first_chunk",
    "duration_s": "gen_ai.client.operation.duration",
}
"""Column to attribute name (https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""

_DTYPES: Final = {"count": "Int64", "number": "float64", "flag": "bool", "str": "str", "object": "object"}


def frame_of(columns: dict[str, Kind], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame with every column in its place and of its type, also where there are no rows.

    Counts are nullable integers, so that "not reported" is `<NA>` and never 0; dollars and seconds are floats, and
    unknown is NaN; moments are UTC.
    """
    made: dict[str, Any] = {}
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        if kind == "time":
            made[name] = pd.to_datetime(pd.Series(values, dtype="float64"), unit="s", utc=True).astype(
                "datetime64[us, UTC]"
            )
        else:
            made[name] = pd.Series(values, dtype=_DTYPES[kind])
    return pd.DataFrame(made)
