"""Tokens, seconds of sound and costs of an answer, by whichever names its vendor has for them. Pure."""

from __future__ import annotations

from typing import Any, Final

from agentlab.messages import Usage

__all__ = ["usage_of"]

_TICK_USD: Final = 1e-10  # a tick of xAI's `cost_in_usd_ticks` (https://docs.x.ai/docs/api-reference)


def usage_of(payload: Any) -> tuple[Usage, float | None]:
    """What an answer reports of its use.

    Sources: the API references of OpenAI (`usage` in tokens, or in seconds), Mistral (`prompt_audio_seconds`), OpenRouter
    (`cost`), xAI (ticks) and Gemini (`usageMetadata`).

    Args:
        payload: The decoded answer.

    Returns:
        Tokens and cost, and how many seconds of sound were heard; None for what is not reported.
    """
    if not isinstance(payload, dict):
        return Usage(), None
    raw = payload.get("usage") or payload.get("usageMetadata")
    raw = raw if isinstance(raw, dict) else {}
    reasoning = _count(raw, "thoughtsTokenCount")
    output = _count(raw, "output_tokens", "completion_tokens", "candidatesTokenCount")
    if output is not None or reasoning is not None:
        output = (output or 0) + (reasoning or 0)
    ticks = _count(raw, "cost_in_usd_ticks")
    usage = Usage(
        input_tokens=_count(raw, "input_tokens", "prompt_tokens", "promptTokenCount"),
        output_tokens=output,
        reasoning_tokens=reasoning,
        reported_total_tokens=_count(raw, "total_tokens", "totalTokenCount"),
        reported_cost_usd=_number(raw, "cost") if ticks is None else ticks * _TICK_USD,
        raw=raw or None,
    )
    seconds = _number(raw, "seconds", "prompt_audio_seconds")
    return usage, _number(payload, "duration") if seconds is None else seconds


def _count(raw: dict[str, Any], *names: str) -> int | None:
    found = _number(raw, *names)
    return None if found is None else int(found)


def _number(raw: dict[str, Any], *names: str) -> float | None:
    for name in names:
        value = raw.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
    return None
