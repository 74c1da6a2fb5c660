"""Why a request could not read the cache that the one before it left: which part moved, and what that cost.

A provider's cache matches a prefix of the rendered prompt, so the first block that differs ends it, whatever comes
after. The counters alone do not tell: they stay above zero. Anthropic and OpenAI have diagnoses of their own
(`diagnostics` and `prompt_cache_diagnostics`) that give one reason; their words are used here, for every cause there is.
"""

from __future__ import annotations

import math
from itertools import pairwise

from msgspec import structs

from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.explaining.appended import only_appends
from agentlab.caching.explaining.causes import causes_between
from agentlab.caching.explaining.compared_request import ComparedRequest, Explainable, as_request, compared
from agentlab.caching.explaining.explanation import Explanation, Explanations
from agentlab.caching.explaining.lost_tokens import dollars_lost, matches_whole_blocks, tokens_lost
from agentlab.caching.explaining.moving_settings import home_vendor
from agentlab.progress import ProgressOption, tracked

__all__ = ["Explainable", "explain", "explain_calls"]


def explain(
    previous: Explainable,
    current: Explainable,
    *,
    provider: str | None = None,
    model: str | None = None,
    priced: bool = True,
) -> Explanation | None:
    """Say why the later request no longer begins with the earlier one.

    Compares what was sent, not what a provider did: a cache may also miss because an entry expired or lies on another
    machine, which no comparison can show.

    Args:
        previous: The earlier request. Blocks alone do not show settings that are not rendered (model, cache key, tier).
        current: The later one, in the same form or another.
        provider: Vendor, for its words and its prices; that of the recorded call, else the wire's home, where None.
        model: Model, for prices; the body's where None.
        priced: Whether to say what it cost. The first price of a process takes about a third of a second.

    Returns:
        The explanation; None where the earlier request is still the start of the later one: messages were appended,
        cache markers moved, or settings changed that no cache sees (temperature, limits, metadata).

    Raises:
        UsageError: One is no request, a body is no JSON object, or its wire is not known.
    """
    previous, current = as_request(previous), as_request(current)
    if _plainly_appended(previous, current):
        return None
    cut = SentBlocks()
    before, after = (compared(each, provider, model, cut) for each in (previous, current))
    return _explanation(before, after, priced=priced)


def explain_calls(
    trace: Calls,
    *,
    provider: str | None = None,
    model: str | None = None,
    progress: ProgressOption = "auto",
) -> Explanations:
    """Explain every call that no longer begins with the call before it.

    Args:
        trace: A trace, or calls in the order they were made.
        provider: As in `explain`.
        model: As in `explain`.
        progress: Whether a bar is shown where it takes long; `auto`: where somebody watches.

    Returns:
        One explanation for each call that moved, with its place as `turn`, counted from 1; empty where none did.
    """
    calls = calls_of(trace)
    cut = SentBlocks()
    known: tuple[int, ComparedRequest] | None = None
    found = Explanations()
    pairs = tracked(pairwise(calls), "explain", unit="call", total=len(calls) - 1, progress=progress)
    for number, (before, after) in enumerate(pairs, 2):
        if _plainly_appended(before, after):
            continue
        was_after = known is not None and known[0] == number - 1
        earlier = known[1] if known is not None and was_after else compared(before, provider, model, cut)
        known = (number, compared(after, provider, model, cut))
        each = _explanation(earlier, known[1])
        if each is not None:
            found.append(structs.replace(each, turn=number))
    return found


def _explanation(
    before: ComparedRequest, after: ComparedRequest, *, priced: bool = True
) -> Explanation | None:
    causes = causes_between(before, after)
    if not causes:
        return None
    first, *rest = causes
    home = after.provider or before.provider
    named = after.model or before.model
    whole = matches_whole_blocks(home or home_vendor(after.wire), named)
    kept, lost = tokens_lost(
        before.blocks, after.blocks, first, whole_blocks=whole, total=before.input_tokens
    )
    dollars = (
        dollars_lost(home, named, lost, after.blocks, at=after.at, input_tokens=after.input_tokens)
        if priced
        else math.nan
    )
    return Explanation(
        first,
        tuple(rest),
        kept,
        lost,
        dollars,
        provider=home,
        model=named,
        previous=before.blocks,
        current=after.blocks,
        estimated=before.input_tokens is None,
        provider_says=after.cache_diagnosis,
    )


def _plainly_appended(previous: Explainable, current: Explainable) -> bool:
    """The quick proof, where both requests are text of one wire, model and vendor."""
    old, new = _text_of(previous), _text_of(current)
    return old is not None and new is not None and old[1:] == new[1:] and only_appends(old[0], new[0])


def _text_of(given: Explainable) -> tuple[str, str, str, str] | None:
    if isinstance(given, RecordedCall):
        return (given.body, given.wire, given.vendor, given.model) if given.body else None
    if len(given) == 2 and isinstance(given[0], str):
        body = given[1]
        if isinstance(body, str):
            return body, given[0], "", ""
        if isinstance(body, bytes):
            return body.decode("utf-8", "replace"), given[0], "", ""
    return None
