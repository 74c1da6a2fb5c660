"""Orderings and providers side by side, on one recorded or made conversation: a table in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentlab.caching.calls import Calls, calls_of
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.presets import PRESETS, ordering_of
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.what_if import Breakpoint, what_if
from agentlab.errors import UsageError
from agentlab.progress import ProgressOption, tracked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_orderings"]


def compare_orderings(
    trace: Calls,
    *,
    orderings: Sequence[str | Ordering] = tuple(PRESETS),
    providers: Sequence[str] | None = None,
    breakpoints: Sequence[Breakpoint] | None = None,
    ttl: str | None = None,
    think_time_s: float | None = None,
    strict: bool = True,
    first_token: FirstToken | None = None,
    progress: ProgressOption = "auto",
) -> pd.DataFrame:
    """What one conversation costs under each ordering at each provider, with no call.

        compare_orderings(workloads.agent_loop(), providers=["openai:gpt-5.2", "anthropic:claude-sonnet-4-5"])

    Args:
        trace: A trace, or recorded calls, with their requests' parts apart; `agentlab.caching.workloads` makes some.
        orderings: The orderings, by name or value.
        providers: Each `"vendor:model"`; the one of the calls where None.
        breakpoints: Places of explicit markers, as in `what_if`.
        ttl: Lifetime of cache entries.
        think_time_s: Seconds from each call to the next.
        strict: Whether the cache behaves as documented, without chance.
        first_token: The model of the time to the first token.
        progress: Whether a bar is shown where it takes long; `auto`: where somebody watches.

    Returns:
        One row an ordering and provider: `hit_share` of the prompt's tokens, `cost_usd`, `saved_share` (of what it would
        cost without any cache; negative where writes cost more than they save), the same of the prompts alone as
        `input_cost_usd` and `input_saved_share`, `ttft_s` (mean), and the tokens by kind.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    calls = calls_of(trace)
    if not calls:
        raise UsageError("there is no call to look at")
    for name, given in (("orderings", orderings), ("providers", providers)):
        if isinstance(given, str) or (given is not None and not len(given)):
            raise UsageError(f"`{name}` is a list with one at least, not {given!r}")
    rows = []
    served = providers or [f"{calls[0].vendor}:{calls[0].model}"]
    pairs = [(provider, ordering_of(each)) for provider in served for each in orderings]
    for provider, ordering in tracked(pairs, "orderings", unit="replay", progress=progress):
        frame = what_if(
            calls,
            ordering=ordering,
            provider=provider,
            ttl=ttl,
            breakpoints=breakpoints,
            strict=strict,
            think_time_s=think_time_s,
            first_token=first_token,
        )
        totals = frame.attrs["totals"]
        row = {"ordering": ordering.name, "provider": provider}
        row |= {name: totals[name] for name in ("hit_share", "cost_usd", "saved_share")}
        row |= {name: totals[name] for name in ("input_cost_usd", "input_saved_share")}
        row["ttft_s"] = totals["ttft_s"] / len(calls)
        row |= {name: int(count) for name, count in totals.items() if name.endswith("_tokens")}
        rows.append(row)
    table = pd.DataFrame(rows).set_index(["provider", "ordering"])
    counts = [name for name in map(str, table) if name.endswith("_tokens")]
    # A provider without one of the lifetimes writes nothing with it.
    return table.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, "int64"))
