"""What was said on a branch, as a frame: one row a part of a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agentlab.messages import Reasoning, Refusal, Text, ToolCall, ToolResult
from agentlab.sessions.entries import AssistantSaid, Stored, ToolAnswered, UserSaid

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "entries_frame"]

COLUMNS: Final[Mapping[str, str]] = {
    "entry_id": "Int64",
    "branch": "Int64",
    "at": "datetime64[us, UTC]",
    "role": "string",
    "part": "string",
    "text": "string",
    "model": "string",
    "run_id": "string",
    "turn": "Int64",
    "tokens": "Int64",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cache_read_tokens": "Int64",
    "cache_write_tokens": "Int64",
    "reasoning_tokens": "Int64",
    "cost_usd": "Float64",
    "finish_reason": "string",
    "interrupted": "boolean",
    "duration_s": "Float64",
    "time_to_first_token_s": "Float64",
    "retries": "Int64",
    "response_id": "string",
    "request_id": "string",
    "tool_name": "string",
    "call_id": "string",
    "arguments": "string",
    "result": "string",
    "summary": "string",
    "full": "string",
    "status": "string",
    "untrusted": "boolean",
    "reasoning": "string",
    "reasoning_id": "string",
}
"""Columns and their types. `at` is when the entry was written."""

_USAGE: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)

_Row = dict[str, Any]


def entries_frame(entries: Iterable[Stored]) -> pd.DataFrame:
    """One row a part of what was said, in order, with the columns of `COLUMNS`.

    What belongs to a whole entry (`tokens`, which is estimated, the usage, `cost_usd`, durations, `retries`) stands in its
    first row alone, so that sums over the frame are right. What a user says that is no text, such as an image, has its
    kind in `part` and no text.

    Args:
        entries: The path of one branch; entries that are not said by anybody have no rows.
    """
    import pandas as pd  # noqa: PLC0415 - only who wants a frame pays for it

    rows = [row for stored in entries for row in _rows(stored)]
    columns: dict[str, pd.Series[Any]] = {}
    for name, kind in COLUMNS.items():
        values = [row.get(name) for row in rows]
        if name == "at":
            moments = pd.to_datetime(pd.Series(values, dtype="float64"), unit="s", utc=True)
            columns[name] = moments.dt.as_unit("us")
        else:
            columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)


def _rows(stored: Stored) -> Iterator[_Row]:
    entry = stored.entry
    match entry:
        case UserSaid():
            parts = [_part(part) for part in entry.message.content]
            role, whole = "user", _Row(tokens=stored.tokens)
        case AssistantSaid():
            parts = [_part(part) for part in entry.message.content]
            role, whole = "assistant", _Row(tokens=stored.tokens) | _call(entry)
        case ToolAnswered():
            parts = [_answer(entry)]
            role, whole = "tool", _Row(tokens=stored.tokens, duration_s=entry.duration_s)
        case _:
            return
    same = _Row(entry_id=stored.id, branch=stored.branch, at=stored.at, role=role) | _same(entry)
    for place, part in enumerate(parts or [_Row(part="text", text="")]):
        named = part
        if isinstance(entry, AssistantSaid) and part["part"] == "reasoning" and entry.reasoning_id:
            named = part | {"reasoning_id": entry.reasoning_id}
        yield same | named | (whole if place == 0 else {})


def _same(entry: UserSaid | AssistantSaid | ToolAnswered) -> _Row:
    """What all rows of an entry have."""
    match entry:
        case AssistantSaid():
            return _Row(
                model=entry.model or entry.message.model,
                run_id=entry.run_id,
                turn=entry.turn,
                interrupted=entry.message.interrupted,
            )
        case ToolAnswered():
            return _Row(run_id=entry.run_id)
        case _:
            return {}


def _call(entry: AssistantSaid) -> _Row:
    """What belongs to the model call as a whole."""
    usage = {} if entry.usage is None else {name: getattr(entry.usage, name) for name in _USAGE}
    return usage | _Row(
        cost_usd=entry.cost_usd,
        finish_reason=entry.finish_reason,
        duration_s=entry.timing.duration_s,
        time_to_first_token_s=entry.timing.time_to_first_token_s,
        retries=entry.retries,
        response_id=entry.response_id,
        request_id=entry.request_id,
    )


def _answer(entry: ToolAnswered) -> _Row:
    return _part(entry.result) | _Row(
        arguments=entry.arguments_json, summary=entry.summary, full=entry.full, untrusted=entry.untrusted
    )


def _part(part: msgspec.Struct) -> _Row:
    kind = str(part.__struct_config__.tag)
    match part:
        case Text() | Refusal():
            return _Row(part=kind, text=part.text)
        case Reasoning():
            return _Row(part=kind, reasoning=part.text, reasoning_id=part.id)
        case ToolCall():
            return _Row(part=kind, tool_name=part.name, call_id=part.id, arguments=part.arguments_json)
        case ToolResult():
            return _Row(
                part=kind, tool_name=part.name, call_id=part.call_id, result=part.text, status=part.status
            )
        case _:
            return _Row(part=kind)
