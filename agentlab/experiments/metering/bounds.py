"""What one model call costs at most, before it is made and while its answer comes.

The prompt is estimated from the request that would be sent and priced at the dearest rate it can meet: plain or written to the
cache. Of the answer, `max_tokens` is the bound. Without it the bound grows with what has streamed, and stays ahead of it by a
margin for what is billed and not shown: hidden reasoning, frames of tool calls. What a model's bills showed above its bounds is
added to the bounds from then on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from agentlab.agent.frames import provider_and_model
from agentlab.caching import Rates, cost_usd, estimate_tokens, rates
from agentlab.caching.blocks.splitting import blocks_of
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.prices import write_price
from agentlab.caching.profiles.registry import Profile, profile_for
from agentlab.errors import UsageError
from agentlab.messages import (
    Event,
    ReasoningDelta,
    Request,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    TurnFinished,
    Usage,
)
from agentlab.models import FallbackModel, Model

__all__ = ["CallBound", "CallBounds", "bounding_name"]

# Of 3,245 recorded prompts without server-side tools, media or stored state, 99 % were at most 1.3 times their estimate and
# 512 tokens more; the rest had templates or a system prompt of the provider's. Of 177 with 1,000 tokens and more the worst
# was 1.59 times.
_PROMPT_FACTOR: Final = 1.3
_PROMPT_UNSEEN: Final = 512

_OUTPUT_FACTOR: Final = 1.3
_OUTPUT_UNSEEN: Final = 2048
_MORE: Final = 1.25  # on what a bill showed above its bound

_LIMIT_NAMES: Final = (
    ("max_tokens",),
    ("max_completion_tokens",),
    ("max_output_tokens",),
    ("generationConfig", "maxOutputTokens"),
    ("options", "num_predict"),
)


class _Price(Struct, frozen=True):
    """Dollars for a token, at most."""

    prompt: float
    output: float
    request: float


class CallBounds:
    """Bounds the cost of a model's calls; shared by all that call the model, because it learns.

    Args:
        model: `"vendor:model"`, as in `Model.name`.
        allow_unpriced: Whether a model without a price may be called: at no cost, as far as a budget can tell.
        unseen_tokens: Generated tokens that may be billed without being seen in the stream, for calls without `max_tokens`.

    Raises:
        UsageError: The price table lacks the model.
    """

    def __init__(
        self, model: str, *, allow_unpriced: bool = False, unseen_tokens: int = _OUTPUT_UNSEEN
    ) -> None:
        self.vendor, self.model_id = provider_and_model(model)
        self.unseen_output = unseen_tokens
        self.unseen_prompt = _PROMPT_UNSEEN
        known = rates(self.vendor, self.model_id)
        self.priced = known.known and not math.isnan(known.output)
        if not (self.priced or allow_unpriced):
            raise UsageError(
                f"a budget cannot hold `{model}`: the price table has no price for it. "
                "Leave the budget out, or pass `allow_unpriced=True` to let its calls count as nothing"
            )

    def of(self, request: Request, *, at: float) -> CallBound:
        """Bound a call.

        Args:
            request: What will be asked.
            at: Unix time in seconds; the prices of that time are used.

        Raises:
            UsageError: Nothing bounds the answer: it does not stream, and has no `max_tokens`.
        """
        limit = _output_limit(request)
        if limit is None and not request.stream and self.priced:
            raise UsageError(
                f"a budget needs `max_tokens` where the answer of `{self.vendor}:{self.model_id}` does not stream: "
                "nothing else tells how long it may become"
            )
        profile = profile_for(self.vendor, self.model_id)
        prompt = math.ceil(_PROMPT_FACTOR * _prompt_tokens(request, profile)) + self.unseen_prompt
        prices = rates(self.vendor, self.model_id, at, input_tokens=prompt)
        price = _dearest(prices, profile, request) if self.priced else _Price(0.0, 0.0, 0.0)
        return CallBound(self, price, prompt=prompt, limit=limit, at=at, ttl=_lifetime(request))

    def learn(self, usage: Usage, *, prompt: int, seen: int, limited: bool) -> None:
        """Take in what a provider reported of a call.

        Args:
            usage: The report.
            prompt: Prompt tokens the bound had.
            seen: Generated tokens seen in its stream, at most.
            limited: Whether `max_tokens` bounded it.
        """
        if usage.input_tokens is not None and usage.input_tokens > prompt:
            self.unseen_prompt += math.ceil(_MORE * (usage.input_tokens - prompt))
        if not limited and usage.output_tokens is not None:
            hidden = math.ceil(_MORE * (usage.output_tokens - seen))
            self.unseen_output = max(self.unseen_output, hidden)


def bounding_name(model: Model) -> str:
    """Whose prices bound a model's calls: its own name; where one of several answers, that of the dearest.

    One without a price comes first, so that it is refused or let through as any other.
    """
    names = [each.name for each in model.models] if isinstance(model, FallbackModel) else [model.name]
    return max(names, key=_output_price)


def _output_price(name: str) -> float:
    price = rates(*provider_and_model(name)).output
    return math.inf if math.isnan(price) else price


class CallBound:
    """The bound of one call, as it grows.

    Attributes:
        tokens: Prompt tokens at most.
        lost_usd: What attempts without an answer may have cost.
    """

    def __init__(
        self,
        bounds: CallBounds,
        price: _Price,
        *,
        prompt: int,
        limit: int | None,
        at: float,
        ttl: str | None,
    ) -> None:
        self.tokens = prompt
        self._bounds = bounds
        self._price = price
        self._limit = limit
        self._at = at
        self._ttl = ttl
        self._seen = 0
        self._ahead = bounds.unseen_output if limit is None else limit
        self.lost_usd = 0.0

    @property
    def usd(self) -> float:
        """What the call costs at most, as far as is known, lost attempts included."""
        return self.lost_usd + self._attempt_usd

    @property
    def total_tokens(self) -> int:
        """Prompt and answer at most."""
        return self.tokens + self._ahead

    @property
    def _attempt_usd(self) -> float:
        return self.tokens * self._price.prompt + self._ahead * self._price.output + self._price.request

    def see(self, event: Event) -> bool:
        """Take in an event of the answer.

        Returns:
            Whether the bound has moved.
        """
        match event:
            case TextDelta(text=text) | ReasoningDelta(text=text) | ToolCallDelta(arguments=text):
                self._seen += math.ceil(_OUTPUT_FACTOR * max(1, estimate_tokens(text)))
            case ToolCall():
                self._seen += 16  # its name and frame; the arguments came as deltas or are in the margin
            case _:
                return False
        margin = self._bounds.unseen_output
        if self._limit is not None or self._seen + margin // 2 <= self._ahead:
            return False
        self._ahead = self._seen + margin
        return True

    def lose_attempt(self) -> None:
        """An attempt ended without an answer and may be billed all the same; another follows."""
        self.lost_usd += self._attempt_usd

    def actual_usd(self, turn: TurnFinished) -> tuple[float, bool]:
        """What the call cost.

        Returns:
            US dollars, and whether that is an estimate: the bound itself, where the provider did not report its tokens.
        """
        self._bounds.learn(turn.usage, prompt=self.tokens, seen=self._seen, limited=self._limit is not None)
        cost = turn.cost_usd
        if cost is None:
            cost = cost_usd(
                self._bounds.vendor, self._bounds.model_id, turn.usage, at=self._at, ttl=self._ttl
            )
        if cost is not None:
            return self.lost_usd + cost, self.lost_usd > 0
        return self.usd, True


def _prompt_tokens(request: Request, profile: Profile) -> int:
    """About how many of the vendor's tokens a request is, with what its settings may add."""
    settings = (
        profile.forced_tool_prompt_tokens,
        profile.thinking_tokens,
        profile.thinking_prompt_tokens,
        profile.hidden_tokens,
    )
    return profile.counts.ends(Prompt(blocks_of(arrange(request))))[-1] + sum(settings)


def _dearest(prices: Rates, profile: Profile, request: Request) -> _Price:
    """The highest prices the call can meet; a lifetime that is not asked for is not written."""
    asked = {None, _lifetime(request), request.cache.last_ttl if request.cache else None}
    if request.additional_params:
        asked |= {*profile.ttl, "1h"}  # markers may stand in there
    written = [write_price(prices, profile, ttl) for ttl in asked]
    prompt = max(price for price in (prices.uncached, *written) if not math.isnan(price))
    return _Price(prompt, prices.output, prices.request)


def _lifetime(request: Request) -> str | None:
    return request.cache.ttl if request.cache is not None else None


def _output_limit(request: Request) -> int | None:
    """The limit of generated tokens as it will be sent: what is merged into the body has the last word."""
    for path in _LIMIT_NAMES:
        value: Any = request.additional_params
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, int):
            return value if value > 0 else None
    return request.max_tokens
