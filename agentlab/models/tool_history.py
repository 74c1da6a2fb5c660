"""What a history needs before it goes over a wire that is strict about tool calls: object inputs, safe ids, results first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from agentlab.errors import InvalidToolArguments
from agentlab.messages import AssistantMessage, Message, SystemMessage, ToolCall

__all__ = ["object_input", "results_before_system", "safe_id"]

_SAFE_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST: Final = 12


def object_input(arguments_json: str) -> Any:
    """The input of a tool call, always an object: the model's own text, or what was not one under `invalid_json`."""
    call = ToolCall(id="", name="", arguments_json=arguments_json)
    try:
        parsed = call.arguments
    except InvalidToolArguments:
        return {"invalid_json": arguments_json}
    return msgspec.Raw(arguments_json.encode()) if parsed else {}


def safe_id(call_id: str, *, longest: int | None = None) -> str:
    """A call id of letters, digits, `_` and `-`; ids that need no change stay, others get a digest against collisions.

    Args:
        call_id: The id, as its own wire gave it.
        longest: Most characters the wire takes; None for no limit.
    """
    fits = longest is None or len(call_id) <= longest
    if fits and _SAFE_ID.fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    kept = None if longest is None else longest - _DIGEST - 1
    return f"{_UNSAFE.sub('_', call_id)[:kept]}_{digest}"


def results_before_system(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages, with system messages between a call and its result moved behind the result."""
    waiting: list[Message] = []
    calling = False
    for message in messages:
        if calling and isinstance(message, SystemMessage):
            waiting.append(message)
            continue
        yield message
        yield from waiting
        waiting = []
        calling = isinstance(message, AssistantMessage) and bool(message.tool_calls)
    yield from waiting
