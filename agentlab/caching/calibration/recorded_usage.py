"""What a recorded response says of its tokens, its price and its date."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from agentlab.messages import Usage

__all__ = ["USD_PER_TICK", "recorded_at", "recorded_cost", "recorded_model", "recorded_usage"]

USD_PER_TICK: Final = 1e-10
"""xAI states what a call cost in ticks (docs.x.ai/developers/advanced-api-usage/prompt-caching)."""

_DATED: Final = re.compile(r'"(?:created|created_at|createTime)": ?"?([0-9][^",}\s]*)')
_SERVED: Final = re.compile(r'"(?:model|modelVersion)": ?"([^"]+)"')
_DATE_WITHIN: Final = 20_000
_RESET_HEADER: Final = "anthropic-ratelimit-tokens-reset"


def recorded_usage(expected: Mapping[str, Any]) -> Usage | None:
    """Tokens of one response, as the provider's SDK read them; None where it reports no prompt."""
    counted = expected.get("usage")
    native = expected.get("usage_native")
    if not isinstance(counted, Mapping) or counted.get("input_total") is None:
        return None
    details = native if isinstance(native, Mapping) else {}
    write_5m, write_1h = _writes_by_life(details)
    return Usage(
        input_tokens=counted["input_total"],
        output_tokens=counted.get("output_total"),
        cache_read_tokens=counted.get("cache_read"),
        cache_write_tokens=counted.get("cache_write"),
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        reasoning_tokens=counted.get("reasoning"),
        tool_use_prompt_tokens=counted.get("tool_use_prompt"),
        reported_total_tokens=counted.get("total_reported"),
        reported_cost_usd=recorded_cost(details),
    )


def recorded_cost(native: Mapping[str, Any]) -> float | None:
    """What the provider says the call cost, in US dollars; None where it says nothing.

    OpenRouter states `cost`, and apart from it what the upstream provider took, which is the price of the call where
    the caller pays the provider himself. Perplexity states `cost.total_cost`, xAI ticks.
    """
    ticks = native.get("cost_in_usd_ticks")
    if isinstance(ticks, int) and ticks > 0:
        return ticks * USD_PER_TICK
    cost = native.get("cost")
    if isinstance(cost, Mapping):
        cost = cost.get("total_cost")
    upstream = native.get("cost_details")
    if native.get("is_byok") and isinstance(upstream, Mapping):
        cost = upstream.get("upstream_inference_cost")
    return float(cost) if isinstance(cost, int | float) else None


def recorded_at(record: Mapping[str, Any]) -> float | None:
    """When a response was made, Unix time in seconds; None where neither body nor headers say."""
    found = _DATED.search(str(record.get("response_body") or "")[:_DATE_WITHIN])
    stated = _moment(found.group(1)) if found else None
    if stated is not None:
        return stated
    reset = (record.get("response_headers") or {}).get(_RESET_HEADER)
    return _moment(str(reset)) if reset else None


def recorded_model(record: Mapping[str, Any]) -> str:
    """The model that answered, by the response's own word; empty where it does not say."""
    found = _SERVED.search(str(record.get("response_body") or ""))
    return found.group(1) if found else ""


def _moment(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return seconds if seconds and math.isfinite(seconds) else None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _writes_by_life(native: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens written for 5 minutes and for 1 hour: Anthropic's `cache_creation`, Bedrock's `cacheDetails`."""
    created = native.get("cache_creation")
    if isinstance(created, Mapping):
        return created.get("ephemeral_5m_input_tokens"), created.get("ephemeral_1h_input_tokens")
    details = native.get("cacheDetails")
    if isinstance(details, list):
        by_life = {entry.get("ttl"): entry.get("inputTokens") for entry in details}
        return by_life.get("5m"), by_life.get("1h")
    return None, None
