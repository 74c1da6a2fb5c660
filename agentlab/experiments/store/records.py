"""Runs as what the tables hold, and back: pure.

A payload is the row as JSON with every field written, so that SQL sees defaults too, and with the fields that a newer
agentlab wrote and this one does not know.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, structs

from agentlab.errors import StoreError
from agentlab.experiments.rows import MessageRow, RunRow, ScoreRow, TurnRow, total

__all__ = [
    "Message",
    "Place",
    "RunRecord",
    "json_of",
    "message_from",
    "places_from",
    "record_of",
    "rescored",
    "run_from",
]

_PLACED: Final = ("tokens", "segment")  # what a run says of a message, beside what the message is
_TOKENS: Final = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
_COSTS: Final = ("cost_usd", "cost_nocache_usd")

Row = TypeVar("Row")


class Place(NamedTuple):
    """Where a run said a message that it may share with others."""

    hash: str
    tokens: int
    segment: str


class Message(Struct, frozen=True):
    """A message as runs share it."""

    hash: str
    parent_hash: str | None
    role: str
    kind: str
    text: str

    def placed(self, place: Place) -> MessageRow:
        """The message as one run has it."""
        return MessageRow(**structs.asdict(self), tokens=place.tokens, segment=place.segment)


class RunRecord(Struct, frozen=True):
    """A run as rows of tables.

    Attributes:
        run: Values of `runs`, in the order of `columns`.
        messages: `(hash, parent_hash, payload)` of each block; shared between runs.
    """

    run: tuple[Any, ...]
    messages: list[tuple[str, str | None, str]]

    columns = ("cell_key", "n_turns", *_TOKENS, *_COSTS, "places", "payload")


def record_of(row: RunRow, written: Mapping[str, Any] | None = None) -> RunRecord:
    """A run as the tables take it.

    Args:
        row: The run.
        written: The same run as JSON of another version, whose extra fields are kept.
    """
    said = (written or {}).get("messages", ())
    fields = _fields(row, written)
    del fields["messages"]
    fields["turns"] = _each(row.turns, (written or {}).get("turns", ()))
    fields["scores"] = _each(row.scores, (written or {}).get("scores", ()))
    places = [Place(message.hash, message.tokens, message.segment) for message in row.messages]
    values = (row.cell_key, len(row.turns), *_sums(row.turns), json_of(places), json_of(fields))
    return RunRecord(
        values,
        [
            (message.hash, message.parent_hash, json_of(_without(fields, _PLACED)))
            for message, fields in zip(row.messages, _each(row.messages, said), strict=True)
        ],
    )


def rescored(payload: str, scores: Sequence[ScoreRow]) -> str:
    """A run's payload with other scores: a scorer's earlier verdict is replaced in its place, a new one comes last."""
    fields = msgspec.json.decode(payload)
    said = {score["scorer"]: score for score in fields["scores"]}
    fields["scores"] = list((said | {score.scorer: _fields(score) for score in scores}).values())
    return json_of(fields)


def run_from(payload: str, where: str) -> RunRow:
    """A run as it was put, without its messages.

    Raises:
        StoreError: The payload is not a run's. So for the other functions.
    """
    return _decoded(payload, _RUNS, where)


def message_from(payload: str, where: str) -> Message:
    """A message as runs share it."""
    return _decoded(payload, _MESSAGES, where)


def places_from(places: str, where: str) -> list[Place]:
    """Which messages a run said."""
    return _decoded(places, _PLACES, where)


_RUNS: Final = msgspec.json.Decoder(RunRow)
_MESSAGES: Final = msgspec.json.Decoder(Message)
_PLACES: Final = msgspec.json.Decoder(list[Place])


def _decoded(payload: str, decoder: msgspec.json.Decoder[Row], where: str) -> Row:
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{where} holds a row that cannot be read: {error}") from error


def _each(rows: Sequence[Struct], written: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_fields(row, written[place] if place < len(written) else None) for place, row in enumerate(rows)]


def _fields(row: Struct, written: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every field of a row, defaults too, and those that only its written form has."""
    return structs.asdict(row) if written is None else {**written, **structs.asdict(row)}


def _without(fields: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _sums(turns: Sequence[TurnRow]) -> list[Any]:
    """Tokens and dollars of all calls; None where one call does not say."""
    return [total([getattr(turn, name) for turn in turns]) for name in (*_TOKENS, *_COSTS)]


def json_of(value: object) -> str:
    """A value as JSON; what JSON cannot hold is written as nearly as it goes.

    A run that was paid for is not lost for a date in its target or half a surrogate pair in a tool's answer.
    """
    try:
        return msgspec.json.encode(value, enc_hook=_nearest).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(msgspec.to_builtins(value, enc_hook=_nearest))).decode()


def _nearest(value: object) -> object:
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else str(value)


def _mended(value: Any) -> Any:
    """Text that UTF-8 can hold: a lone half of a surrogate pair becomes `?`."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_mended(key): _mended(item) for key, item in value.items()}
        case list() | tuple():
            return [_mended(item) for item in value]
        case _:
            return value
