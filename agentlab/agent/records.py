"""What a run keeps of each model call, and of each question whether a tool may run."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from agentlab.messages import CacheDiagnosis, FinishReason, Timing, TurnFinished, Usage
from agentlab.short_repr import ShortRepr

__all__ = ["Decision", "TurnRecord", "record_of"]


class TurnRecord(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """One model call, without its message; fields as in `TurnFinished`."""

    turn: int
    model: str
    usage: Usage
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    tool_calls: int = 0
    timing: Timing = Timing()
    retries: int = 0
    cost_usd: float | None = None
    response_id: str | None = None
    request_id: str | None = None
    cache_diagnosis: CacheDiagnosis | None = None


class Decision(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """Whether a call of a tool that asks may run; `note` is what the model is told of a refusal, `by` who decided."""

    approved: bool
    note: str = ""
    by: Literal["user", "approver"] = "user"


def record_of(turn: TurnFinished, number: int, model: str) -> TurnRecord:
    """The record of a finished turn; `number` counts from 1, `model` is what was called."""
    return TurnRecord(
        turn=number,
        model=model or turn.message.model or "",
        usage=turn.usage,
        finish_reason=turn.finish_reason,
        raw_finish_reason=turn.raw_finish_reason,
        tool_calls=len(turn.message.tool_calls),
        timing=turn.timing,
        retries=turn.retries,
        cost_usd=turn.cost_usd,
        response_id=turn.response_id,
        request_id=turn.request_id,
        cache_diagnosis=turn.cache_diagnosis,
    )
