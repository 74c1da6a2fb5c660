"""What recorded calls would send under another layout, provider or policy: prompts for a cache policy to judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from agentlab.caching.blocks.cutting import NeutralBlocks
from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.retelling import retold
from agentlab.caching.replaying.arranged_blocks import ArrangedBlocks
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions

__all__ = ["Layout", "layouts"]

_RETENTIONS: Final = frozenset(["24h", "in_memory"])


class Layout(Struct, frozen=True):
    """One call as it would be sent.

    Attributes:
        blocks: What the cache sees, in render order, with the markers of its breakpoints.
        settings: The fields of a body that a cache policy reads.
    """

    blocks: tuple[Block, ...]
    settings: dict[str, Any]


def layouts(
    calls: Sequence[RecordedCall],
    *,
    ordering: Ordering | None = None,
    neutral: bool = False,
    cache: CacheOptions | None = None,
    tools: Sequence[str] | None = None,
    cut: NeutralBlocks | ArrangedBlocks | None = None,
) -> Iterator[Layout]:
    """The calls as they would be sent.

    Args:
        calls: Calls of one conversation, in the order they were made.
        ordering: Another ordering; needs requests whose parts are still apart.
        neutral: Whether to lay out the requests apart from any wire, for a provider with another one.
        cache: Other cache controls.
        tools: Names of the tools to offer; all where None.
        cut: What has cut these calls' messages before.

    Raises:
        UsageError: An ordering is asked for, and a call has only its body.
    """
    if ordering is not None:
        bare = next((number for number, call in enumerate(calls, 1) if call.request is None), None)
        if bare is not None:
            raise UsageError(
                f"call {bare} was recorded as a body only: where its parts end is lost, so it cannot be put in another "
                "order; record it with an agent, or ask for another provider, lifetime or breakpoints"
            )
    cutter = cut or NeutralBlocks()
    if ordering is not None or neutral or not all(call.body for call in calls):
        requests = [call.request for call in calls if call.request is not None]
        if len(requests) == len(calls):
            for request in retold(requests, ordering):
                options = cache or request.cache or CacheOptions()
                offered = _offered(cutter.of(request), tools)
                yield Layout(_marked(offered, options, bool(request.context)), _settings(options))
            return
    sent = SentBlocks()
    for call in calls:
        yield _as_sent(call, cache, tools, sent)


def _as_sent(
    call: RecordedCall, cache: CacheOptions | None, tools: Sequence[str] | None, cutter: SentBlocks
) -> Layout:
    if not call.body:
        raise UsageError(
            "a call has neither a body nor a request, so nobody knows what it sent; record it with an agent, or give "
            "`RecordedCall` the body with its wire"
        )
    blocks, settings = cutter.of(call.wire, call.body)
    blocks = _offered(blocks, tools)
    if cache is None:
        return Layout(blocks, settings)
    bare = tuple(block if block.marker is None else structs.replace(block, marker=None) for block in blocks)
    has_context = call.request is not None and bool(call.request.context)
    return Layout(_marked(bare, cache, has_context), _settings(cache))


def _offered(blocks: tuple[Block, ...], tools: Sequence[str] | None) -> tuple[Block, ...]:
    if tools is None:
        return blocks
    return tuple(block for block in blocks if block.kind != "tool" or block.label in tools)


def _marked(blocks: tuple[Block, ...], cache: CacheOptions, has_context: bool) -> tuple[Block, ...]:
    """The blocks with the markers of the breakpoints that the cache controls name."""
    if not blocks or not (cache.breakpoints or cache.automatic):
        return blocks
    ends: dict[int, str] = {}
    kinds = [block.kind for block in blocks]
    places = {"tools": _last(kinds, "tool"), "preamble": _last(kinds, "system"), "last": len(blocks) - 1}
    if has_context and "message" in kinds:
        places["context"] = kinds.index("message")
    for name in cache.breakpoints:
        place = places.get(name, -1)
        if place >= 0:
            lifetime = cache.last_ttl if name == "last" else None
            ends[place] = lifetime or cache.ttl or "5m"
    if cache.automatic:
        ends.setdefault(len(blocks) - 1, cache.last_ttl or cache.ttl or "5m")
    if not ends:
        return blocks
    marked = list(blocks)
    for place, lifetime in ends.items():
        marked[place] = structs.replace(blocks[place], marker=lifetime)
    return tuple(marked)


def _last(kinds: Sequence[str], kind: str) -> int:
    return len(kinds) - 1 - kinds[::-1].index(kind) if kind in kinds else -1


def _settings(cache: CacheOptions) -> dict[str, Any]:
    """The cache controls of a body, as the OpenAI wires spell them: those that are no markers."""
    retention = cache.retention or (cache.ttl if cache.ttl in _RETENTIONS else None)
    options = {"mode": cache.mode, "ttl": cache.ttl if retention is None else None}
    body = {
        "prompt_cache_key": cache.key,
        "prompt_cache_retention": retention,
        "prompt_cache_options": {name: value for name, value in options.items() if value} or None,
    }
    return {name: value for name, value in body.items() if value is not None}
