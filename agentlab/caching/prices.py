"""What a call costs, from its usage and the price table of `genai-prices` (offline, with price history).

Cost is always derived from usage, never stored alone: prices change, and so do the questions asked of a record.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agentlab.messages import Usage

__all__ = ["cost_usd"]


def cost_usd(provider: str, model: str, usage: Usage, *, at: float | None = None) -> float | None:
    """The price of one call in US dollars.

    Args:
        provider: The vendor's name in the price table.
        model: The provider's name of the model.
        usage: Tokens of the call.
        at: Unix time of the call; prices of that day are used. Now where None.

    Returns:
        The provider's own figure where it reports one, else the derived price; None where usage or price is unknown.
    """
    if usage.reported_cost_usd is not None:
        return usage.reported_cost_usd
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    import genai_prices  # noqa: PLC0415 - half a second and a large table; only costs need it

    counts = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    when = datetime.fromtimestamp(at, UTC) if at is not None else datetime.now(UTC)
    try:
        price = genai_prices.calc_price(counts, model, provider_id=provider, genai_request_timestamp=when)
    except (LookupError, ValueError):
        return None
    return float(price.total_price)
