"""Which calls go into one batch: those of one account, endpoint, set of headers and, where need be, model; in order."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.errors import UsageError
from agentlab.experiments.batch.api import BatchApi
from agentlab.experiments.batch.call import Account, EncodedCall

__all__ = ["pack"]


def pack(calls: Sequence[EncodedCall], apis: dict[str, BatchApi]) -> list[list[EncodedCall]]:
    """Divide calls into batches that keep the vendors' limits.

    Args:
        calls: What is to be sent.
        apis: The interfaces by name.

    Raises:
        UsageError: One call alone is larger than a batch may be.
    """
    groups: dict[object, list[EncodedCall]] = {}
    for call in calls:
        model = call.call.model
        one = model.model_id if call.vendor.one_model else None
        groups.setdefault((Account.of(model), call.path, call.headers, one), []).append(call)
    return [part for group in groups.values() for part in _split(group, apis[group[0].vendor.api])]


def _split(group: Sequence[EncodedCall], api: BatchApi) -> list[list[EncodedCall]]:
    limits = group[0].vendor
    parts: list[list[EncodedCall]] = []
    taken = 0
    for call in group:
        size = api.size(call)
        if size > limits.max_bytes:
            raise UsageError(
                f"the request {call.call.custom_id!r} takes {size:,} bytes, and a batch of "
                f"`{call.call.model.vendor.name}` may hold {limits.max_bytes:,}; send it alone"
            )
        if not parts or len(parts[-1]) >= limits.max_requests or taken + size > limits.max_bytes:
            parts.append([])
            taken = 0
        parts[-1].append(call)
        taken += size
    return parts
