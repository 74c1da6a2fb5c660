"""Replays recorded conversations through a provider's cache policy, one response ahead at a time.

Before each response the forecast knows the request, its recorded length in tokens, and all earlier responses of the
cassette; what the response itself reports as read or written comes in only after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.positions import Positions
from agentlab.caching.blocks.prefix_tree import PrefixTree
from agentlab.caching.calibration.cassettes import Turn
from agentlab.caching.calibration.recordings import Exchange
from agentlab.caching.policies.lengths import position
from agentlab.caching.policies.policy import CacheOutcome, CachePolicy, CacheRefused, Prompt
from agentlab.caching.policies.profile import Profile
from agentlab.caching.profiles.registry import make_policy

__all__ = ["Forecast", "forecasts"]

PART_ERROR: Final = 0.05
"""How far off, as a share, a place in a prompt is taken to be that no response told."""

_TAIL: Final = "the start of the answer"
_ANSWERS: Final = frozenset(["assistant", "model", "function_call", "reasoning"])
_TOOL_RESULTS: Final = ('"tool_result"', '"toolResult"', '"function_call_output"')


class Forecast(Struct, frozen=True):
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
        for earlier in reversed(before):
            count = len(earlier.blocks)
            if chain(turn.blocks[:count]) != chain(earlier.blocks):
                continue
            while count < len(turn.blocks) and turn.blocks[count].role in _ANSWERS:
                count += 1
            blocks = turn.blocks[:count]
            usage = earlier.exchange.usage
            end = (usage.input_tokens or 0) + (usage.output_tokens or 0)
            self._everything.store(blocks, turn.now - 0.5, math.inf)
            whole = count > len(earlier.blocks) and end < (turn.exchange.usage.input_tokens or 0)
            if self._profile.keeps_answers and whole:
                self._positions.learn(turn.blocks, count - 1, end)
                ends = self._positions.ends(blocks, end)
                answer = Prompt(blocks, _scope(turn.exchange), {}, end, ends=ends)
                _account(self._policy, answer, turn.now - 0.5)
            return

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
        tail = min(self._tail(turn.blocks), total)
        has_tools = any(block.kind == "tool" for block in turn.blocks)
        hidden = self._profile.tool_prompt_tokens if has_tools else 0
        ends = self._positions.ends(turn.blocks, total - tail, tool_prompt=hidden)
        if tail:
            return Prompt((*turn.blocks, _tail_block(tail)), scope, body, total, ends=(*ends, total))
        return Prompt(turn.blocks, scope, body, total, ends=ends)

    def _tail(self, blocks: Sequence[Block]) -> int:
        """Tokens past the last block, which begin the answer and which no marker can reach."""
        after_tools = _ends_in_tools(blocks)
        if after_tools in self._tails:
            return self._tails[after_tools]
        profile = self._profile
        told = next(iter(self._tails.values()), profile.tail_tokens)
        return (
            told
            if not after_tools or profile.tail_tokens_after_tools is None
            else profile.tail_tokens_after_tools
        )

    def _learn(self, turn: Turn, prompt: Prompt) -> int:
        """Take in where the response says the cached part ends; the tokens past it, where that was a guess before."""
        usage, last = turn.exchange.usage, len(turn.blocks) - 1
        total = usage.input_tokens or 0
        self._stale |= self._positions.learn(turn.blocks, last, total - self._tail(turn.blocks))
        marked = [index for index, block in enumerate(turn.blocks) if block.marker is not None]
        cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        if not (marked and cached and self._profile.reports_writes):
            return 0
        if marked[-1] == last:
            self._tails[_ends_in_tools(turn.blocks)] = total - cached
            self._stale |= self._positions.learn(turn.blocks, last, cached)
            return 0
        news = self._positions.learn(turn.blocks, marked[-1], cached)
        self._stale |= news
        assert prompt.ends is not None
        return total - prompt.ends[marked[-1] + 1] if news else 0


def _ends_in_tools(blocks: Sequence[Block]) -> bool:
    text = blocks[-1].text
    return blocks[-1].role == "tool" or any(name in text for name in _TOOL_RESULTS)


def _scope(exchange: Exchange) -> tuple[str, ...]:
    key = (exchange.body or {}).get("prompt_cache_key")
    return (exchange.provider, exchange.model, key if isinstance(key, str) else "")


def _account(policy: CachePolicy, prompt: Prompt, now: float) -> CacheOutcome:
    try:
        return policy.account(prompt, now)
    except CacheRefused as refusal:
        return CacheOutcome(prompt.tokens, 0, 0, reason=str(refusal))


def _tail_block(tokens: int) -> Block:
    return Block("setting", _TAIL, msgspec.json.encode(_TAIL).decode(), tokens)
