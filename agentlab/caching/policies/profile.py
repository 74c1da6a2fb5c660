"""The numbers of one provider's cache: the shape of a row of `profiles.toml`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from agentlab.caching.token_counts import TokenCounts
from agentlab.short_repr import ShortRepr

__all__ = ["Family", "Profile"]

Family = Literal[
    "breakpoints",
    "message_boundaries",
    "intervals",
    "block_hash",
    "resource",
    "slots",
    "longest_prefix",
    "none",
]


class Profile(ShortRepr, Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one generation of models caches.

    Attributes:
        name: Its row.
        family: The rule.
        vendors: Names in `"vendor:model"` that it is for.
        models: Patterns of model names, as in a file name; dots and dashes are the same.
        min_tokens: Prefixes shorter than this are not cached.
        granularity: Entries end at multiples of so many tokens.
        report_floor: Reported reads are rounded down to a multiple of it.
        hidden_tokens: Tokens of a system message nobody sees, ahead of the prompt; they shift the intervals.
        lookback: Blocks before its own that a marker looks back over.
        max_breakpoints: Markers a request may hold, or write.
        lookup_first: Explicit markers at the start of a prompt that are looked up.
        lookup_latest: Explicit markers at its end that are.
        lookup_endings: Earlier message ends that are, where the provider sets a marker itself.
        ttl: Lifetimes by name, seconds since the last use.
        ttl_draw: Where a lifetime varies: the shortest and the longest, in seconds.
        default_ttl: The lifetime where a request names none.
        read_multiplier: Price of a read token over an uncached one; None where unknown.
        write_multipliers: Price of a written token over an uncached one, by lifetime.
        accounting: Whether cached tokens are a `subset` of the vendor's prompt counter or stand `alongside` it.
        visibility: From when an entry can be read: `immediate`, the `first_byte` of the answer, or the `response_end`.
        warm_up: Shares of the prefix that are read after 1, 2, ... earlier requests with it; empty for all at once.
        affinity: How often a request reaches the machine that holds its prefix, 0 to 1.
        machines: How many there are.
        overflow_rpm: Requests in a minute with one prefix above which others are used; 0 for no limit.
        hash_tokens: Tokens at the start that choose the machine.
        template_tokens: Tokens of the vendor's own template, always warm.
        capacity_tokens: Tokens a machine keeps, least recently used first out; None for no limit.
        read_share: Share of the common prefix that is read: least and most.
        units: Whether only whole units are read: ends of prompts, and prefixes found in common twice (DeepSeek).
        recomputed: Tokens at the end of a prompt that are always computed.
        slots: Prompts a server keeps at once.
        slot_similarity: Least share of the prompt a slot must have in common to be chosen.
        storage_usd_per_mtok_hour: Price of keeping a million tokens for an hour.
        reports_reads: Whether responses tell what was read.
        reports_writes: Whether they tell what was written.
        deterministic: Whether equal requests are served alike; else `seed` decides, or `strict` the best case.
        diagnostics: Words of the vendor's own diagnosis of misses.
        with_markers: Row that is followed instead when a prompt carries a marker.
        tokens_per_estimate: The vendor's tokens for one token of our estimate.
        tool_overhead: Tokens added where there is a tool at all.
        message_overhead: Tokens added for each message.
        estimate_error: Median and 90th percentile of the estimate's relative error, over recorded prompts of 1,000 tokens
            and more; empty where fewer than 5 were recorded.
        tail_tokens: Tokens past the last block, which begin the answer: no marker can reach them.
        tail_tokens_after_tools: The same where the last block is a tool's result; None where that makes no difference.
        forced_tool_tail_tokens: Tokens by which a forced tool call lengthens the tail.
        keeps_answers: Whether an answer is kept as a prompt is, for the request that sends it back.
        tool_prompt_tokens: The part of `tool_overhead` that stands ahead of the first message.
        forced_tool_prompt_tokens: Tokens added there where the request forces a call.
        thinking_tokens: Tokens added at the start of a prompt with thinking turned on.
        thinking_prompt_tokens: Tokens added ahead of the first message then.
        source: Where the numbers are from.
        date: When that was so: year and month.
    """

    name: str
    family: Family
    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ("*",)
    min_tokens: int = 0
    granularity: int = 1
    report_floor: int = 1
    hidden_tokens: int = 0
    lookback: int = 0
    max_breakpoints: int = 0
    lookup_first: int = 0
    lookup_latest: int = 0
    lookup_endings: int = 0
    ttl: dict[str, float] = field(default_factory=dict)
    ttl_draw: dict[str, tuple[float, float]] = field(default_factory=dict)
    default_ttl: str = ""
    read_multiplier: float | None = None
    write_multipliers: dict[str, float] = field(default_factory=dict)
    accounting: Literal["subset", "alongside"] = "subset"
    visibility: Literal["immediate", "first_byte", "response_end"] = "first_byte"
    warm_up: tuple[float, ...] = ()
    affinity: float = 1.0
    machines: int = 1
    overflow_rpm: int = 0
    hash_tokens: int = 0
    template_tokens: int = 0
    capacity_tokens: int | None = None
    read_share: tuple[float, float] = (1.0, 1.0)
    units: bool = False
    recomputed: int = 0
    slots: int = 1
    slot_similarity: float = 0.0
    storage_usd_per_mtok_hour: float = 0.0
    reports_reads: bool = True
    reports_writes: bool = False
    deterministic: bool = True
    diagnostics: tuple[str, ...] = ()
    with_markers: str | None = None
    tokens_per_estimate: float = 1.0
    tool_overhead: int = 0
    message_overhead: int = 0
    estimate_error: tuple[float, ...] = ()
    tail_tokens: int = 0
    tail_tokens_after_tools: int | None = None
    forced_tool_tail_tokens: int = 0
    keeps_answers: bool = False
    tool_prompt_tokens: int = 0
    forced_tool_prompt_tokens: int = 0
    thinking_tokens: int = 0
    thinking_prompt_tokens: int = 0
    source: str = ""
    date: str = ""

    @property
    def counts(self) -> TokenCounts:
        """How the provider counts tokens."""
        return TokenCounts(
            self.tokens_per_estimate,
            self.tool_overhead,
            self.message_overhead,
            self.tool_prompt_tokens,
            self.forced_tool_prompt_tokens,
            self.thinking_tokens,
            self.thinking_prompt_tokens,
            self.tail_tokens,
            self.tail_tokens_after_tools,
            self.forced_tool_tail_tokens,
        )
