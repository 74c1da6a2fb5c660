"""When a prompt cache pays: the closed formulas, in multiples of the plain input price.

Source of the worked numbers: https://developers.openai.com/api/docs/guides/prompt-caching (one write and one read cost
1.35 times a prompt, ten requests 2.15 times; short prefixes are cheaper padded up to the minimum).
"""

from __future__ import annotations

import math

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["BreakEven", "break_even", "hit_share"]


class BreakEven(ShortRepr, Struct, frozen=True):
    """What it costs to send one prefix several times. Costs are multiples of sending it once, uncached.

    Attributes:
        requests: How often it is sent.
        cached: Cost with the cache: one write, then reads.
        uncached: Cost without: the number of requests.
        saving: Share saved, 0 to 1; below 0 where the cache costs more.
        reads: Reads after which the write has paid for itself; infinite where reads are no cheaper.
        pad_from_tokens: Shortest prefix that is cheaper padded up to the minimum than sent uncached.
    """

    requests: int
    cached: float
    uncached: float
    saving: float
    reads: int | float
    pad_from_tokens: int


def break_even(
    *, read: float = 0.1, write: float = 1.25, requests: int = 10, minimum: int = 1024
) -> BreakEven:
    """The economics of one cached prefix.

    A prefix of L tokens below the minimum M costs N x L uncached; padded to M it costs M(w + (N - 1)r). It is cheaper
    padded from L = M(r + (w - r) / N).

    Args:
        read: Price of a token read, as a multiple of the plain price.
        write: Price of a token written, likewise; 1 where writes are free.
        requests: How often the prefix is sent in the lifetime of its entry, N.
        minimum: Shortest prefix that is cached, in tokens, M.

    Raises:
        UsageError: A number is out of range.
    """
    _check_count("requests", requests, least=1)
    _check_count("minimum", minimum, least=0)
    for name, price in (("read", read), ("write", write)):
        given: object = price
        if not isinstance(given, int | float) or not 0 <= given < math.inf:
            raise UsageError(f"`{name}` is a multiple of the plain price, 0 or more, not {given!r}")
    cached = write + (requests - 1) * read
    # Rounded before it is rounded up, so that 300.00000000000006 is 300.
    padded = math.ceil(round(minimum * (read + (write - read) / requests), 9))
    reads: int | float = math.inf
    if read < 1:
        reads = max(1, math.ceil(round((write - 1) / (1 - read), 9)))
    return BreakEven(requests, cached, float(requests), 1 - cached / requests, reads, padded)


def hit_share(prefix_tokens: int, changing_tokens: int, requests: int) -> float:
    """The share of all prompt tokens that are read, where a fixed prefix is followed by something new every time.

    The shape of a judge: one rubric, another answer each time. The first request reads nothing.

    Args:
        prefix_tokens: The part that stays.
        changing_tokens: The part that does not.
        requests: How many are sent in the lifetime of the entry.
    """
    _check_count("requests", requests, least=1)
    _check_count("prefix_tokens", prefix_tokens, least=0)
    _check_count("changing_tokens", changing_tokens, least=0)
    total = prefix_tokens + changing_tokens
    if not total:
        raise UsageError("a request has at least one token; give `prefix_tokens` or `changing_tokens`")
    return prefix_tokens * (requests - 1) / (total * requests)


def _check_count(name: str, given: object, *, least: int) -> None:
    if not isinstance(given, int) or given < least:
        raise UsageError(f"`{name}` is a whole number, at least {least}, not {given!r}")
