"""Whether the price table gives the cost a recording states.

The derived cost is usage times price at the date of the response. Where the table cannot have the price that was
billed, and the recording shows so, the derived cost is NaN and says why: a wrong price is no cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from msgspec import Struct, structs

from agentlab.caching.calibration.recordings import Exchange
from agentlab.caching.prices import Rates, rates, turn_cost
from agentlab.short_repr import ShortRepr

__all__ = ["DerivedCost", "derived_cost"]

GATEWAY: Final = "openrouter"
_MAKERS: Final = {"mistralai": "mistral"}
"""Makers whose name in a gateway's model names differs from their name in the price table."""

_SAME_PRICE: Final = 1e-9
_MILLION: Final = 1_000_000
_STATED_STEP: Final = Decimal("0.00001")
"""Perplexity states its costs in these steps (recorded)."""


class DerivedCost(ShortRepr, Struct, frozen=True):
    """What a response should have cost.

    Attributes:
        usd: US dollars; NaN where it cannot be known.
        note: Why it is NaN, or what is to be known of it; empty where nothing is.
    """

    usd: float
    note: str = ""


def derived_cost(exchange: Exchange) -> DerivedCost:
    """The cost of a recorded response from its usage and the prices of its date."""
    usage = structs.replace(exchange.usage, reported_cost_usd=None)
    if _tools_billed(exchange.native):
        return DerivedCost(math.nan, "the price table has no fee for the tools the provider ran")
    refusals: list[str] = []
    for vendor, model in _price_lists(exchange):
        prices = rates(vendor, model, exchange.at, input_tokens=usage.input_tokens or 0)
        if not prices.known:
            refusals.append(f"the price table has no price for `{model}` of `{vendor}`")
            continue
        other = _other_price(prices, exchange)
        if other is not None:
            refusals.append(
                f"the price table's price for `{model}` of `{vendor}` is not the one billed: {other}"
            )
            continue
        cost = turn_cost(vendor, model, usage, exchange.at)
        fee = _stated_fee(exchange.native)
        if fee is None:
            return DerivedCost(cost.total_usd, cost.note or _doubt(exchange))
        total = Decimal(f"{cost.total_usd - prices.request + fee:.9f}")
        return DerivedCost(
            float(total.quantize(_STATED_STEP, ROUND_HALF_UP)),
            f"with the request's fee as the provider states it, rounded like its costs to ${_STATED_STEP}",
        )
    return DerivedCost(math.nan, "; ".join(refusals))


def _price_lists(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Where the price may stand: the vendor's list, then for a gateway the list of the model's maker, which is dated."""
    model = exchange.served_model or exchange.model
    if "cost_details" not in exchange.native:
        yield exchange.provider, model
        return
    yield GATEWAY, model
    maker, _, name = model.partition("/")
    if name:
        yield _MAKERS.get(maker, maker), name


def _tools_billed(native: Mapping[str, Any]) -> bool:
    details = native.get("server_tool_use_details")
    searches = details.get("web_search_requests") if isinstance(details, Mapping) else 0
    return bool(searches or native.get("num_server_side_tools_used"))


def _stated_fee(native: Mapping[str, Any]) -> float | None:
    cost = native.get("cost")
    fee = cost.get("request_cost") if isinstance(cost, Mapping) else None
    return float(fee) if isinstance(fee, int | float) else None


def _other_price(prices: Rates, exchange: Exchange) -> str | None:
    """How the price a gateway billed differs from the table's, from the parts of the cost it states."""
    stated = exchange.native.get("cost_details")
    if not isinstance(stated, Mapping):
        return None
    usage = exchange.usage
    read, write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    plain = (usage.input_tokens or 0) - read - write
    expected_prompt = math.fsum(
        count * price
        for count, price in ((plain, prices.uncached), (read, prices.read), (write, prices.write_5m))
        if count  # nothing costs nothing, at an unknown price too
    )
    expected_output = (usage.output_tokens or 0) * prices.output
    for name, expected, tokens in (
        ("prompt", expected_prompt, usage.input_tokens),
        ("input", expected_prompt, usage.input_tokens),
        ("completions", expected_output, usage.output_tokens),
        ("output", expected_output, usage.output_tokens),
    ):
        billed = stated.get(f"upstream_inference_{name}_cost")
        if billed is not None and tokens and not math.isclose(billed, expected, abs_tol=_SAME_PRICE):
            return (
                f"${billed / tokens * _MILLION:.4g} for a million {name} tokens,"
                f" not ${expected / tokens * _MILLION:.4g}"
            )
    return None


def _doubt(exchange: Exchange) -> str:
    stated = exchange.native.get("cost_details")
    if isinstance(stated, Mapping) and not any(stated.values()):
        return "the gateway does not state whose price it billed: the maker's, or another host's of the model"
    return "" if exchange.at is not None else "the response is not dated: today's price"
