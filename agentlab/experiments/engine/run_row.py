"""From a finished run's trace to its row: pure, and without what can be computed later from the stored trace."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from agentlab.agent.frames import provider_and_model
from agentlab.agent.trace import Trace
from agentlab.caching.prices import rates, turn_cost
from agentlab.errors import AgentlabError, MaxTurnsReached
from agentlab.experiments.batch import batch_price_multiplier
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.rows import RunRow, RunStatus, TurnRow
from agentlab.messages import (
    RequestSent,
    Retrying,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)

__all__ = ["Circumstances", "run_row", "turn_rows"]

_ERROR_LENGTH: Final = 2000


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is known of a run beside its trace.

    Attributes:
        duration_s: Wall clock of the run.
        queue_s: Turn to seconds spent waiting for a free slot.
        attempt: Which execution of the cell.
        cache_state: How the cache was prepared.
        cache_contaminated: Whether it was not in that state.
        since_prefix_s: Seconds since the arm's prefix was last sent.
        batch_api: Whether it went through the provider's batch interface.
        code_version: Version of agentlab.
        price_source: Where prices are from.
        price_as_of: Date they are of.
    """

    duration_s: float
    queue_s: Mapping[int, float] = {}
    attempt: int = 1
    cache_state: str = "natural"
    cache_contaminated: bool = False
    since_prefix_s: float | None = None
    batch_api: bool = False
    code_version: str = ""
    price_source: str | None = None
    price_as_of: str | None = None


def run_row(cell: Cell, trace: Trace, text: str, error: AgentlabError | None, found: Circumstances) -> RunRow:
    """The row of a run that ended.

    Args:
        cell: What was run.
        trace: Its record.
        text: The answer; partial where the run failed.
        error: Why it failed; None where it ended by itself.
        found: What is known beside the trace.
    """
    turns = turn_rows(trace, found.queue_s, batch_api=found.batch_api)
    status: RunStatus = "ok" if error is None else "limit" if isinstance(error, MaxTurnsReached) else "error"
    return RunRow(
        cell_key=cell.key,
        run_id=trace.run_id,
        levels=dict(cell.arm.levels),
        sample_id=cell.sample.sample_id,
        cluster_id=cell.sample.cluster_id,
        repeat=cell.repeat,
        seed=cell.seed,
        attempt=found.attempt,
        status=status,
        error_type=type(error).__name__ if error else None,
        error_message=str(error)[:_ERROR_LENGTH] if error else None,
        started_at=trace.started_at,
        agent_hash=cell.agent_hash,
        prompt_hash=hashlib.sha256(cell.prompt.encode()).hexdigest()[:16],
        code_version=found.code_version,
        output=text,
        target=cell.sample.target,
        finish_reason=turns[-1].finish_reason if turns else None,
        n_tool_calls=sum(1 for _ in trace.of(ToolCall)),
        duration_s=found.duration_s,
        model_time_s=sum(turn.duration_s for turn in turns),
        tool_time_s=_tool_time(trace),
        queue_s=sum(turn.queue_s for turn in turns),
        retry_s=sum(turn.retry_s for turn in turns),
        cache_state=found.cache_state,
        cache_contaminated=found.cache_contaminated,
        since_prefix_s=found.since_prefix_s,
        price_source=found.price_source,
        price_as_of=found.price_as_of,
        batch_api=found.batch_api,
        turns=turns,
    )


def turn_rows(
    trace: Trace, queue_s: Mapping[int, float] | None = None, *, batch_api: bool = False
) -> tuple[TurnRow, ...]:
    """One row for each model call that came to its end.

    Args:
        trace: The record of a run.
        queue_s: Turn to seconds waited for a slot.
        batch_api: Whether its calls were billed at the price of a batch.
    """
    waited = queue_s or {}
    rows: list[TurnRow] = []
    model, began, first_text, refused = "", 0.0, None, 0
    for traced in trace.events:
        match traced.event:
            case TurnStarted(model=name):
                model, began, first_text, refused = name, traced.at_s, None, 0
            case RequestSent(attempt=1):
                began = traced.at_s  # waiting for a slot is no part of the provider's time
            case Retrying(status=429):
                refused += 1
            case TextDelta(text=text) if first_text is None and text.strip():
                first_text = traced.at_s - began
            case TurnFinished() as turn:
                rows.append(
                    _turn_row(
                        turn.model or model,
                        turn,
                        first_text,
                        refused,
                        waited.get(turn.turn, 0.0),
                        batch_api=batch_api,
                    )
                )
            case _:
                pass
    return tuple(rows)


def _turn_row(
    name: str,
    turn: TurnFinished,
    first_text: float | None,
    refused: int,
    queued: float,
    *,
    batch_api: bool,
) -> TurnRow:
    provider, model = provider_and_model(name)
    usage, timing, diagnosis = turn.usage, turn.timing, turn.cache_diagnosis
    cost = turn_cost(provider, model, usage, timing.started_at or None)
    plain = rates(provider, model, timing.started_at or None, input_tokens=usage.input_tokens or 0)
    share = _share(provider) if batch_api else 1.0
    spared = (usage.input_tokens or 0) * plain.uncached + cost.output_usd + plain.request
    return TurnRow(
        turn=turn.turn,
        provider_name=provider,
        request_model=model,
        response_id=turn.response_id,
        finish_reason=turn.finish_reason,
        tool_names=tuple(call.name for call in turn.message.tool_calls),
        input_tokens=usage.input_tokens,
        cache_read_input_tokens=usage.cache_read_tokens,
        cache_write_input_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_output_tokens=usage.reasoning_tokens,
        cost_usd=_known(share * cost.total_usd) if usage.input_tokens is not None else None,
        cost_nocache_usd=_known(share * spared) if usage.input_tokens is not None else None,
        cost_input_usd=_known(share * cost.uncached_usd),
        cost_cache_read_usd=_known(share * cost.read_usd),
        cost_cache_write_usd=_known(share * (cost.write_5m_usd + cost.write_1h_usd)),
        cost_output_usd=_known(share * cost.output_usd),
        started_at=timing.started_at,
        duration_s=timing.duration_s,
        queue_s=queued,
        retry_s=timing.waited_s,
        time_to_first_chunk_s=timing.time_to_first_event_s,
        time_to_first_text_s=_not_before(first_text, timing.time_to_first_event_s),
        cache_miss_reason=diagnosis.reason if diagnosis is not None else None,
        cache_missed_tokens=diagnosis.missed_tokens if diagnosis is not None else None,
        n_retries=turn.retries,
        n_429=refused,
    )


def _share(vendor: str) -> float:
    """What a call costs in a batch, as a share of its price alone; NaN where that is not known."""
    share = batch_price_multiplier(vendor)
    return math.nan if share is None else share


def _not_before(text_s: float | None, event_s: float | None) -> float | None:
    """The time to the first text; the two are taken by looks at the clock a moment apart."""
    return text_s if text_s is None or event_s is None else max(text_s, event_s)


def _known(amount: float) -> float | None:
    return None if math.isnan(amount) else amount


def _tool_time(trace: Trace) -> float:
    """Seconds in which at least one tool ran: calls side by side count once."""
    started: dict[str, float] = {}
    spans: list[tuple[float, float]] = []
    for traced in trace.events:
        if isinstance(traced.event, ToolStarted):
            started[traced.event.call_id] = traced.at_s
        elif isinstance(traced.event, ToolResult) and traced.event.call_id in started:
            spans.append((started.pop(traced.event.call_id), traced.at_s))
    return _covered(sorted(spans))


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    covered, end = 0.0, -math.inf
    for start, stop in spans:
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return covered
