"""Which earlier answer a provider compares a request with, where the agent asks it why its cache missed."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from agentlab.agent.records import TurnRecord
from agentlab.messages import Request

__all__ = ["compared_with_last"]


def compared_with_last(request: Request, records: Sequence[TurnRecord], model: str) -> Request:
    """The request, naming the answer before it, where its cache controls say `diagnose`.

    A name the caller gave stands. What another model answered is no baseline: its provider may not know the id.

    Args:
        request: The request, as it will be sent.
        records: The run's model calls so far.
        model: `"vendor:model"` of the model it goes to.
    """
    cache = request.cache
    if cache is None or not cache.diagnose or cache.compare_with is not None or not records:
        return request
    last = records[-1]
    if last.model != model or last.response_id is None:
        return request
    return structs.replace(request, cache=structs.replace(cache, compare_with=last.response_id))
