"""The vendors' own diagnoses of cache misses: what changed since an earlier request that the client names.

Anthropic compares with `diagnostics.previous_message_id`, OpenAI with `prompt_cache_options.comparison_response_id`; both
give the first reason in a closed set of words (the response types of their Python SDKs).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct

from agentlab.caching.explaining.explain import explain
from agentlab.messages import Usage
from agentlab.simulator.dialects import Ids
from agentlab.simulator.exchange import SimRequest

__all__ = ["Diagnoses"]

_REMEMBERED: Final = 10_000
_OPENAI_REASONS: Final = frozenset(
    [
        "model_changed",
        "prompt_cache_key_changed",
        "tools_changed",
        "text_format_changed",
        "reasoning_effort_changed",
        "verbosity_changed",
        "context_compacted",
        "input_changed",
        "service_tier_changed",
    ]
)
_ANTHROPIC_REASONS: Final = frozenset(
    ["model_changed", "system_changed", "tools_changed", "messages_changed"]
)


class _Answered(Struct, frozen=True):
    """A request that was answered: its body, its length, and how much of it a later one could read."""

    body: dict[str, Any]
    input_tokens: int
    reusable_tokens: int


class Diagnoses:
    """Remembers what was answered, by the id of the answer, and compares."""

    def __init__(self) -> None:
        self._answered: OrderedDict[tuple[str, str], _Answered] = OrderedDict()

    def of(self, request: SimRequest, usage: Usage) -> dict[str, Any] | None:
        """The member of the answer that holds the diagnosis, under its name; None where none was asked for."""
        if request.wire == "anthropic":
            return self._anthropic(request)
        if request.wire == "openai_responses":
            return self._openai(request, usage)
        return None

    def remember(self, request: SimRequest, usage: Usage, ids: Ids) -> None:
        """Keep a request under the id its answer will have.

        Args:
            request: The request.
            usage: What it cost.
            ids: The answer's ids, of which its own is the next.
        """
        if request.wire == "anthropic":
            name = ids.next("msg_01", 22)
        elif request.wire == "openai_responses":
            name = f"resp_{ids.next('', 40)}"
        else:
            return
        reusable = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        self._answered[request.vendor, name] = _Answered(request.json, usage.input_tokens or 0, reusable)
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)

    def _anthropic(self, request: SimRequest) -> dict[str, Any] | None:
        asked = request.json.get("diagnostics")
        if not isinstance(asked, dict):
            return None
        name = asked.get("previous_message_id")
        if name is None:
            return {"diagnostics": None}
        before = self._answered.get((request.vendor, str(name)))
        if before is None:
            return {"diagnostics": {"cache_miss_reason": {"type": "previous_message_not_found"}}}
        found = explain(("anthropic-messages", before.body), ("anthropic-messages", request.json))
        if found is None:
            return {"diagnostics": None}
        if found.cause.reason not in _ANTHROPIC_REASONS:
            return {"diagnostics": {"cache_miss_reason": {"type": "unavailable"}}}
        lost = _scaled(found.tokens_lost, found.tokens_kept, before)
        return {
            "diagnostics": {
                "cache_miss_reason": {"type": found.cause.reason, "cache_missed_input_tokens": lost}
            }
        }

    def _openai(self, request: SimRequest, usage: Usage) -> dict[str, Any] | None:
        options = request.json.get("prompt_cache_options")
        name = options.get("comparison_response_id") if isinstance(options, dict) else None
        if name is None:
            return None
        before = self._answered.get((request.vendor, str(name)))
        if before is None:
            return {"prompt_cache_diagnostics": {"type": "comparison_response_not_found"}}
        found = explain(("openai-responses", before.body), ("openai-responses", request.json))
        if found is not None and found.cause.reason in _OPENAI_REASONS:
            told: dict[str, Any] = {
                "type": "cache_miss",
                "reason": found.cause.reason,
                "cache_missed_tokens": _scaled(found.tokens_lost, found.tokens_kept, before),
                "comparison_reusable_tokens": before.reusable_tokens,
            }
        elif found is None and before.reusable_tokens and usage.cache_read_tokens:
            told = {"type": "cache_hit"}
        else:
            told = {"type": "unavailable"}  # nothing changed, yet nothing was read: expired, or never written
        return {"prompt_cache_diagnostics": told}


def _scaled(lost: int, kept: int, before: _Answered) -> int:
    """Lost tokens in the vendor's own count of the earlier prompt."""
    estimated = lost + kept
    return round(lost * before.input_tokens / estimated) if estimated else 0
