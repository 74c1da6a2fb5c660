"""Recorded exchanges put in order: which belong to one recording session, and which continue a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.splitting import split_object
from agentlab.caching.calibration.recordings import Exchange
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["Turn", "missing_prompt", "turns"]

SESSION_GAP_S: Final = 3600.0
"""Two responses of one cassette dated further apart were recorded in two sessions: nobody waits an hour in a test."""

_LAYOUTS: Final = {
    "cohere-chat-v2": "cohere-chat",
    "bedrock-converse-stream": "bedrock-converse",
}
"""Wires whose requests are laid out as another's."""

_HIDDEN_FACTOR: Final = 4
_HIDDEN_FLOOR: Final = 600
"""A prompt so much longer than its request holds a file, or text of the vendor's own, that the recording has not."""

_STORED: Final = {
    "previous_response_id": "the conversation is stored by the provider",
    "conversation": "the conversation is stored by the provider",
    "cachedContent": "the prompt is a stored resource",
    "prompt": "the prompt is a stored template",
}


class Turn(ShortRepr, Struct, frozen=True):
    """One exchange in its place.

    Attributes:
        exchange: What was recorded.
        blocks: Its prompt; empty where the recording does not hold it.
        session: Number of the recording session in the cassette.
        conversation: Number of the conversation in the cassette.
        turn: Place in the conversation, from 1.
        missing: Why the prompt is not wholly in the recording; None where it is.
        now: Virtual time of the request, in seconds.
    """

    exchange: Exchange
    blocks: tuple[Block, ...]
    session: int
    conversation: int
    turn: int
    missing: str | None
    now: float

    @property
    def opens(self) -> bool:
        """Whether nothing earlier in its session began with the same messages."""
        return self.turn == 1


def turns(exchanges: Iterable[Exchange]) -> Iterator[list[Turn]]:
    """The exchanges of each cassette and model, in order.

    Args:
        exchanges: In the order of the cassettes, as `read_exchanges` gives them.
    """
    for _, cassette in groupby(exchanges, key=lambda each: (each.provider, each.source)):
        by_model: dict[str, list[Exchange]] = {}
        for each in cassette:
            by_model.setdefault(each.model, []).append(each)
        for same_model in by_model.values():
            yield list(_placed(same_model))


def _placed(exchanges: Iterable[Exchange]) -> Iterator[Turn]:
    openings: dict[str, tuple[int, int]] = {}
    tooled: set[int] = set()
    session = conversations = 0
    now, dated = 0.0, None
    for each in exchanges:
        if each.at is not None and dated is not None and abs(each.at - dated) > SESSION_GAP_S:
            session += 1
            openings.clear()
        dated = each.at if each.at is not None else dated
        now = max(now + 1.0, each.at or 0.0)
        blocks = () if each.body is None else _blocks(each.api, each.body)
        opening = _opening(blocks)
        number, turn = openings.get(opening, (-1, 0)) if opening else (-1, 0)
        if turn == 0:
            conversations += 1
            number = conversations
        if opening:
            openings[opening] = (number, turn + 1)
        missing = missing_prompt(each, blocks)
        if missing is None and number in tooled:
            missing = (
                "the answer before it came of tools the provider ran: what that left is not in the recording"
            )
        if missing is None and turn == 0 and len(openings) > 1 and each.at is None:
            missing = "undated: nothing tells whether independent requests ran side by side"
        (tooled.add if each.server_tools else tooled.discard)(number)
        yield Turn(each, blocks, session, number, turn + 1, missing, now)


def missing_prompt(exchange: Exchange, blocks: tuple[Block, ...]) -> str | None:
    """Why a recorded request is not the whole prompt the provider billed; None where it is.

    Decided from the request, its length and the tools the provider ran, never from what its cache did.
    """
    if exchange.body is None or not blocks:
        return "the request is not in the recording"
    for field, why in _STORED.items():
        if exchange.body.get(field):
            return why
    if exchange.server_tools:
        return "the provider ran tools: several prompts in one response"
    usage = exchange.usage
    total = usage.input_tokens or 0
    if (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0) > total:
        return "the provider's counters contradict each other"
    if total > _HIDDEN_FLOOR + _HIDDEN_FACTOR * sum(block.tokens for block in blocks):
        return "most of the prompt is not in the request"
    return None


def _blocks(api: str, body: dict[str, Any]) -> tuple[Block, ...]:
    try:
        return split_object(_LAYOUTS.get(api, api), body)
    except UsageError:
        return ()


def _opening(blocks: tuple[Block, ...]) -> str | None:
    """What names a conversation: everything up to the end of its first user message."""
    links = chain(blocks)
    for index, block in enumerate(blocks):
        if block.kind == "message" and block.ends_message:
            return links[index]
    return None
