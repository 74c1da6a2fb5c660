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
from agentlab.caching.policies.policy import CachePolicy, Prompt
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.experiments.priming import PRIME_PROMPT
from agentlab.experiments.rows import MessageRow, RunRow, TurnRow
from agentlab.messages import UserMessage
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
    policies: dict[tuple[str, str], CachePolicy] = {}
    primed: set[str] = set()
    found: dict[tuple[int, int], int | None] = {}
    now = -math.inf
    for call in calls:
        name, model = call.turn.provider_name, call.turn.request_model
        policy = policies.get((name, model))
        if policy is None:
            made = make_policy(profile_for(name, model), model=model, strict=True)
            policy = policies.setdefault((name, model), made)
        now = max(call.turn.started_at, math.nextafter(now, math.inf))
        group = f"{name}:{model}/{_prefix_hash(call)}"
        if rows[call.row].cache_state in _PREPARED and group not in primed:
            primed.add(group)
            policy.account(_prompt(call, _priming(call), None), now)
            now = math.nextafter(now, math.inf)  # what is stored at a moment is found only later than it
        outcome = policy.account(_prompt(call, call.blocks, call.turn.input_tokens), now)
        found[call.row, call.turn.turn] = outcome.read_tokens
    return found


def _prompt(call: _Call, blocks: tuple[Block, ...], total: int | None) -> Prompt:
    key = call.settings.get("prompt_cache_key")
    scope = (call.turn.provider_name, call.turn.request_model, key if isinstance(key, str) else "")
    begins = call.turn.time_to_first_chunk_s or 0.0
    return Prompt(blocks, scope, dict(call.settings), total, begins if total is not None else 0.0)


def _prefix_length(blocks: Sequence[Block]) -> int:
    return next((place for place, block in enumerate(blocks) if block.part not in _SHARED), len(blocks))


def _prefix_hash(call: _Call) -> str:
    length = _prefix_length(call.blocks)
    return call.links[length - 1] if length else ""


def _priming(call: _Call) -> tuple[Block, ...]:
    """The blocks of the request that primed a call's prefix, made as it was made."""
    asked = call.made.request
    if asked is None:
        return call.blocks[: _prefix_length(call.blocks)]
    primer = structs.replace(
        asked,
        messages=(UserMessage.of(PRIME_PROMPT),),
        prompt_index=0,
        volatile=(),
        retrieved=(),
        output_schema=None,
    )
    encoded = wire_for(call.made.wire).encode(arrange(primer, wire=call.made.wire), vendor(call.made.vendor))
    return split(call.made.wire, encoded.body)


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
        found.turn: (found.place, found.reason) for found in explain_calls(calls) if found.turn is not None
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
