"""What a moved prefix costs: the tokens that must be paid again, and the difference in dollars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from agentlab.caching.blocks.prefix import common_tokens
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.prices import rates
from agentlab.caching.profiles.registry import profile_for

__all__ = ["dollars_lost", "matches_whole_blocks", "tokens_lost"]

_TOKENS: Final = attrgetter("tokens")
_MARKER: Final = attrgetter("marker")
_WHOLE_BLOCKS: Final = frozenset(["breakpoints", "message_boundaries", "resource"])


@lru_cache(maxsize=1024)
def matches_whole_blocks(provider: str | None, model: str | None) -> bool:
    """Whether a provider's cache entries end at blocks or messages, and not anywhere in a text."""
    return profile_for(provider or "", model or "").family in _WHOLE_BLOCKS


def tokens_lost(
    previous: Sequence[Block],
    current: Sequence[Block],
    cause: Cause,
    *,
    whole_blocks: bool = False,
    total: int | None = None,
) -> tuple[int, int]:
    """Tokens of the earlier request that can still be read, and those that no longer can.

    Args:
        previous: Blocks of the earlier request.
        current: Blocks of the later one.
        cause: The first change.
        whole_blocks: Whether the cache's entries end at blocks, so that nothing of the changed one is read.
        total: Tokens of the earlier request as its provider counted them; the estimates are scaled to it.
    """
    first = cause.block
    kept = sum(map(_TOKENS, previous[:first]))
    if cause.character and not whole_blocks and first < len(previous) and first < len(current):
        was, now = previous[first], current[first]
        if was.kind == now.kind:
            kept += common_tokens(was.token_ids(), now.token_ids())
    estimated = sum(map(_TOKENS, previous))
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
    hourly = "1h" in map(_MARKER, current)
    again = price.write_1h if hourly else price.write_5m
    return tokens * (again - price.read)
