"""Token counts of the Chat Completions wire, from every vendor's fields into one convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agentlab.messages import Usage

__all__ = ["read_usage"]

# One tick of xAI's `cost_in_usd_ticks`, in USD.
_TICK_USD: Final = 1e-10


def read_usage(usage: Mapping[str, Any], cost: Any = None) -> Usage:
    """Read a usage object.

    `prompt_tokens` is the whole prompt with all vendors. `completion_tokens` includes reasoning, except with xAI and
    Gemini's compatible endpoint; there the total tells, and only where it proves so are they added.

    Args:
        usage: The object as sent; kept whole in `Usage.raw`.
        cost: What a vendor says of the cost beside it (Venice: `{usd, diem}`).
    """
    prompt = _count(usage, "prompt_tokens")
    output = _count(usage, "completion_tokens")
    total = _count(usage, "total_tokens")
    read = _details(usage, "prompt")
    spoken = _details(usage, "completion")
    reasoning = _first(_count(spoken, "reasoning_tokens"), _count(usage, "reasoning_tokens"))
    if None not in {prompt, output, total} and reasoning:
        assert prompt is not None
        assert output is not None
        if total == prompt + output + reasoning:
            output += reasoning
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cache_read_tokens=_first(
            _count(read, "cached_tokens"),
            _count(usage, "prompt_cache_hit_tokens"),
            _count(usage, "num_cached_tokens"),
            _count(usage, "cached_tokens"),
            _count(usage, "cache_read_input_tokens"),
        ),
        cache_write_tokens=_first(
            _count(read, "cache_write_tokens"),
            _count(usage, "cache_creation_input_tokens"),
        ),
        reasoning_tokens=reasoning,
        reported_total_tokens=total,
        reported_cost_usd=_cost(usage, cost),
        raw=dict(usage) or None,
    )


def _count(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) else None


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def _details(usage: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    """The break-down of one side; Writer spells it in the singular."""
    found = usage.get(f"{side}_tokens_details") or usage.get(f"{side}_token_details")
    return found if isinstance(found, dict) else {}


def _cost(usage: Mapping[str, Any], beside: Any) -> float | None:
    """In USD: a number (OpenRouter), an object with a total (Perplexity), ticks (xAI), or beside the usage (Venice)."""
    own = usage.get("cost")
    if isinstance(own, Mapping):
        own = own.get("total_cost")
    if isinstance(own, int | float):
        return float(own)
    ticks = usage.get("cost_in_usd_ticks")
    if isinstance(ticks, int | float):
        return ticks * _TICK_USD
    spent = beside.get("usd") if isinstance(beside, Mapping) else None
    return float(spent) if isinstance(spent, int | float) else None
