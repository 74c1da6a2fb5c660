"""Judges recorded calls anew: each prompt goes through a provider's cache policy, and out comes what would be billed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.calls import RecordedCall
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.prices import rates, turn_cost
from agentlab.caching.profiles.registry import Profile, make_policy, profile_for
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import Layout
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Usage

__all__ = ["Judged", "Provider", "estimated_tokens", "judged", "marks_for", "provider_of", "reported"]


class Provider(Struct, frozen=True):
    """Who serves a model, and how it caches.

    Attributes:
        vendor: Its name in `"vendor:model"`.
        model: The provider's name of the model.
        profile: Its cache.
    """

    vendor: str
    model: str
    profile: Profile

    @property
    def name(self) -> str:
        """`"vendor:model"`."""
        return f"{self.vendor}:{self.model}"


def provider_of(call: RecordedCall, name: str | None = None) -> Provider:
    """Who served a call, or another provider.

    Args:
        call: The call.
        name: `"vendor:model"` of the other; None is the call's own.

    Raises:
        UsageError: The name is not of that form.
    """
    if name is None:
        return Provider(call.vendor, call.model, profile_for(call.vendor, call.model))
    vendor, _, model = name.partition(":")
    if vendor == "sim":
        vendor, _, model = model.partition("/")
    if not (vendor and model):
        raise UsageError(
            f'a provider is named "vendor:model", such as "anthropic:claude-sonnet-4-5", not {name!r}'
        )
    return Provider(vendor, model, profile_for(vendor, model))


class Judged(Struct, frozen=True):
    """What one call costs.

    Attributes:
        usage: Its tokens.
        cost_usd: What it costs in all; NaN where unknown.
        input_cost_usd: The prompt's part of it.
        input_uncached_cost_usd: What the prompt would cost if nothing were cached.
        ttft_s: Seconds to the first token, by the model given.
        reason: Why the cache read less than it could, where the policy says.
    """

    usage: Usage
    cost_usd: float
    input_cost_usd: float
    input_uncached_cost_usd: float
    ttft_s: float
    reason: str | None = None

    @property
    def uncached_cost_usd(self) -> float:
        """What it would cost in all if nothing were cached."""
        return self.cost_usd - self.input_cost_usd + self.input_uncached_cost_usd


def judged(
    calls: Sequence[RecordedCall],
    laid: Iterable[Layout],
    provider: Provider,
    *,
    totals: Sequence[int | None],
    times: Sequence[float],
    first_token: FirstToken,
    strict: bool = True,
) -> list[Judged]:
    """Send laid-out calls through a provider's policy.

    Args:
        calls: The calls; their output is taken as it was.
        laid: What each would send.
        provider: Who serves them.
        totals: Length of each prompt in the provider's tokens; None takes the estimate.
        times: When each is sent, Unix time in seconds.
        first_token: The model of the time to the first token.
        strict: Whether chance is left out: the documented best case.
    """
    policy = make_policy(provider.profile, model=provider.model, strict=strict)
    found: list[Judged] = []
    for call, layout, total, at in zip(calls, laid, totals, times, strict=True):
        key = layout.settings.get("prompt_cache_key")
        scope = (provider.vendor, provider.model, key if isinstance(key, str) else "")
        prompt = Prompt(layout.blocks, scope, layout.settings, total, _first_byte(call, first_token))
        outcome = policy.account(prompt, at)
        usage = _usage(outcome, call.output_tokens)
        found.append(_priced(usage, provider, call.at, first_token, outcome.reason))
    return found


def reported(call: RecordedCall, provider: Provider, first_token: FirstToken) -> Judged | None:
    """A call as its provider billed it; None where it reported no prompt."""
    if call.usage is None or call.usage.input_tokens is None:
        return None
    return _priced(call.usage, provider, call.at, first_token, None)


def estimated_tokens(profile: Profile, blocks: tuple[Block, ...]) -> int:
    """About how many of a provider's tokens a prompt is."""
    return profile.counts.ends(Prompt(blocks))[-1]


def marks_for(provider: Provider, laid: Sequence[Layout]) -> CacheOptions | None:
    """A marker at the end of each request, where the provider caches only what is marked and nothing is."""
    marked = any(block.marker is not None for layout in laid for block in layout.blocks)
    needs_marker = provider.profile.family == "breakpoints" and not marked
    return CacheOptions(breakpoints=("last",)) if needs_marker else None


def _first_byte(call: RecordedCall, first_token: FirstToken) -> float:
    """When a call's entries can be read: as recorded; a call that was only made up takes an empty prompt's time."""
    if call.ttft_s is not None:
        return call.ttft_s
    return 0.0 if call.usage is not None or call.body else first_token.t0_s


def _usage(outcome: CacheOutcome, output_tokens: int | None) -> Usage:
    """What a policy found, as a usage."""
    return Usage(
        input_tokens=outcome.input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=outcome.read_tokens,
        cache_write_tokens=outcome.write_tokens,
        cache_write_5m_tokens=outcome.write_5m_tokens,
        cache_write_1h_tokens=outcome.write_1h_tokens,
    )


def _priced(
    usage: Usage, provider: Provider, at: float, first_token: FirstToken, reason: str | None
) -> Judged:
    cost = turn_cost(provider.vendor, provider.model, usage, at)
    plain = rates(provider.vendor, provider.model, at, input_tokens=usage.input_tokens or 0)
    paid = cost.uncached_usd + cost.read_usd + cost.write_5m_usd + cost.write_1h_usd
    return Judged(
        usage,
        cost.total_usd,
        paid,
        (usage.input_tokens or 0) * plain.uncached,
        first_token.seconds(
            uncached=usage.uncached_tokens or 0,
            read=usage.cache_read_tokens or 0,
            written=usage.cache_write_tokens or 0,
        ),
        reason,
    )
