"""What a response of the OpenAI Responses API holds, in our terms: usage, reasoning, citations."""

from __future__ import annotations

from typing import Any, Final

from agentlab.messages import (
    CacheDiagnosis,
    CacheVerdict,
    Citation,
    ReasoningContent,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Usage,
)

__all__ = [
    "cache_diagnosis_of",
    "citation_of",
    "encrypted_reasoning",
    "item_type",
    "missing_text",
    "present",
    "readable_reasoning",
    "usage_of",
]


def usage_of(raw: dict[str, Any]) -> Usage:
    """A response's usage in our terms. Here the prompt's count includes what was read from and written to the cache."""
    prompt, output = _object(raw.get("input_tokens_details")), _object(raw.get("output_tokens_details"))
    return Usage(
        input_tokens=_count(raw.get("input_tokens")),
        output_tokens=_count(raw.get("output_tokens")),
        cache_read_tokens=_count(prompt.get("cached_tokens")),
        cache_write_tokens=_count(prompt.get("cache_write_tokens")),
        reasoning_tokens=_count(output.get("reasoning_tokens")),
        reported_total_tokens=_count(raw.get("total_tokens")),
        reported_cost_usd=_cost(raw),
        raw=raw,
    )


_VERDICTS: Final[dict[str, CacheVerdict]] = {
    "cache_miss": "miss",
    "cache_hit": "hit",
    "comparison_response_not_found": "not_found",
}


def cache_diagnosis_of(response: dict[str, Any]) -> CacheDiagnosis | None:
    """A response's `prompt_cache_diagnostics`; None where it has none.

    Source: https://developers.openai.com/api/docs/guides/prompt-caching/diagnostics
    """
    native = response.get("prompt_cache_diagnostics")
    if not isinstance(native, dict):
        return None
    kind = str(native.get("type"))
    verdict = _VERDICTS.get(kind, "unavailable")
    word = native.get("reason") if verdict == "miss" else kind
    reason = None if verdict == "hit" or not isinstance(word, str) else word
    return CacheDiagnosis(verdict, reason, _count(native.get("cache_missed_tokens")), native)


# A tick of xAI's `cost_in_usd_ticks`, in dollars (https://docs.x.ai/docs/api-reference).
_TICK_USD: Final = 1e-10


def _cost(raw: dict[str, Any]) -> float | None:
    cost, ticks = raw.get("cost"), _count(raw.get("cost_in_usd_ticks"))
    if isinstance(cost, int | float) and not isinstance(cost, bool):
        return float(cost)
    return None if ticks is None else ticks * _TICK_USD


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def item_type(item: dict[str, Any]) -> str:
    """The type of an output item; what has none is a message."""
    return str(item.get("type") or "message")


def present(item: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    """Those of the named fields that the item has, or None."""
    return {name: item[name] for name in names if item.get(name) is not None} or None


def readable_reasoning(item: dict[str, Any]) -> tuple[ReasoningSummary | ReasoningText, ...]:
    """What a reader may see of a reasoning item: its summaries, then its text."""
    summaries = [ReasoningSummary(part.get("text") or "") for part in item.get("summary") or ()]
    texts = [ReasoningText(part.get("text") or "") for part in item.get("content") or ()]
    return (*summaries, *texts)


def encrypted_reasoning(item: dict[str, Any]) -> tuple[ReasoningContent, ...]:
    """The sealed reasoning of an item, where there is any."""
    sealed = item.get("encrypted_content")
    return (ReasoningEncrypted(sealed),) if isinstance(sealed, str) and sealed else ()


def missing_text(so_far: str, whole: str) -> str:
    """What of the whole is still missing; nothing where the two disagree."""
    return whole[len(so_far) :] if whole.startswith(so_far) else ""


def citation_of(annotation: dict[str, Any]) -> Citation:
    """An annotation of a text as a citation; the annotation itself is kept for replay."""
    title = annotation.get("title") or annotation.get("filename")
    return Citation(title=title, url=annotation.get("url"), quote=annotation.get("quote"), raw=annotation)
