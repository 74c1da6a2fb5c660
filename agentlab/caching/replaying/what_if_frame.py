"""The table of `what_if`: a run as it would be beside the run as it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.replaying.provider import Provider
from agentlab.caching.replaying.replay import Judged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compared", "frame_of"]

_TOKENS: Final = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)
_REST: Final = ("output_tokens", "cost_usd", "input_cost_usd", "ttft_s")

_Row = dict[str, float | int | None]


class Compared(Struct, frozen=True):
    """A run as it was, and as it would be.

    Attributes:
        before: Who served it.
        after: Who would.
        ordering: The other ordering, where one was asked for.
        originals: Its calls as they were.
        others: The same as they would be.
    """

    before: Provider
    after: Provider
    ordering: Ordering | None
    originals: Sequence[Judged]
    others: Sequence[Judged]


def frame_of(calls: Sequence[RecordedCall], compared: Compared, times: Sequence[float]) -> pd.DataFrame:
    """One row a call: what it would be, what it was, the difference.

    Args:
        calls: The calls.
        compared: Both sides of them.
        times: When each would be sent, Unix time in seconds.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    sides = {"": compared.others, "_original": compared.originals}
    longer = sorted({each.ttl for side in sides.values() for each in side if each.ttl is not None} - {"1h"})
    counts = (*_TOKENS, *(f"cache_write_{ttl}_tokens" for ttl in longer))
    names = (*counts, *_REST)
    rows = {suffix: [_row(each, longer) for each in side] for suffix, side in sides.items()}
    columns: dict[str, Any] = {"at_s": [at - times[0] for at in times]}
    for suffix, side_rows in rows.items():
        for name in names:
            values: Any = [row[name] for row in side_rows]
            columns[name + suffix] = (
                pd.array(values, dtype="Int64") if name.endswith("_tokens") else pd.Series(values).to_numpy()
            )
    for name in names:
        columns[f"delta_{name}"] = columns[name] - columns[f"{name}_original"]
    columns["ttft_s_recorded"] = pd.array([call.ttft_s for call in calls], dtype="Float64")
    columns["reason"] = [each.reason for each in compared.others]
    frame = pd.DataFrame(columns, index=pd.RangeIndex(1, len(calls) + 1, name="turn"))
    unknown = (each.note for side in sides.values() for each in side if math.isnan(each.cost_usd))
    frame.attrs = {
        "provider": compared.after.name,
        "provider_original": compared.before.name,
        "ordering": compared.ordering.name if compared.ordering else None,
        "cost_note": next(unknown, None),
        "totals": {
            name: total
            for suffix, side in sides.items()
            for name, total in _summed(rows[suffix], side, suffix).items()
        },
    }
    return frame


def _row(each: Judged, longer: Sequence[str]) -> _Row:
    """The columns of one side; what a provider does not report is unknown, and so is what was not read."""
    usage = each.usage
    hour = usage.cache_write_1h_tokens or 0
    told: _Row = {
        "input_tokens": usage.input_tokens,
        "uncached_tokens": None if usage.cache_read_tokens is None else usage.uncached_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": hour,
        **{f"cache_write_{ttl}_tokens": 0 for ttl in longer},
        "output_tokens": usage.output_tokens,
        "cost_usd": each.cost_usd,
        "input_cost_usd": each.input_cost_usd,
        "ttft_s": each.ttft_s,
    }
    place = f"cache_write_{each.ttl or '5m'}_tokens"
    told[place] = (told[place] or 0) + (usage.cache_write_tokens or 0) - hour
    return told


def _summed(rows: Sequence[_Row], each: Sequence[Judged], suffix: str) -> dict[str, float]:
    """Sums over the run, the share of the prompt that was read, and the share of the cost that the cache saved."""
    sums: dict[str, float] = {name: math.fsum(row[name] or 0 for row in rows) for name in rows[0]}
    plain = math.fsum(one.uncached_cost_usd for one in each)
    plain_input = math.fsum(one.input_uncached_cost_usd for one in each)
    sums["hit_share"] = sums["cache_read_tokens"] / sums["input_tokens"] if sums["input_tokens"] else math.nan
    sums["saved_share"] = 1 - sums["cost_usd"] / plain if plain else math.nan
    sums["input_saved_share"] = 1 - sums["input_cost_usd"] / plain_input if plain_input else math.nan
    return {name + suffix: value for name, value in sums.items()}
