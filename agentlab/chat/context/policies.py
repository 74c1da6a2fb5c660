"""What each policy did: to what is sent, to the cached prefix, and to the cost of the request."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agentlab.chat.context.attachments import Choice
from agentlab.chat.context.prefix_cost import Prices
from agentlab.chat.context.report import ReportRow
from agentlab.chat.context.view import View, named

__all__ = ["attachment_policy", "cutting_policy", "mode_policy", "shortening_policy"]


def shortening_policy(view: View, prices: Prices) -> ReportRow:
    """What the summaries of old tool results and inputs did."""
    cut, exchanges = view.cut, view.exchanges
    kept = range(cut.dropped, cut.shortened)
    freed = [exchanges.sizes[place] - exchanges.briefs[place] for place in range(cut.shortened)]
    saved = sum(freed[place] for place in kept)
    part = "summaries of old results"
    first = max(cut.dropped_before, cut.shortened_before)
    changed = [place for place in range(first, cut.shortened) if freed[place]] if view.is_crossed_now else []
    if not changed:
        why = "made earlier; nothing changes now" if saved else "nothing is shortened"
        return ReportRow(
            part, "policy", why=why, saved_tokens=saved, cost_delta_usd=prices.moved(again=0, gone=saved)
        )
    gone = sum(freed[place] for place in changed)
    again = view.sent_tokens(changed[0], len(exchanges))
    cost = prices.moved(again=again, gone=gone)
    return ReportRow(
        part,
        "policy",
        tokens=sum(exchanges.briefs[place] for place in changed),
        why=f"the history crossed its budget; {_payback(cost, gone, prices)}",
        moves_prefix_at=named(changed[0], changed[0] + 1),
        lost_cache_tokens=again + gone,
        saved_tokens=saved,
        cost_delta_usd=cost,
    )


def cutting_policy(view: View, prices: Prices) -> ReportRow:
    """What leaving out the oldest exchanges did."""
    cut, exchanges = view.cut, view.exchanges
    left_out = view.sent_tokens(0, cut.dropped)
    saved = left_out - view.front_tokens
    part = "leaving out old exchanges"
    if not (view.is_crossed_now and cut.dropped > cut.dropped_before):
        why = "made earlier; nothing changes now" if cut.dropped else "nothing is left out"
        return ReportRow(
            part,
            "policy",
            tokens=left_out,
            is_kept=not cut.dropped,
            why=why,
            saved_tokens=saved,
            cost_delta_usd=prices.moved(again=0, gone=saved),
        )
    gone = view.sent_tokens(cut.dropped_before, cut.dropped)
    again = view.sent_tokens(cut.dropped, len(exchanges))
    told = view.front_tokens * prices.new if view.front_tokens else 0.0
    cost = prices.moved(again=again, gone=gone) + told
    return ReportRow(
        part,
        "policy",
        tokens=left_out,
        is_kept=False,
        why=f"the history crossed its budget; {_payback(cost, gone, prices)}",
        moves_prefix_at=named(cut.dropped_before, cut.dropped_before + 1),
        lost_cache_tokens=again + gone,
        saved_tokens=saved,
        cost_delta_usd=cost,
    )


def attachment_policy(
    choices: Sequence[Choice],
    prices: Prices,
    *,
    told: int,
    moved: tuple[str, int] = ("", 0),
    why: str,
) -> ReportRow:
    """What the choice and the place of attachments did.

    Args:
        choices: Which attachments fit the budget.
        prices: The model's prices.
        told: Estimated tokens of attachments in this request that were not in the last one.
        moved: Where the prefix ends because of them, and how many tokens of the last request that loses.
        why: How they are told.
    """
    pruned = sum(choice.attachment.tokens for choice in choices if not choice.is_kept)
    place, lost = moved
    return ReportRow(
        "attachment budget",
        "policy",
        tokens=told,
        why=why,
        moves_prefix_at=place,
        lost_cache_tokens=lost,
        saved_tokens=pruned,
        cost_delta_usd=prices.moved(again=lost) - (pruned * prices.new if pruned else 0.0),
    )


def mode_policy(tokens: int, prices: Prices, *, moved: tuple[str, int] = ("", 0), why: str) -> ReportRow:
    """What telling a mode did.

    Args:
        tokens: Estimated tokens of what is told of it now; 0 where nothing is.
        prices: The model's prices.
        moved: As in `attachment_policy`.
        why: How it is told.
    """
    place, lost = moved
    told = tokens * prices.new if tokens else 0.0
    return ReportRow(
        "mode",
        "policy",
        tokens=tokens,
        why=why,
        moves_prefix_at=place,
        lost_cache_tokens=lost,
        cost_delta_usd=told + prices.moved(again=lost),
    )


def _payback(cost: float, gone: int, prices: Prices) -> str:
    """When a moved prefix has paid for itself."""
    each = gone * prices.read
    if math.isnan(cost) or math.isnan(each) or each <= 0:
        return "when that pays is not known"
    if cost <= 0:
        return "that pays at once"
    requests = math.ceil(cost / each)
    return f"that pays after {requests:,} more {'request' if requests == 1 else 'requests'}"
