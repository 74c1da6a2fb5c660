"""What the chat says in one line: a tool call and its result, what an answer cost. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from agentlab.agent import Run
from agentlab.errors import InvalidToolArguments
from agentlab.messages import Audio, Image, Retrieved, ToolCall, ToolResult, Usage
from agentlab.plain_text import one_line, terminal_safe

__all__ = [
    "call_line",
    "cost_words",
    "media_line",
    "result_words",
    "retrieved_line",
    "usage_line",
    "usage_words",
]

_LONGEST_ARGUMENTS: Final = 80
_LONGEST_RESULT: Final = 100


def call_line(call: ToolCall) -> str:
    """A tool call as a line of Python would write it, shortened."""
    try:
        given = call.arguments.items()
        told = ", ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in given)
    except (InvalidToolArguments, UnicodeError):  # shown as the model wrote it
        told = call.arguments_json
    return f"{_flat(call.name, 64)}({_flat(told, _LONGEST_ARGUMENTS)})"


def result_words(result: ToolResult) -> str:
    """What came of a tool call, in few words."""
    said = _flat(result.text, _LONGEST_RESULT) or "nothing"
    return said if result.status == "success" else f"{result.status}: {said}"


def retrieved_line(found: Retrieved) -> str:
    """What an index found for the prompt: how much, and the ids of the best."""
    best = ", ".join(_flat(hit.id, 30) for hit in found.hits[:3])
    more = f" and {len(found.hits) - 3:,} more" if len(found.hits) > 3 else ""
    return f"{_flat(found.index, 40)}: {best or f'no {found.kind} found'}{more}"


def media_line(part: Image | Audio) -> str:
    """A picture or a sound of an answer, which no terminal shows."""
    what = "image" if isinstance(part, Image) else "audio"
    return f"[{what} {_flat(part.media_type or '', 40)}]".replace(" ]", "]")


def usage_words(usage: Usage) -> str:
    """Tokens, in words; what the provider does not report is left out."""
    pieces = []
    if usage.input_tokens is not None:
        pieces.append(f"{usage.input_tokens:,} in")
    if usage.cache_read_tokens is not None:
        pieces.append(f"{usage.cache_read_tokens:,} read")
    if usage.cache_write_tokens is not None:
        pieces.append(f"{usage.cache_write_tokens:,} written")
    if usage.output_tokens is not None:
        reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        pieces.append(f"{usage.output_tokens:,} out{reasoning}")
    return " · ".join(pieces) or "no usage reported"


def cost_words(cost_usd: float | None) -> str:
    """A price, in words."""
    if cost_usd is None:
        return "price unknown"
    return f"${cost_usd:.2f}" if cost_usd >= 1 else f"${cost_usd:.4f}"


def usage_line(run: Run) -> str:
    """What an answer took: tokens, price, time to its first token and in all."""
    records = run.records
    pieces = [usage_words(run.usage), cost_words(run.cost_usd)]
    if records:
        first = records[0].timing.time_to_first_token_s
        if first is not None:
            pieces.append(f"first token {first:.2f} s")
        pieces.append(f"{sum(record.timing.duration_s for record in records):.1f} s")
    if len(records) > 1:
        pieces.append(f"{len(records)} model calls")
    return " · ".join(pieces)


def _flat(text: str, limit: int) -> str:
    return one_line(terminal_safe(text), limit)
