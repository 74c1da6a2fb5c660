"""What must not be lost with the exchanges that are left out: it is told again in front of those that are left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agentlab.chat.context.attachments import ESSENTIAL, is_notice
from agentlab.chat.context.exchanges import Exchanges
from agentlab.chat.context.pruning import Cut
from agentlab.chat.context.told import MODE, Told, told_in
from agentlab.messages import UserMessage
from agentlab.sessions.entries import Attached, ToolAnswered

__all__ = ["told_again"]

_PLAN: Final = "\0plan"


def told_again(exchanges: Exchanges, cut: Cut) -> tuple[Told, ...]:
    """What the exchanges that are left out told and what must not be lost with them, in the order it was told in.

    That is the mode they ended in, the plan that was approved last, and the essential attachments: each only if the exchanges
    that were left tell nothing newer of it. All is taken as it stood when the cut was made, so it stays the same until the next.

    Args:
        exchanges: The whole history.
        cut: What of it is sent.
    """
    if not cut.dropped or cut.crossed_at is None:
        return ()
    essential = _essential(exchanges, cut.crossed_at + 1)
    newer: set[str] = set()
    last: dict[str, Told] = {}
    for place, told in _told(exchanges):
        if place > cut.crossed_at:
            break
        keys = (told.key, _PLAN) if told.has_plan else (told.key,)
        if place >= cut.dropped:
            newer.update(keys)
            continue
        is_wanted = told.key == MODE or (told.key in essential and not is_notice(told.text))
        for key in keys:
            last.pop(key, None)
            if is_wanted:
                last[key] = told
    return tuple({told.text: told for key, told in last.items() if key not in newer}.values())


def _told(exchanges: Exchanges) -> Iterator[tuple[int, Told]]:
    """All that was told, each with its exchange."""
    for place, entry in exchanges.telling:
        message = UserMessage((entry.result,)) if isinstance(entry, ToolAnswered) else entry.message
        for told in told_in(message):
            yield place, told


def _essential(exchanges: Exchanges, begun: int) -> set[str]:
    """Paths of the essential attachments before an exchange began."""
    found: set[str] = set()
    for exchange, entry in exchanges.files:
        if exchange > begun:
            break
        if isinstance(entry, Attached) and entry.priority <= ESSENTIAL:
            found.add(entry.path)
        else:
            found.discard(entry.path)
    return found
