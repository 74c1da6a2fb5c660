"""Usage as a vendor bills it, where that is not the tokens it reports."""

from __future__ import annotations

from typing import Any

from agentlab.caching.price_lists import billed_object
from agentlab.messages import Usage

__all__ = ["as_billed"]


def as_billed(vendor: str, usage: Usage) -> Usage:
    """The counts that are billed: the vendor's own object of them where it sends one, else the tokens.

    Such counts leave out what the vendor itself puts into the prompt, and are the same whether a cache was hit or not
    (recorded), so no part of them is a read or a write.

    Args:
        vendor: The vendor's name in `"vendor:model"`.
        usage: Tokens of one call, with `raw` as the vendor sent it.
    """
    name = billed_object(vendor)
    billed = (usage.raw or {}).get(name) if name is not None else None
    if not isinstance(billed, dict):
        return usage
    prompt, output = (_count(billed.get(key)) for key in ("input_tokens", "output_tokens"))
    if prompt is None and output is None:
        return usage
    return Usage(
        input_tokens=prompt, output_tokens=output, reported_cost_usd=usage.reported_cost_usd, raw=usage.raw
    )


def _count(given: Any) -> int | None:
    return int(given) if isinstance(given, int | float) else None
