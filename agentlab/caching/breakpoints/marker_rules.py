"""What a cache of marked prefixes bills for one request: the arithmetic under breakpoint placement.

The rule is that of Anthropic, Bedrock and Qwen: an entry is a prefix that ends at a marked block; each marker looks at
its own block and then back over a few more; the longest live entry found is read, and what lies between it and the last
marker is written (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from agentlab.caching.prices import Rates

__all__ = ["Bill", "Entries", "Entry", "MarkedTurn", "MarkerRules", "bill"]


class MarkerRules(Struct, frozen=True):
    """The numbers of one model.

    Attributes:
        min_tokens: A marker on a shorter prefix is ignored.
        lookback: How many blocks before its own a marker looks at.
        max_markers: Markers a request may hold.
        short_s: The shorter lifetime, in seconds; what lives longer is billed at the price of the longer one.
        mixed: Whether one request may write with both.
    """

    min_tokens: int = 1024
    lookback: int = 20
    max_markers: int = 4
    short_s: float = 300.0
    mixed: bool = True


class Entry(Struct, frozen=True, order=True):
    """A cached prefix: how long it lives from each use, and until when it does now, in seconds."""

    ttl_s: float
    expires: float


Entries = Mapping[int, Entry]
"""Live entries by the number of their prefix."""


class MarkedTurn(Struct, frozen=True):
    """A request as a row of prefixes. Position p is the prefix of the first p blocks; position 0 is empty.

    Attributes:
        at: Unix time of the request, seconds.
        prefixes: The number of the prefix at each position from 1; equal prefixes of any requests have one number.
        tokens: Tokens of the prefix at each position from 0.
        markable: Positions whose last block can carry a marker, rising.
        prices: What a token of this request costs; `write_5m` with the shorter lifetime, `write_1h` with the longer one.
        tail: Tokens past the last block, which no marker can reach.
    """

    at: float
    prefixes: tuple[int, ...]
    tokens: tuple[int, ...]
    markable: tuple[int, ...]
    prices: Rates
    tail: int = 0


class Bill(Struct, frozen=True):
    """What a request is charged for, in tokens and US dollars; the output is not part of it.

    Attributes:
        uncached_tokens: Neither read nor written.
        read_tokens: Read from the cache.
        write_short_tokens: Written with the shorter lifetime.
        write_long_tokens: Written with the longer one.
        cost_usd: All of them.
    """

    uncached_tokens: int
    read_tokens: int
    write_short_tokens: int
    write_long_tokens: int
    cost_usd: float


Markers = Sequence[tuple[int, float]]
"""Positions and lifetimes in seconds, in the order of the prompt."""


def bill(
    rules: MarkerRules, turn: MarkedTurn, entries: Entries, markers: Markers
) -> tuple[Bill, dict[int, Entry]]:
    """Charge a request and give the entries that live after it.

    Every marked prefix becomes an entry; it lives from the start of the request, and each use renews it. A marker at or
    before what was read writes nothing, so it cannot lengthen a lifetime: it renews the entry that ends there, or makes
    one that lives no longer than the entry read.

    Args:
        rules: The numbers of the model.
        turn: The request.
        entries: What was cached before it.
        markers: Its markers: positions rising, no longer lifetime after a shorter one.
    """
    live = {prefix: entry for prefix, entry in entries.items() if entry.expires >= turn.at}
    valid = [marker for marker in markers if turn.tokens[marker[0]] >= rules.min_tokens]
    hit = max((_found(rules, turn, live, position) for position, _ in valid), default=0)
    long_end = max((position for position, ttl in valid if ttl > rules.short_s), default=0)
    end = max((position for position, _ in valid), default=0)
    read, total = turn.tokens[hit], turn.tokens[-1] + turn.tail
    long_write = max(0, turn.tokens[long_end] - read)
    short_write = max(0, turn.tokens[end] - read - long_write)
    after = dict(live)
    if hit:
        used = live[turn.prefixes[hit - 1]]
        after[turn.prefixes[hit - 1]] = Entry(used.ttl_s, turn.at + used.ttl_s)
    for position, wanted in valid:
        prefix = turn.prefixes[position - 1]
        ttl = wanted
        if position <= hit:
            ttl = live[prefix].ttl_s if prefix in live else min(wanted, used.ttl_s)
        after[prefix] = Entry(ttl, turn.at + ttl)
    uncached = total - read - long_write - short_write
    cost = (
        uncached * turn.prices.uncached
        + (read and read * turn.prices.read)
        + (short_write and short_write * turn.prices.write_5m)
        + (long_write and long_write * turn.prices.write_1h)
    )
    return Bill(uncached, read, short_write, long_write, cost), after


def _found(rules: MarkerRules, turn: MarkedTurn, live: Entries, position: int) -> int:
    """The longest live entry a marker at a position finds; 0 for none."""
    for place in range(position, max(0, position - rules.lookback - 1), -1):
        if turn.prefixes[place - 1] in live:
            return place
    return 0
