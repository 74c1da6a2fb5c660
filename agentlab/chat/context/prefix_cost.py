"""What a change of context does to the prefix of the last request, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from agentlab.agent.frames import provider_and_model
from agentlab.caching.blocks.common_text import common_start
from agentlab.caching.blocks.prefix import same_objects
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.lost_tokens import dollars_lost, matches_whole_blocks
from agentlab.caching.prices import rates
from agentlab.caching.tokens import estimate_tokens
from agentlab.chat.context.report import ReportRow
from agentlab.messages import (
    Message,
    Reasoning,
    Refusal,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
)
from agentlab.short_repr import ShortRepr

__all__ = ["Prices", "prices_of", "request_row"]


class Prices(ShortRepr, Struct, frozen=True):
    """Prices of the model that is asked, in US dollars a token; NaN where unknown.

    Attributes:
        read: A token that is read from the cache.
        again: What a token costs more for not being read.
    """

    read: float = math.nan
    again: float = math.nan

    @property
    def new(self) -> float:
        """A token that was never sent before."""
        return self.read + self.again

    def moved(self, *, again: int, gone: int = 0) -> float:
        """What a change costs the request that makes it, in US dollars.

        Args:
            again: Tokens that could have been read, and must be paid anew.
            gone: Tokens that could have been read, and are not sent any more.
        """
        paid = again * self.again if again else 0.0
        return paid - (gone * self.read if gone else 0.0)


def prices_of(model: str, last: RecordedCall | None, at: float | None) -> Prices:
    """The prices that a report counts with.

    Args:
        model: `"vendor:model"`; the last request's where empty.
        last: The last request.
        at: Unix time in seconds; now where None.
    """
    if model:
        vendor, name = provider_and_model(model)
    elif last is not None:
        vendor, name = last.vendor, last.model
    else:
        return Prices()
    return Prices(rates(vendor, name, at).read, dollars_lost(vendor, name, 1, (), at=at))


def request_row(
    last: RecordedCall | None,
    preamble: str,
    messages: Sequence[Message],
    tokens: int,
    prices: Prices,
    *,
    model: str = "",
) -> ReportRow:
    """What the whole request does to the prefix of the last one.

    Args:
        last: The last request as it was sent.
        preamble: The new system prompt.
        messages: The new history and prompt.
        tokens: Estimated tokens of the new request.
        prices: The model's prices.
        model: `"vendor:model"` that is asked; the last request's where empty.
    """
    if last is None or last.request is None:
        return ReportRow("request", "request", tokens=tokens, why="the last request is not known")
    if _is_another(model, last):
        return _all_lost(last, tokens, prices)
    before = last.request
    shared = _common(before.messages, messages)
    if shared == len(before.messages) and (before.preamble or "") == preamble:
        return ReportRow("request", "request", tokens=tokens, why="begins with all of the last request")
    place = f"message {shared}" if (before.preamble or "") == preamble else "preamble"
    whole_blocks = matches_whole_blocks(last.vendor, last.model)
    kept, lost = _kept_and_lost(before, preamble, messages, shared, whole_blocks=whole_blocks)
    end = len(before.messages) - _shared_end(before.messages, messages)
    gone = estimate_tokens("\n".join(map(_text, before.messages[shared:end])))
    counted = last.usage.input_tokens if last.usage is not None else None
    scale = 1.0 if counted is None else counted / max(1, kept + lost)
    lost, gone = round(lost * scale), min(round(gone * scale), round(lost * scale))
    return ReportRow(
        "request",
        "request",
        tokens=tokens,
        why=f"the prefix of the last request ends at {place}; {round(kept * scale):,} of its tokens can be read",
        moves_prefix_at=place,
        lost_cache_tokens=lost,
        cost_delta_usd=prices.moved(again=lost - gone, gone=gone),
    )


def _kept_and_lost(
    before: Request, preamble: str, messages: Sequence[Message], shared: int, *, whole_blocks: bool
) -> tuple[int, int]:
    """Estimated tokens of the earlier request that a request still begins with, and those behind them.

    Args:
        before: The earlier request.
        preamble: The later system prompt.
        messages: The later messages.
        shared: How many messages both begin with.
        whole_blocks: Whether the cache's entries end at blocks, so that nothing of a changed text is read.
    """
    tools = msgspec.json.encode(before.tools).decode() if before.tools else ""
    old = [tools, before.preamble or "", *map(_text, before.messages)]
    moved = 1 if (before.preamble or "") != preamble else 2 + shared
    later = preamble if moved == 1 else _text(messages[shared]) if shared < len(messages) else ""
    changed = old[moved] if moved < len(old) else ""
    common = 0 if whole_blocks else common_start(changed, later)
    kept = estimate_tokens("\n".join(old[:moved])) + estimate_tokens(changed[:common])
    return kept, estimate_tokens("\n".join([changed[common:], *old[moved + 1 :]]))


def _text(message: Message) -> str:
    """All that a message says, roughly as a provider counts it."""
    if isinstance(message, SystemMessage):
        return message.content
    said = []
    for part in message.content:
        if isinstance(part, ToolCall):
            said.append(f"{part.name}({part.arguments_json})")
        elif isinstance(part, Text | ToolResult | Reasoning | Refusal):
            said.append(part.text)
    return "\n".join(said)


def _is_another(model: str, last: RecordedCall) -> bool:
    vendor, name = provider_and_model(model)
    return bool(name) and (vendor, name) != (last.vendor, last.model)


def _all_lost(last: RecordedCall, tokens: int, prices: Prices) -> ReportRow:
    """The row of a request to another model, which has a cache of its own."""
    reported = last.usage.input_tokens if last.usage is not None else None
    lost = tokens if reported is None else reported
    return ReportRow(
        "request",
        "request",
        tokens=tokens,
        why=f"another model than {last.model} is asked, and a cache is one model's",
        moves_prefix_at="model",
        lost_cache_tokens=lost,
        cost_delta_usd=prices.moved(again=min(lost, tokens)),
    )


def _common(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages both begin with; the same objects are not looked into."""
    place = same_objects(before, now)
    while place < min(len(before), len(now)) and before[place] == now[place]:
        place += 1
    return place


def _shared_end(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many of the last messages of the earlier request stand in a row in the later one, which goes on behind them."""
    if not before:
        return 0
    end = next((place for place in range(len(now) - 1, -1, -1) if now[place] == before[-1]), -1)
    count = 0
    while count < len(before) and count <= end and before[-1 - count] == now[end - count]:
        count += 1
    return count
