"""DataFrames of runs. Columns follow OpenTelemetry's GenAI names, flattened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from agentlab.agent.records import TurnRecord
from agentlab.messages import Retrieved

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["provider_and_model", "retrieved_frame", "turns_frame"]

_COUNTS: Final = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
)


_RETRIEVED: Final = {
    "kind": "str",
    "index": "str",
    "query": "str",
    "rank": "int64",
    "id": "str",
    "score": "float64",
    "size": "int64",
    "used": "bool",
    "preview": "str",
    "duration_s": "float64",
}


def turns_frame(records: Sequence[TurnRecord]) -> pd.DataFrame:
    """One row a model call.

    Token counts are nullable integers: `<NA>` is "not reported", never 0. Times are seconds, cost is US dollars.
    `cache_miss_reason` is the provider's own word, where it was asked for one (`CacheOptions(diagnose=True)`).
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    columns: dict[str, Any] = {
        "turn": pd.array([record.turn for record in records], dtype="Int64"),
        "provider": [provider_and_model(record.model)[0] for record in records],
        "model": [provider_and_model(record.model)[1] for record in records],
        "simulated": [record.model.startswith("sim:") for record in records],
    }
    for name in _COUNTS:
        columns[name] = pd.array([getattr(record.usage, name) for record in records], dtype="Int64")
    columns |= {
        "cost_usd": pd.array([record.cost_usd for record in records], dtype="Float64"),
        "ttft_s": pd.array([record.timing.time_to_first_token_s for record in records], dtype="Float64"),
        "duration_s": pd.array([record.timing.duration_s for record in records], dtype="Float64"),
        "tool_calls": pd.array([record.tool_calls for record in records], dtype="Int64"),
        "retries": pd.array([record.retries for record in records], dtype="Int64"),
        "finish_reason": [record.finish_reason for record in records],
        "cache_miss_reason": [
            record.cache_diagnosis.reason if record.cache_diagnosis is not None else None
            for record in records
        ],
    }
    return pd.DataFrame(columns).set_index("turn")


def retrieved_frame(found: Iterable[Retrieved]) -> pd.DataFrame:
    """One row a document or tool that was found, in the order found.

    Columns: kind (`documents`, `tools`), index, query, rank (from 1), id, score, size (characters), used (whether it went
    into the request), preview, duration_s (of the search).
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    rows = [
        {
            "kind": search.kind,
            "index": search.index,
            "query": search.query,
            "rank": rank,
            **{name: getattr(hit, name) for name in ("id", "score", "size", "used", "preview")},
            "duration_s": search.duration_s,
        }
        for search in found
        for rank, hit in enumerate(search.hits, 1)
    ]
    frame = pd.DataFrame(rows, columns=list(_RETRIEVED))
    return frame.astype(_RETRIEVED)


def provider_and_model(name: str) -> tuple[str, str]:
    """`"vendor:model"` and `"sim:vendor/model"` as two columns."""
    if name.startswith("sim:"):
        provider, _, model = name.removeprefix("sim:").partition("/")
    else:
        provider, _, model = name.partition(":")
    return provider, model
