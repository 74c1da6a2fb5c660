"""Runs inside runs as one tree: walked, summed, and laid on one clock.

A run that begins while another one goes on (an agent that a tool asks, a summary that a memory has written, a step of a
pipeline) has a trace of its own, which is a child of the other's. What a run spent itself and what was spent in all are
never mixed: `Trace.usage` and `Trace.total_usage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import structs

from agentlab.agent.spans import Span, spans_of
from agentlab.messages import RunFinished

if TYPE_CHECKING:
    import pandas as pd

    from agentlab.agent.trace import Trace

__all__ = ["cost_of", "tree_frame", "tree_spans", "walk"]


def walk(trace: Trace) -> Iterator[tuple[int, Trace]]:
    """A trace and all inside it, each with how deep it stands; a run comes before those inside it."""
    waiting = [(0, trace)]
    while waiting:
        depth, each = waiting.pop()
        yield depth, each
        waiting += [(depth + 1, child) for child in reversed(each.children)]


def cost_of(traces: Iterable[Trace]) -> float | None:
    """What the model calls of these traces cost together, children not counted; None where a price is unknown.

    Of traces without a model call it is None too: nothing is known of them.
    """
    costs = [turn.cost_usd for trace in traces for turn in trace.turns]
    return sum(cost for cost in costs if cost is not None) if costs and None not in costs else None


def tree_spans(trace: Trace) -> tuple[Span, ...]:
    """The spans of a trace and of all inside it, on the clock of the first, in the order in which they began."""
    found: list[Span] = []
    _collect(trace, 0, 0.0, found)
    # A stable order: of two that begin at one moment the outer one stays first.
    return tuple(sorted(found, key=lambda span: span.start_s))


def _collect(trace: Trace, depth: int, offset_s: float, found: list[Span]) -> None:
    inside = trace.call_id if depth else ""
    own = [
        structs.replace(
            span,
            start_s=span.start_s + offset_s,
            end_s=span.end_s + offset_s,
            run_id=trace.run_id,
            agent=trace.agent_name,
            depth=depth,
            inside=inside,
        )
        for span in spans_of((traced.event, traced.at_s) for traced in trace.events)
    ]
    found += own
    # A tool may have begun a moment before its run heard of it.
    begun = {span.call_id: span.start_s for span in own if span.kind == "tool"}
    for child in trace.children:
        began_s = offset_s + child.began_s
        _collect(child, depth + 1, max(began_s, begun.get(child.call_id, began_s)), found)


def tree_frame(trace: Trace) -> pd.DataFrame:
    """One row a run, each above those inside it.

    `input_tokens`, `output_tokens`, `cache_read_tokens` and `cost_usd` are the run's own; the same with `total_` in front
    count those of all runs inside it too. Counts are nullable: `<NA>` is "not reported". `call_id` is the tool call of the
    run around it that it belongs to, `start_s` its start in seconds since the first run's.
    """
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    starts = {id(trace): 0.0}
    rows: list[dict[str, Any]] = []
    for depth, each in walk(trace):
        starts |= {id(child): starts[id(each)] + child.began_s for child in each.children}
        ended = next(each.of(RunFinished), None)
        row: dict[str, Any] = {
            "depth": depth,
            "agent": each.agent_name,
            "model": each.model,
            "run_id": each.run_id,
            "call_id": each.call_id if depth else "",
            "start_s": starts[id(each)],
            "turns": len(each.turns),
            "stop_reason": ended.stop_reason if ended is not None else None,
        }
        for prefix, usage, cost in (
            ("", each.usage, each.cost_usd),
            ("total_", each.total_usage, each.total_cost_usd),
        ):
            row |= {f"{prefix}{name}": getattr(usage, name) for name in _COUNTS}
            row[f"{prefix}cost_usd"] = cost
        rows.append(row)
    frame = pd.DataFrame(rows)
    counts = {f"{prefix}{name}": "Int64" for prefix in ("", "total_") for name in _COUNTS}
    return frame.astype({**counts, "cost_usd": "Float64", "total_cost_usd": "Float64"})


_COUNTS = ("input_tokens", "cache_read_tokens", "output_tokens")
