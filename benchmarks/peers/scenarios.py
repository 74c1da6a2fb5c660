"""What the server says in each scenario. Standard library only: the processes of the peers read it too.

A scenario is named `kind-size`:

    text-10000       one answer of 10,000 text deltas
    loop-10          ten turns that call the tool `add`, then a short answer
    finished-10      the same with the answer as a call of `final_answer`, for agents that end so
    arguments-2000   one call of the tool `save` with 20 kB of arguments in 2,000 deltas, then a short answer
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

__all__ = ["CALL_ID", "Call", "Turn", "expected", "turns"]

CALL_ID = "call_bench_"
"""What the id of every tool call begins with; the number of its turn follows, in five digits."""

_SHORT_ANSWER = 20
_ARGUMENTS_A_DELTA = 10


@dataclass(frozen=True)
class Call:
    """A tool call.

    Attributes:
        id: Its id on every wire.
        name: The tool.
        deltas: The JSON of its arguments, cut.
    """

    id: str
    name: str
    deltas: tuple[str, ...]


@dataclass(frozen=True)
class Turn:
    """One answer: a text, or a tool call.

    Attributes:
        deltas: The text, cut.
        call: The call.
    """

    deltas: tuple[str, ...] = ()
    call: Call | None = None


@cache
def turns(scenario: str) -> tuple[Turn, ...]:
    """The answers of a scenario, in the order they are given."""
    kind, _, number = scenario.partition("-")
    size = int(number)
    if kind == "text":
        return (_text(size),)
    if kind == "loop":
        return (*(Turn(call=_addition(turn)) for turn in range(size)), _text(_SHORT_ANSWER))
    if kind == "finished":
        answer = json.dumps({"answer": expected(f"loop-{size}")})
        ending = Call(f"{CALL_ID}{size:05}", "final_answer", tuple(re.split(r"(?= )", answer)))
        return (*(Turn(call=_addition(turn)) for turn in range(size)), Turn(call=ending))
    if kind == "arguments":
        return (Turn(call=_saving(size)), _text(_SHORT_ANSWER))
    raise ValueError(f"there is no scenario `{scenario}`")


@cache
def expected(scenario: str) -> str:
    """What a client must have in the end: the last answer's text, or the text that `save` was given."""
    if scenario.startswith("arguments-"):
        call = turns(scenario)[0].call
        assert call is not None
        return "".join(call.deltas)[len('{"text":"') : -len('"}')]
    return "".join(turns(scenario)[-1].deltas)


def _text(deltas: int) -> Turn:
    return Turn(("w00000", *(f" w{number:05}" for number in range(1, deltas))))


def _addition(turn: int) -> Call:
    return Call(f"{CALL_ID}{turn:05}", "add", ('{"a"', ":", f"{turn}", ',"b"', ":1}"))


def _saving(deltas: int) -> Call:
    text = '{"text":"' + "lorem ipsu" * (deltas - 1)
    whole = text[: deltas * _ARGUMENTS_A_DELTA - 2] + '"}'
    cut = (whole[start : start + _ARGUMENTS_A_DELTA] for start in range(0, len(whole), _ARGUMENTS_A_DELTA))
    return Call(f"{CALL_ID}{0:05}", "save", tuple(cut))
