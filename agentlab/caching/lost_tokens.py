"""What a moved prefix costs: the tokens that must be paid again, and the difference in dollars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agentlab.caching.blocks import Block
from agentlab.caching.cause import Cause
from agentlab.caching.prefix import common_tokens
from agentlab.caching.prices import rates

__all__ = ["dollars_lost", "tokens_lost"]


def tokens_lost(
    previous: Sequence[Block], current: Sequence[Block], cause: Cause, *, total: int | None = None
) -> tuple[int, int]:
    """Tokens of the earlier request that can still be read, and those that no longer can.

    The start of the first changed block counts as readable: caches that match tokens read it. Those that match whole
    blocks (Anthropic) or messages (OpenAI from GPT-5.6) lose the block, which is seldom much of the prompt.

    Args:
        previous: Blocks of the earlier request.
        current: Blocks of the later one.
        cause: The first change.
        total: Tokens of the earlier request as its provider counted them; the estimates are scaled to it.
    """
    first = cause.block
    kept = sum(block.tokens for block in previous[:first])
    if cause.character and first < len(previous) and first < len(current):
        was, now = previous[first], current[first]
        if was.kind == now.kind:
            kept += common_tokens(was.token_ids(), now.token_ids())
    estimated = sum(block.tokens for block in previous)
    whole = estimated if total is None else total
    kept = round(kept * whole / estimated) if estimated else 0
    return kept, whole - kept


def dollars_lost(
    provider: str | None,
    model: str | None,
    tokens: int,
    current: Sequence[Block],
    *,
    at: float | None = None,
    input_tokens: int | None = None,
) -> float:
    """What tokens cost more for not being read, in US dollars; NaN where no price is known.

    They are written again where the later request marks what to cache for an hour, and wherever the vendor bills
    writes; where it does not, its price for writing is that of an uncached token.

    Args:
        provider: The vendor's name in the price table.
        model: The provider's name of the model.
        tokens: How many.
        current: Blocks of the later request, with their markers.
        at: Unix time of the later request in seconds; now where None.
        input_tokens: Length of the later request, for models whose prices rise with it.
    """
    if provider is None or model is None:
        return math.nan
    price = rates(provider, model, at, input_tokens=input_tokens or 0)
    hourly = any(block.marker == "1h" for block in current)
    again = price.write_1h if hourly else price.write_5m
    return tokens * (again - price.read)
