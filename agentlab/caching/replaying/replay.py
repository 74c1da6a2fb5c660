"""Judges recorded calls anew: each prompt goes through a provider's cache policy, and out comes what would be billed."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agentlab.caching.calls import RecordedCall
from agentlab.caching.policies.lifetimes import asked_lifetime
from agentlab.caching.policies.policy import CacheOutcome, Prompt
from agentlab.caching.prices import rates, turn_cost
from agentlab.caching.profiles.registry import make_policy
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import Layout
from agentlab.caching.replaying.prompt_ends import PromptEnds, measured_run
from agentlab.caching.replaying.provider import Provider
from agentlab.caching.token_counts import with_tail
from agentlab.messages import CacheOptions, Usage

__all__ = ["Bills", "Judged", "judged", "marks_for", "reported"]


class Judged(Struct, frozen=True):
    """What one call costs.

    Attributes:
        usage: Its tokens.
        cost_usd: What it costs in all; NaN where unknown.
        input_cost_usd: The prompt's part of it.
        input_uncached_cost_usd: What the prompt would cost if nothing were cached.
        ttft_s: Seconds to the first token, by the model given.
        reason: Why the cache read less than it could, where the policy says.
        ttl: The lifetime of what was written and `usage` does not tell apart; None is the provider's default.
        note: Why a cost is unknown, or what is to be said of it.
    """

    usage: Usage
    cost_usd: float
    input_cost_usd: float
    input_uncached_cost_usd: float
    ttft_s: float
    reason: str | None = None
    ttl: str | None = None
    note: str | None = None

    @property
    def uncached_cost_usd(self) -> float:
        """What it would cost in all if nothing were cached."""
        return self.cost_usd - self.input_cost_usd + self.input_uncached_cost_usd


def judged(
    calls: Sequence[RecordedCall],
    laid: Sequence[Layout],
    provider: Provider,
    *,
    totals: Sequence[int | None],
    times: Sequence[float],
    first_token: FirstToken,
    strict: bool = True,
    positions: PromptEnds | None = None,
    bills: Bills | None = None,
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
        positions: What has measured the run in other orders, as in `measured_run`.
        bills: What has priced the calls in other orders, for the same provider and `first_token`.
    """
    policy = make_policy(provider.profile, model=provider.model, strict=strict)
    found: list[Judged] = []
    bills = Bills(provider, first_token) if bills is None else bills
    sizes = measured_run(laid, totals, provider.profile, positions)
    for call, layout, size, at in zip(calls, laid, sizes, times, strict=True):
        key = layout.settings.get("prompt_cache_key")
        scope = (provider.vendor, provider.model, key if isinstance(key, str) else "")
        first_byte_s = _first_byte(call, first_token)
        prompt = Prompt(
            layout.blocks, scope, layout.settings, first_byte_s=first_byte_s, known_links=size.links
        )
        outcome = policy.account(with_tail(prompt, size.ends, size.tail), at)
        found.append(bills.of(outcome, call))
    return found


class Bills:
    """What calls cost by what a cache did with them; outcomes that are met again are priced once.

    Args:
        provider: Who serves them.
        first_token: The model of the time to the first token.
    """

    def __init__(self, provider: Provider, first_token: FirstToken) -> None:
        self._provider = provider
        self._first_token = first_token
        self._known: dict[tuple[object, ...], Judged] = {}

    def of(self, outcome: CacheOutcome, call: RecordedCall) -> Judged:
        """What a call costs.

        Args:
            outcome: What the cache did with its prompt.
            call: The call; its time and what was generated are read.
        """
        key = (
            outcome.input_tokens,
            outcome.read_tokens,
            outcome.write_tokens,
            *outcome.writes.items(),
            outcome.reason,
            call.output_tokens,
            call.at,
        )
        known = self._known.get(key)
        if known is None:
            usage, ttl = _billed(outcome, call.output_tokens, self._provider.profile.default_ttl)
            known = self._known[key] = _priced(
                usage, self._provider, call.at, self._first_token, ttl=ttl, reason=outcome.reason
            )
        return known


def reported(
    call: RecordedCall, layout: Layout, provider: Provider, first_token: FirstToken
) -> Judged | None:
    """A call as its provider billed it; None where it reported no prompt."""
    if call.usage is None or call.usage.input_tokens is None:
        return None
    asked = asked_lifetime(provider.profile, layout.blocks, layout.settings)
    ttl = None if asked == provider.profile.default_ttl else asked
    return _priced(call.usage, provider, call.at, first_token, ttl=ttl, reason=None)


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


def _billed(outcome: CacheOutcome, output_tokens: int | None, default_ttl: str) -> tuple[Usage, str | None]:
    """What a policy found, as a usage; and the lifetime of what was written, where that is not told apart there."""
    writes = outcome.writes
    usage = Usage(
        input_tokens=outcome.input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=outcome.read_tokens,
        cache_write_tokens=sum(writes.values()) if writes else outcome.write_tokens,
        cache_write_5m_tokens=writes.get("5m"),
        cache_write_1h_tokens=writes.get("1h"),
    )
    return usage, next((name for name in writes if name not in {"5m", "1h", default_ttl}), None)


def _priced(
    usage: Usage,
    provider: Provider,
    at: float,
    first_token: FirstToken,
    *,
    ttl: str | None,
    reason: str | None,
) -> Judged:
    cost = turn_cost(provider.vendor, provider.model, usage, at, ttl=ttl)
    plain = rates(provider.vendor, provider.model, at, input_tokens=usage.input_tokens or 0)
    paid = cost.uncached_usd + cost.read_usd + cost.write_5m_usd + cost.write_1h_usd
    seconds = first_token.seconds(
        uncached=usage.uncached_tokens or 0,
        read=usage.cache_read_tokens or 0,
        written=usage.cache_write_tokens or 0,
    )
    plain_usd = (usage.input_tokens or 0) * plain.uncached
    return Judged(usage, cost.total_usd, paid, plain_usd, seconds, reason, ttl, cost.note)
