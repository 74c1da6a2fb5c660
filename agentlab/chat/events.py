"""What a chat tells whoever shows it: a few kinds of event, and each as a server-sent event for a web front end.

They are fewer and coarser than an agent's own events, which `ChatStream.events` gives too. The names of the first eight are
those of the chat layer the project grew out of.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.messages import StopReason, Usage
from agentlab.plain_text import well_formed
from agentlab.short_repr import ShortRepr

__all__ = [
    "ApprovalPending",
    "Call",
    "ChatEvent",
    "Chunk",
    "Done",
    "Failed",
    "Mode",
    "ModeChanged",
    "Noted",
    "Observation",
    "QuestionPending",
    "Stopped",
    "Thought",
    "server_sent",
]

Mode = Literal["plan", "build"]
"""What the assistant may do: `plan` looks around and writes only the plan, `build` carries it out."""


class Chunk(ShortRepr, Struct, frozen=True, tag="chunk", tag_field="type"):
    """More of the answer's text."""

    text: str


class Thought(ShortRepr, Struct, frozen=True, tag="thought", tag_field="type"):
    """More of the model's reasoning; `reasoning_id` is the same for all of one turn."""

    text: str
    reasoning_id: str


class Call(ShortRepr, Struct, frozen=True, tag="call", tag_field="type"):
    """The model calls a tool; the arguments are whole, as JSON."""

    call_id: str
    tool: str
    arguments: str


class Observation(ShortRepr, Struct, frozen=True, tag="observation", tag_field="type"):
    """A tool has answered.

    Attributes:
        call_id: The call.
        tool: The tool's name.
        summary: The answer, shortened for a reader.
        status: How the call ended: `success`, `failed`, `skipped`, `interrupted`.
    """

    call_id: str
    tool: str
    summary: str
    status: str = "success"


class Done(ShortRepr, Struct, frozen=True, tag="done", tag_field="type"):
    """The answer is complete, and in the session.

    Attributes:
        text: The whole answer.
        usage: Tokens of all model calls of the answer.
        cost_usd: What they cost; None where a price is not known.
    """

    text: str
    usage: Usage
    cost_usd: float | None = None


class Stopped(ShortRepr, Struct, frozen=True, tag="stopped", tag_field="type"):
    """The answer ended early; what had come of it is in the session.

    Attributes:
        reason: How it ended.
        detail: Why, in words.
        text: What had come.
    """

    reason: StopReason
    detail: str = ""
    text: str = ""


class Failed(ShortRepr, Struct, frozen=True, tag="failed", tag_field="type"):
    """The answer could not be given; the error is raised to whoever waits for it too.

    Attributes:
        error: Name of the error's class.
        detail: What it says.
    """

    error: str
    detail: str


class ModeChanged(ShortRepr, Struct, frozen=True, tag="mode_changed", tag_field="type"):
    """The assistant may do other things from now on.

    Attributes:
        mode: The mode it is in.
        before: The one it was in.
        plan: Path of the approved plan, where one was.
    """

    mode: Mode
    before: Mode
    plan: str | None = None


class QuestionPending(ShortRepr, Struct, frozen=True, tag="question_pending", tag_field="type"):
    """The assistant asks the user something and waits; `Chat.answer` takes the answer, also in another process.

    Attributes:
        question_id: Its name.
        questions: What is asked: objects with `name`, `question`, a JSON `schema` and perhaps `buttons`.
    """

    question_id: str
    questions: tuple[dict[str, Any], ...]


class ApprovalPending(ShortRepr, Struct, frozen=True, tag="approval_pending", tag_field="type"):
    """A call waits for the user's decision; `Chat.decide` takes it, also in another process."""

    call_id: str
    tool: str
    reason: str = ""


class Noted(ShortRepr, Struct, frozen=True, tag="noted", tag_field="type"):
    """Something the reader should know: a model fell back to another, tools were left out, the cached prefix moved."""

    kind: str
    text: str


ChatEvent = (
    Chunk
    | Thought
    | Call
    | Observation
    | Done
    | Stopped
    | Failed
    | ModeChanged
    | QuestionPending
    | ApprovalPending
    | Noted
)

_ENCODER: Final = msgspec.json.Encoder()


def server_sent(event: ChatEvent, number: int) -> bytes:
    """The event as a server-sent event: its type as the event's name, its fields as one line of JSON.

    Args:
        event: The event.
        number: Its place in the stream, from 1: a reader that lost its connection asks for what came after it.

    Source: the WHATWG HTML standard, section 9.2, server-sent events.
    """
    try:
        data = _ENCODER.encode(event)
    except UnicodeEncodeError:  # half a surrogate pair, which no UTF-8 text may hold
        data = _ENCODER.encode(_mended(msgspec.to_builtins(event)))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, str(event.__struct_config__.tag).encode(), data)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_mended(name): _mended(each) for name, each in value.items()}
    return [_mended(each) for each in value] if isinstance(value, list | tuple) else value
