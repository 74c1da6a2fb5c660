"""What each call should have read from the cache, and where prefixes parted: computed from stored traces.

A call is judged by the cache profile of its model over all calls of the sweep in the order they were sent, so what one
run leaves behind counts for the next, as it does at the provider. Runs that were primed are judged as if their prefix
had been sent a moment before. It is not stored: a better profile judges old runs better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import structs

from agentlab.agent.trace import Trace
from agentlab.caching.blocks.block import Block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.splitting import split
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.explain import explain_calls
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.caching.replaying.prompt_ends import PromptEnds
from agentlab.caching.token_counts import with_tail
from agentlab.experiments.priming import PRIME_PROMPTS, idle_limit_s, prime_request
from agentlab.experiments.rows import MessageRow, RunRow, TurnRow
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor

__all__ = ["judged_rows"]

_SHARED = frozenset({"settings", "tools", "preamble", "documents", "few_shots"})
_PREPARED = frozenset({"primed", "warm"})
_CONTAMINATED_BELOW = 0.8


@dataclass(frozen=True)
class _Call:
    """One call of one run, ready to be judged."""

    row: int
    turn: TurnRow
    made: RecordedCall
    blocks: tuple[Block, ...]
    settings: Mapping[str, object]
    links: tuple[str, ...]


def judged_rows(rows: Sequence[RunRow], trace_of: Callable[[str], Trace | None]) -> tuple[RunRow, ...]:
    """Rows with the columns that come from comparing prompts.

    Args:
        rows: The runs of a sweep.
        trace_of: Key of a cell to the trace of its run; None where none was kept.

    Returns:
        The rows in the same order; one without a trace is as it was.
    """
    traces = [trace_of(row.cell_key) for row in rows]
    calls = [
        call
        for number, trace in enumerate(traces)
        if trace is not None
        for call in _calls(number, rows, trace)
    ]
    expected = _expected(sorted(calls, key=lambda call: call.turn.started_at), rows)
    found = list(rows)
    for number, trace in enumerate(traces):
        mine = [call for call in calls if call.row == number]
        if trace is not None and mine:
            found[number] = _judged(rows[number], trace, mine, expected)
    return tuple(found)


def _calls(number: int, rows: Sequence[RunRow], trace: Trace) -> Iterator[_Call]:
    turns = {turn.turn: turn for turn in rows[number].turns}
    for request, made in zip(trace.requests, trace.calls, strict=True):
        turn = turns.get(request.turn)
        if turn is not None and request.blocks:
            yield _Call(number, turn, made, request.blocks, _settings(made.body), chain(request.blocks))


def _settings(text: str) -> Mapping[str, object]:
    body = msgspec.json.decode(text)
    return body if isinstance(body, dict) else {}


def _expected(calls: Sequence[_Call], rows: Sequence[RunRow]) -> dict[tuple[int, int], int | None]:
    """(row, turn) to the tokens its provider's rule reads. `calls` in the order they were sent."""
    caches: dict[tuple[str, str], _Cache] = {}
    found: dict[tuple[int, int], int | None] = {}
    for call in calls:
        name = (call.turn.provider_name, call.turn.request_model)
        cache = caches.get(name) or caches.setdefault(name, _Cache(*name))
        prepared = rows[call.row].cache_state in _PREPARED
        found[call.row, call.turn.turn] = cache.expected(call, prepared=prepared)
    return found


class _Cache:
    """The cache of one model, as its profile has it, over all calls of a sweep.

    Args:
        provider: The vendor.
        model: Its name of the model.
    """

    def __init__(self, provider: str, model: str) -> None:
        self._name = f"{provider}:{model}"
        self._profile = profile_for(provider, model)
        self._policy = make_policy(self._profile, model=model, strict=True)
        self._lengths = PromptEnds(self._profile)
        self._used: dict[str, float] = {}
        self._now = -math.inf

    def expected(self, call: _Call, *, prepared: bool) -> int | None:
        """The tokens a call should read; calls come in the order they were sent."""
        now = max(call.turn.started_at, math.nextafter(self._now, math.inf))
        prompt = self._prompt(call, call.blocks, call.turn.input_tokens)
        if prepared:
            group, asked = _prefix_hash(call), call.made.request
            ttl = asked.cache.ttl if asked is not None and asked.cache is not None else None
            if now - self._used.get(group, -math.inf) >= idle_limit_s(self._profile, ttl):
                for blocks in _primes(call):
                    self._policy.account(self._prompt(call, blocks, None), now)
                    now = math.nextafter(
                        now, math.inf
                    )  # what is stored at a moment is found only later than it
            self._used[group] = now
        self._now = now
        return self._policy.account(prompt, now).read_tokens

    def _prompt(self, call: _Call, blocks: tuple[Block, ...], total: int | None) -> Prompt:
        """A prompt of a call; equal prefixes are equal in length, whichever prompt told it."""
        key = call.settings.get("prompt_cache_key")
        scope = (self._name, key if isinstance(key, str) else "")
        begins = (call.turn.time_to_first_chunk_s or 0.0) if total is not None else 0.0
        length = self._lengths.of(blocks, call.settings, total)
        return with_tail(Prompt(blocks, scope, call.settings, first_byte_s=begins), length.ends, length.tail)


