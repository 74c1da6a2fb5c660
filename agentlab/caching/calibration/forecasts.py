"""Replays recorded conversations through a provider's cache policy, one response ahead at a time.

Before each response the forecast knows the request, its recorded length in tokens, and all earlier responses of the
cassette; what the response itself reports as read or written comes in only after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from agentlab.caching.blocks.positions import Positions
from agentlab.caching.blocks.prefix_tree import PrefixTree
from agentlab.caching.calibration.cassettes import Turn
from agentlab.caching.calibration.recordings import Exchange
from agentlab.caching.policies.answers import Answered, KeepsAnswers, sent_back
from agentlab.caching.policies.lengths import position
from agentlab.caching.policies.policy import CacheOutcome, CachePolicy, CacheRefused, Prompt
from agentlab.caching.policies.profile import Profile
from agentlab.caching.profiles.registry import make_policy
from agentlab.caching.token_counts import ends_in_tool_results, with_tail
from agentlab.short_repr import ShortRepr

__all__ = ["Forecast", "forecasts"]

PART_ERROR: Final = 0.05
"""How far off, as a share, a place in a prompt is taken to be that no response told."""


class Forecast(ShortRepr, Struct, frozen=True):
    """What a policy says of one response before it is seen.

    Attributes:
        turn: The response.
        outcome: What the cache does, as far as the recording shows what went before.
        if_warm: What it would do had the same prompt been sent before the recording began.
        sent_before: Tokens of the prompt that the recording shows sent before: no cache can have read more of it.
        slack: How far off that may be.
        guessed: Tokens past the end of the cached part, where nothing told that position and it is estimated; else 0.
    """

    turn: Turn
    outcome: CacheOutcome
    if_warm: CacheOutcome
    sent_before: int = 0
    slack: float = 0.0
    guessed: int = 0


def forecasts(turns: Sequence[Turn], profile: Profile, *, strict: bool = True) -> Iterator[Forecast]:
    """Forecasts for the exchanges of one cassette with one model.

    Args:
        turns: In order.
        profile: The provider's cache.
        strict: Whether chance is left out: the provider's documented best case.
    """
    session: _Session | None = None
    number = -1
    for turn in turns:
        if session is None or turn.session != number:
            session, number = _Session(profile, turn.exchange.model, strict=strict), turn.session
        yield session.forecast(turn)


class _Session:
    """The cache of one recording session, as the responses so far let it be known."""

    def __init__(self, profile: Profile, model: str, *, strict: bool) -> None:
        self._profile = profile
        self._model = model
        self._strict = strict
        self._positions = Positions()
        self._sent: list[Turn] = []
        self._policy = self._empty()
        self._everything = PrefixTree()
        self._stale = False
        self._tails: dict[bool, int] = {}

    def forecast(self, turn: Turn) -> Forecast:
        """The forecast for the next response; then take the response in."""
        if not turn.blocks or turn.exchange.server_tools:
            nothing = CacheOutcome(turn.exchange.usage.input_tokens or 0, 0, 0)
            return Forecast(turn, nothing, nothing)
        if self._stale:
            self._replay()
        self._send_answer(turn, self._sent)
        prompt = self._prompt(turn)
        rehearsal = self._empty()
        _account(rehearsal, prompt, turn.now - 1)
        if_warm = _account(rehearsal, prompt, turn.now)
        held = self._everything.held(prompt.blocks, turn.now)
        sent_before = position(prompt, prompt.ends or (0,), held)
        outcome = self._send(turn)
        self._sent.append(turn)
        if turn.missing is not None:
            return Forecast(turn, outcome, if_warm)
        told = not held.tokens and self._positions.knows(turn.blocks[: held.blocks])
        guessed = self._learn(turn, prompt)
        return Forecast(
            turn, outcome, if_warm, sent_before, 0.0 if told else PART_ERROR * sent_before, guessed
        )

    def _send(self, turn: Turn) -> CacheOutcome:
        prompt = self._prompt(turn)
        self._everything.store(prompt.blocks, turn.now, math.inf)
        return _account(self._policy, prompt, turn.now)

    def _send_answer(self, turn: Turn, before: Sequence[Turn]) -> None:
        """Where a prompt sends back the answer before it: that answer passed through the machine too, and may be kept."""
        found = sent_back(turn.blocks, map(_answered, reversed(before)))
        if found is None:
            return
        blocks, earlier = turn.blocks[: found.count], found.answered
        self._everything.store(blocks, earlier.at, math.inf)
        whole = found.holds_answer and earlier.tokens < (turn.exchange.usage.input_tokens or 0)
        if isinstance(self._policy, KeepsAnswers) and self._profile.keeps_answers and whole:
            self._positions.learn(turn.blocks, found.count - 1, earlier.tokens)
            ends = self._positions.ends(blocks, earlier.tokens)
            answer = Prompt(blocks, _scope(turn.exchange), {}, earlier.tokens, ends=ends)
            self._policy.keep(answer, earlier.at)

    def _empty(self) -> CachePolicy:
        return make_policy(self._profile, model=self._model, strict=self._strict)

    def _replay(self) -> None:
        """Send everything again: positions reported since then also hold for what was sent before."""
        self._policy, self._everything = self._empty(), PrefixTree()
        for index, turn in enumerate(self._sent):
            self._send_answer(turn, self._sent[:index])
            self._send(turn)
        self._stale = False

    def _prompt(self, turn: Turn) -> Prompt:
        exchange = turn.exchange
        scope, body = _scope(exchange), exchange.body or {}
        total = exchange.usage.input_tokens or 0
        tail = min(self._tail(turn), total)
        sizes = self._profile.counts.sizes(turn.blocks, body)
        ends = self._positions.ends(turn.blocks, total - tail, sizes=sizes)
        return with_tail(Prompt(turn.blocks, scope, body), ends, tail)

    def _tail(self, turn: Turn) -> int:
        """Tokens past the last block: as responses told them, else as the profile has them."""
        counts = self._profile.counts
        after_tools = ends_in_tool_results(turn.blocks)
        told = self._tails.get(after_tools)
        if told is None and (not after_tools or counts.tail_after_tools is None):
            told = next(iter(self._tails.values()), None)
        return counts.tail_of(turn.blocks, turn.exchange.body or {}, told)

    def _learn(self, turn: Turn, prompt: Prompt) -> int:
        """Take in where the response says the cached part ends; the tokens past it, where that was a guess before."""
        usage, last = turn.exchange.usage, len(turn.blocks) - 1
        total = usage.input_tokens or 0
        self._stale |= self._positions.learn(turn.blocks, last, total - self._tail(turn))
        marked = [index for index, block in enumerate(turn.blocks) if block.marker is not None]
        cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        if not (marked and cached and self._profile.reports_writes):
            return 0
        if marked[-1] == last:
            forced = self._profile.counts.forced_tail(turn.blocks, turn.exchange.body or {})
            self._tails[ends_in_tool_results(turn.blocks)] = max(0, total - cached - forced)
            self._stale |= self._positions.learn(turn.blocks, last, cached)
            return 0
        news = self._positions.learn(turn.blocks, marked[-1], cached)
        self._stale |= news
        assert prompt.ends is not None
        return total - prompt.ends[marked[-1] + 1] if news else 0


def _answered(turn: Turn) -> Answered:
    usage = turn.exchange.usage
    return Answered(turn.blocks, (usage.input_tokens or 0) + (usage.output_tokens or 0), turn.now)


def _scope(exchange: Exchange) -> tuple[str, ...]:
    key = (exchange.body or {}).get("prompt_cache_key")
    return (exchange.provider, exchange.model, key if isinstance(key, str) else "")


def _account(policy: CachePolicy, prompt: Prompt, now: float) -> CacheOutcome:
    try:
        return policy.account(prompt, now)
    except CacheRefused as refusal:
        return CacheOutcome(prompt.tokens, 0, 0, reason=str(refusal))
