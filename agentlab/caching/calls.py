"""Model calls as they were made: what everything that studies a prompt cache takes.

A recorded call needs no agent and no provider: it can come from a trace, from a recording of another tool, or from a
generator (`agentlab.caching.workloads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.messages import CacheDiagnosis, Request, Usage
from agentlab.short_repr import ShortRepr

__all__ = ["Calls", "RecordedCall", "Recording", "calls_of"]


class RecordedCall(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """One model call.

    Attributes:
        wire: The wire format of `body`.
        body: The request's JSON body as it was sent; empty for a call that was only thought of.
        vendor: Who served it, by the name in `"vendor:model"`.
        model: The provider's name of the model.
        usage: What the provider reported; None where it reported nothing.
        at: Unix time at which it was sent, seconds.
        output_tokens: Generated tokens; None where not known.
        ttft_s: Seconds to the first token; None where not known.
        request: The same request before any wire format, its parts still apart; None where only the body is known.
        cache_diagnosis: What the provider said of its cache; None where it said nothing.
    """

    wire: str
    body: str
    vendor: str
    model: str
    usage: Usage | None = None
    at: float = 0.0
    output_tokens: int | None = None
    ttft_s: float | None = None
    request: Request | None = None
    cache_diagnosis: CacheDiagnosis | None = None


@runtime_checkable
class Recording(Protocol):
    """Anything that has calls: `agentlab.Trace` does."""

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """The model calls, in the order they were made."""
        ...


Calls = Recording | Sequence[RecordedCall]


def calls_of(trace: Calls) -> tuple[RecordedCall, ...]:
    """The calls of a trace, or of a list of calls.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(trace, Recording):
        return trace.calls
    given: object = trace
    if not isinstance(given, Sequence) or not all(isinstance(call, RecordedCall) for call in given):
        raise UsageError(f"a trace, or a list of `RecordedCall`, is needed here, not {str(given)[:80]!r}")
    return tuple(given)
