"""Cache markers of Bedrock Converse: `cachePoint` items behind what is to be cached.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.messages import CacheOptions

__all__ = ["cache_point", "check_markers", "last_ttl", "ttl_of"]

_MOST_MARKERS: Final = 4
_TTLS: Final = ("5m", "1h")
_ORDER: Final = ("tools", "preamble", "context", "last")


def cache_point(ttl: str) -> bytes:
    """A marker. `5m` is the wire's default and is never written: models that know no other refuse the field."""
    return (
        b'{"cachePoint":{"type":"default"}}'
        if ttl == "5m"
        else b'{"cachePoint":{"type":"default","ttl":"1h"}}'
    )


def ttl_of(ttl: str | None) -> str:
    """The lifetime asked for, by default five minutes.

    Raises:
        UsageError: Bedrock has no such lifetime.
    """
    if ttl is not None and ttl not in _TTLS:
        raise UsageError(f"Bedrock caches for 5m or 1h, not {ttl!r}")
    return ttl or "5m"


def last_ttl(cache: CacheOptions) -> str:
    """The lifetime of the marker behind the last message."""
    return ttl_of(cache.last_ttl or cache.ttl)


def check_markers(marked: Mapping[str, str], params: Mapping[str, Any]) -> None:
    """Refuse here what the provider would refuse.

    Args:
        marked: Lifetimes of the request's own markers by place.
        params: `additional_params`, which may bring markers of their own.
    """
    count = len(marked) + sum(1 for _ in _points(params))
    if count > _MOST_MARKERS:
        raise UsageError(
            f"the request has {count} cache markers, and Bedrock allows {_MOST_MARKERS} in all, those in "
            "`additional_params` included"
        )
    ttls = [marked[place] for place in _ORDER if place in marked]
    if "1h" in ttls and "5m" in ttls[: ttls.index("1h")]:
        raise UsageError(
            "a cache marker of 1h stands after one of 5m; the longer ones must come first "
            "(tools, preamble, context, last)"
        )


def _points(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "cachePoint":
                yield inner
            else:
                yield from _points(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _points(inner)