def _prefix_length(blocks: Sequence[Block]) -> int:
    return next((place for place, block in enumerate(blocks) if block.part not in _SHARED), len(blocks))


def _prefix_hash(call: _Call) -> str:
    length = _prefix_length(call.blocks)
    return call.links[length - 1] if length else ""


def _primes(call: _Call) -> Iterator[tuple[Block, ...]]:
    """The blocks of the requests that primed a call's prefix, made as it was made."""
    asked = call.made.request
    if asked is None:
        yield call.blocks[: _prefix_length(call.blocks)]
        return
    for number in range(len(PRIME_PROMPTS)):
        primer = arrange(prime_request(asked, number), wire=call.made.wire)
        yield split(call.made.wire, wire_for(call.made.wire).encode(primer, vendor(call.made.vendor)).body)


def _judged(
    row: RunRow, trace: Trace, calls: Sequence[_Call], expected: Mapping[tuple[int, int], int | None]
) -> RunRow:
    reasons = _moved(trace)
    turns = {turn.turn: turn for turn in row.turns}
    before: _Call | None = None
    for call in calls:
        known = call.turn
        shared = _shared(before, call) if before is not None else 0
        keeps = before is not None and shared == len(before.links)
        turns[known.turn] = structs.replace(
            known,
            prefix_hash=call.links[-1],
            parent_hash=before.links[-1] if before is not None and keeps else None,
            shared_prefix_tokens=sum(block.tokens for block in call.blocks[:shared]),
            cache_expected_tokens=expected.get((call.row, known.turn)),
            diverged_at=reasons.get(known.turn, (None, None))[0],
            cache_miss_reason=known.cache_miss_reason or reasons.get(known.turn, (None, None))[1],
        )
        before = call
    first = turns[calls[0].turn.turn]
    return structs.replace(
        row,
        turns=tuple(turns.values()),
        prefix_hash=_prefix_hash(calls[0]),
        messages=_messages(calls[-1]),
        cache_contaminated=row.cache_contaminated or (row.cache_state == "primed" and _missed(first)),
    )


def _shared(before: _Call, call: _Call) -> int:
    """Links two prompts have in common."""
    count = 0
    for one, other in zip(before.links, call.links, strict=False):
        if one != other:
            break
        count += 1
    return count


def _missed(turn: TurnRow) -> bool:
    """Whether a prepared run read less than it should, or more: both are another state than the one prepared."""
    wanted, read = turn.cache_expected_tokens, turn.cache_read_input_tokens
    if wanted is None or read is None or wanted == 0:
        return False
    return not _CONTAMINATED_BELOW * wanted <= read <= wanted / _CONTAMINATED_BELOW


def _moved(trace: Trace) -> dict[int, tuple[str | None, str | None]]:
    """Turn to where its prefix parted from the one before, and the reason in the vendor's word."""
    calls = trace.calls
    if len(calls) < 2:
        return {}
    return {
        found.turn: (found.place, found.reason)
        for found in explain_calls(calls, progress=False)
        if found.turn is not None
    }


def _messages(call: _Call) -> tuple[MessageRow, ...]:
    """The blocks of a prompt, chained."""
    parents = (None, *call.links)
    return tuple(
        MessageRow(
            hash=link,
            parent_hash=parent,
            role=block.role or block.kind,
            kind=block.kind,
            text=block.text,
            tokens=block.tokens,
            segment=block.part,
        )
        for block, link, parent in zip(call.blocks, call.links, parents, strict=False)
    )
