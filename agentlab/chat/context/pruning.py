"""Where a long history is shortened and where it is cut: rarely and in big steps, because each time the cached prefix moves.

The gentler step comes first: tool results and inputs of older exchanges give way to their summaries. Only where that frees too
little are whole exchanges left out, so that no call is ever parted from its result. The log is replayed from its beginning, so
both places hang on the log alone, and stay until the budget is crossed again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agentlab.chat.context.budgets import Budgets
from agentlab.short_repr import ShortRepr

__all__ = ["Cut", "cut_of"]


class Cut(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """What is sent of a history's exchanges.

    Attributes:
        dropped: How many of the oldest are left out.
        shortened: How many of the oldest are shortened, those left out among them.
        tokens: Estimated tokens of what is sent.
        crossed_at: The exchange after which the budget was last crossed; None where it never was.
        crossings: How often it was.
        dropped_before: `dropped` before that.
        shortened_before: `shortened` before that.
    """

    dropped: int = 0
    shortened: int = 0
    tokens: int = 0
    crossed_at: int | None = None
    crossings: int = 0
    dropped_before: int = 0
    shortened_before: int = 0


def cut_of(sizes: Sequence[int], briefs: Sequence[int], budgets: Budgets) -> Cut:
    """What of a history is sent, if it may not outgrow its budget.

    When it does, all but the newest exchanges are shortened. If that frees less than half of what a cut would, the oldest
    exchanges are left out as well, until `budgets.keep` tokens are left. An exchange that is larger than the budget by itself is
    shortened even if it is the newest, and left out if that is not enough.

    Args:
        sizes: Estimated tokens of each exchange, the oldest first.
        briefs: The same when it is shortened; never more.
        budgets: The limits.

    Returns:
        The cut, the same for the same log until the budget is crossed again.
    """
    limit = budgets.history
    if limit is None:
        return Cut(tokens=sum(sizes))
    keep = budgets.kept_history
    enough = limit - (limit - keep) // 2
    start = shortened = held = crossings = 0
    before = (0, 0)
    crossed_at = None
    for place, size in enumerate(sizes):
        held += size
        if held <= limit:
            continue
        before, crossed_at, crossings = (start, shortened), place, crossings + 1
        until = place + 1 if size > limit else max(shortened, place + 1 - budgets.in_full)
        held -= sum(sizes[each] - briefs[each] for each in range(max(start, shortened), until))
        shortened = until
        if held <= enough:
            continue
        newest = place if size <= limit or briefs[place] <= limit else place + 1
        while start < newest and held > keep:
            held -= briefs[start] if start < shortened else sizes[start]
            start += 1
        shortened = max(shortened, start)
    return Cut(start, shortened, held, crossed_at, crossings, *before)
