"""From one line of the results to what a live call would have given, at the batch price."""

from __future__ import annotations

from agentlab.caching import cost_usd
from agentlab.errors import ModelError, ResponseTimeout, StreamInterrupted
from agentlab.experiments.batch.api import BatchState, ItemResult
from agentlab.experiments.batch.call import BatchOutcome, EncodedCall
from agentlab.messages import Timing, TurnFinished, Usage

__all__ = ["outcome_of"]


def outcome_of(item: ItemResult, call: EncodedCall, state: BatchState) -> BatchOutcome:
    """What became of a call.

    Args:
        item: Its line of the results.
        call: The call.
        state: The batch it was in, whose times are the call's.

    Returns:
        Its turn, decoded by the model's own wire, or the error; keys in it are masked.
    """
    model = call.call.model
    try:
        if item.succeeded:
            return _turn(item, call, state)
        error = _error(item, call)
    except ModelError as failure:
        error = failure
    error.args = (f"{model.name}: {error}",)
    error.request_id = error.request_id or item.request_id
    return model.redacted(error)


def _turn(item: ItemResult, call: EncodedCall, state: BatchState) -> TurnFinished:
    model = call.call.model
    decoder = model.wire.decoder(model.vendor)
    assembly = decoder.assembly
    decoder.body(item.body or b"")
    if not assembly.complete:
        raise StreamInterrupted("the answer in the batch's results is not complete")
    assembly.close()
    ended = state.created_at if state.ended_at is None else state.ended_at
    return TurnFinished(
        message=assembly.message(),
        usage=assembly.usage,
        finish_reason=assembly.finish_reason,
        raw_finish_reason=assembly.raw_finish_reason,
        response_id=assembly.response_id,
        request_id=item.request_id,
        timing=Timing(started_at=state.created_at, duration_s=max(0.0, ended - state.created_at)),
        cache_diagnosis=assembly.cache_diagnosis,
        cost_usd=_cost(call, assembly.usage, state.created_at),
    )


def _cost(call: EncodedCall, usage: Usage, at: float) -> float | None:
    model, cache = call.call.model, call.call.request.cache
    ttl = cache.ttl if cache is not None else None
    alone = cost_usd(model.vendor.name, model.model_id, usage, at=at, ttl=ttl)
    if usage.reported_cost_usd is not None:
        return alone  # the provider's own figure is of the batch already
    share = call.vendor.price_multiplier
    return None if alone is None or share is None else alone * share


def _error(item: ItemResult, call: EncodedCall) -> ModelError:
    model = call.call.model
    if item.body is None:
        kind = ResponseTimeout if "expired" in (item.code or "") else ModelError
        return kind(f"{item.message or 'not answered'}; it was not billed, ask again", code=item.code)
    error = model.wire.error(item.status or 0, item.body)
    error.status = error.status or item.status
    error.body = item.body.decode("utf-8", "replace")
    return error
