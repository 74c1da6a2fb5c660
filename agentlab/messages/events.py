"""The one event grammar: what every provider's stream becomes.

A run streams, where it has indexes to ask, first of all

    RetrievalStarted+ Retrieved+

and then, for each model call,

    TurnStarted  RequestSent  (Retrying | Notice)*
    (TextDelta | ReasoningDelta | ReasoningBlock | ToolCallDelta | ToolCall | UnknownEvent)*
    TurnFinished  (Judged | ApprovalAsked | ApprovalGiven | ToolStarted | ToolResult)*

and at last one `RunFinished`. `ToolCall` and `ToolResult` are the parts of the same name: the completed part is the
event. Deltas are for showing; `TurnFinished.message` is the truth they add up to.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from agentlab.messages.cache_diagnosis import CacheDiagnosis
from agentlab.messages.message import AssistantMessage
from agentlab.messages.parts import Reasoning, ToolCall, ToolResult
from agentlab.messages.usage import FinishReason, Usage
from agentlab.short_repr import ShortRepr

__all__ = [
    "ApprovalAsked",
    "ApprovalGiven",
    "Event",
    "Judged",
    "JudgedBy",
    "ModelEvent",
    "Notice",
    "NoticeKind",
    "ReasoningBlock",
    "ReasoningDelta",
    "RequestSent",
    "RetrievalKind",
    "RetrievalStarted",
    "Retrieved",
    "RetrievedHit",
    "Retrying",
    "RunFinished",
    "StopReason",
    "TextDelta",
    "Timing",
    "ToolCallDelta",
    "ToolStarted",
    "TurnFinished",
    "TurnStarted",
    "UnknownEvent",
    "Verdict",
    "events_from_json",
    "events_to_json",
]


class TextDelta(ShortRepr, Struct, frozen=True, tag="text_delta", tag_field="type", gc=False):
    """More of the visible answer; `index` is the place of the text part in its message."""

    text: str
    index: int = 0


class ReasoningDelta(ShortRepr, Struct, frozen=True, tag="reasoning_delta", tag_field="type", gc=False):
    """More of the readable reasoning; `index` is the place of the block in its message."""

    text: str
    index: int = 0


class ReasoningBlock(ShortRepr, Struct, frozen=True, tag="reasoning_block", tag_field="type"):
    """A reasoning block is complete; it replaces the deltas with the same `index`."""

    reasoning: Reasoning
    index: int = 0


class ToolCallDelta(ShortRepr, Struct, frozen=True, tag="tool_call_delta", tag_field="type", gc=False):
    """More of a tool call being written.

    Attributes:
        id: `ToolCall.id` the finished call will have.
        name: The tool's name, as far as it is known.
        arguments: The next piece of the arguments' JSON text.
        index: The place of the call in its message.
    """

    id: str
    name: str
    arguments: str
    index: int = 0


class UnknownEvent(ShortRepr, Struct, frozen=True, tag="unknown", tag_field="type"):
    """Something the provider sent that this version does not know; passed through untouched."""

    kind: str
    payload: Any = None


RetrievalKind = Literal["documents", "tools"]


class RetrievalStarted(ShortRepr, Struct, frozen=True, tag="retrieval_started", tag_field="type"):
    """An index is asked for the prompt, before the first model call of a run.

    Attributes:
        place: Which of the run's searches it is, from 0.
        kind: What it is asked for.
        index: Its name.
        query: What it is asked.
    """

    place: int
    kind: RetrievalKind
    index: str
    query: str


class RetrievedHit(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """Something an index found.

    Attributes:
        id: Its id: of a tool, the tool's name.
        score: How well it fits, as the index says; None where that is no number.
        size: Its length in characters, as the model is shown it.
        preview: Its beginning, on one line.
        used: Whether it goes into the request; else it is there already, or its tool has no implementation.
    """

    id: str
    score: float | None = None
    size: int = 0
    preview: str = ""
    used: bool = True


class Retrieved(ShortRepr, Struct, frozen=True, tag="retrieved", tag_field="type"):
    """What an index found for the prompt.

    Attributes:
        place: As in `RetrievalStarted`.
        kind: Likewise.
        index: Likewise.
        query: Likewise.
        hits: What was found, the best first.
        duration_s: How long the index took, in seconds.
    """

    place: int
    kind: RetrievalKind
    index: str
    query: str
    hits: tuple[RetrievedHit, ...] = ()
    duration_s: float = 0.0


class TurnStarted(ShortRepr, Struct, frozen=True, tag="turn_started", tag_field="type"):
    """A model call begins; `turn` counts from 1."""

    turn: int
    model: str


class RequestSent(ShortRepr, Struct, frozen=True, tag="request_sent", tag_field="type"):
    """A request as it left: the exact body, which is what a provider's cache sees.

    Attributes:
        wire: The wire format.
        url: Where it went, without query.
        body: The body, byte for byte (UTF-8 JSON).
        attempt: 1 for the first try.
        model: `"vendor:model"` of who was asked, where that is not the model of `TurnStarted`: one that was fallen back
            on. Empty else.
    """

    wire: str
    url: str
    body: str
    attempt: int = 1
    model: str = ""


class Retrying(ShortRepr, Struct, frozen=True, tag="retrying", tag_field="type"):
    """A request failed before its first event and is sent again after `delay_s` seconds.

    Attributes:
        attempt: Which attempt failed, from 1.
        delay_s: Seconds until the next.
        reason: What happened, in words.
        status: HTTP status; None where no response came.
        code: The provider's error code, or the kind of failure where no response came; as in `ModelError`.
        retry_after: Seconds the provider asked to wait; None where it did not say.
    """

    attempt: int
    delay_s: float
    reason: str
    status: int | None = None
    code: str | None = None
    retry_after: float | None = None


NoticeKind = Literal["tools_dropped", "prefix_moved", "truncated", "warning", "fallback", "memory"]


class Notice(ShortRepr, Struct, frozen=True, tag="notice", tag_field="type"):
    """Something the reader should know that is not part of the conversation."""

    kind: NoticeKind
    text: str


class Timing(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """When things happened in one model call, in seconds.

    Attributes:
        started_at: Unix time at which the call began.
        duration_s: From the first attempt to the end of the answer.
        time_to_first_event_s: To the first event of any kind; None if none came.
        time_to_first_token_s: To the first text, reasoning or tool-call delta; None if none came.
        waited_s: Of the duration, the time spent waiting between retries.
    """

    started_at: float = 0.0
    duration_s: float = 0.0
    time_to_first_event_s: float | None = None
    time_to_first_token_s: float | None = None
    waited_s: float = 0.0


class TurnFinished(ShortRepr, Struct, frozen=True, tag="turn_finished", tag_field="type", omit_defaults=True):
    """A model call is complete: its terminal event was seen.

    Attributes:
        message: The whole assistant message.
        usage: Tokens of this call.
        finish_reason: Why it ended, normalised; None where the provider did not say.
        raw_finish_reason: The provider's word for it.
        turn: Which model call of the run, from 1.
        response_id: The provider's id of the response; never replayed.
        request_id: The provider's request id from the headers.
        timing: When things happened.
        retries: Requests that failed before this one.
        cost_usd: Price of the call, derived from usage; None where the price is unknown.
        cache_diagnosis: The provider's own word on what its cache could not read; None where it gave none, or, at
            Anthropic, found no change.
        model: `"vendor:model"` of who answered, where that is not the model of `TurnStarted`; empty else.
        place: The host that answered, where the model of `TurnStarted` is asked in several places and another than the
            first did; empty else.
    """

    message: AssistantMessage
    usage: Usage
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    turn: int = 1
    response_id: str | None = None
    request_id: str | None = None
    timing: Timing = Timing()
    retries: int = 0
    cost_usd: float | None = None
    cache_diagnosis: CacheDiagnosis | None = None
    model: str = ""
    place: str = ""


class ToolStarted(ShortRepr, Struct, frozen=True, tag="tool_started", tag_field="type"):
    """A tool begins to run on a call."""

    call_id: str
    name: str


class ApprovalAsked(ShortRepr, Struct, frozen=True, tag="approval_asked", tag_field="type"):
    """A tool wants a person's consent before it runs on a call.

    Attributes:
        call_id: Id of the call.
        name: The tool's name.
        reason: Why it asks; empty where it does not say.
    """

    call_id: str
    name: str
    reason: str = ""


class ApprovalGiven(ShortRepr, Struct, frozen=True, tag="approval_given", tag_field="type"):
    """A person has decided on a call.

    Attributes:
        call_id: Id of the call.
        approved: Whether the tool may run.
        note: What the model is told of a refusal.
    """

    call_id: str
    approved: bool
    note: str = ""


Verdict = Literal["allow", "ask", "deny"]
JudgedBy = Literal["rule", "taint", "tool", "default", "user", "approver"]


class Judged(ShortRepr, Struct, frozen=True, tag="judged", tag_field="type", omit_defaults=True):
    """What an approval policy says of a call, or what was answered to its question; a plain allow by default is not told.

    A call that is asked about has two: `ask`, and the answer.

    Attributes:
        call_id: Id of the call.
        name: The tool's name.
        verdict: `allow`, `ask` or `deny`.
        by: What decided: a `rule` of the policy, the `taint` of the run, the `tool` itself, the policy's `default`; or who
            answered: the `user` or the agent's `approver`.
        reason: Why, in words; after a question, the note of who answered.
        within: Id of the call of this run inside which a run of another agent made the call; empty for the run's own.
    """

    call_id: str
    name: str
    verdict: Verdict
    by: JudgedBy = "default"
    reason: str = ""
    within: str = ""


StopReason = Literal["done", "stopped", "max_turns", "cancelled", "error"]


class RunFinished(ShortRepr, Struct, frozen=True, tag="run_finished", tag_field="type", omit_defaults=True):
    """The run is over.

    Attributes:
        text: The final answer; partial where the run did not end by itself.
        usage: Sum over all model calls.
        stop_reason: How it ended.
        detail: Why, in words, where it did not end by itself.
    """

    text: str
    usage: Usage
    stop_reason: StopReason = "done"
    detail: str | None = None


ModelEvent = TextDelta | ReasoningDelta | ReasoningBlock | ToolCallDelta | ToolCall | UnknownEvent
Event = (
    ModelEvent
    | RetrievalStarted
    | Retrieved
    | TurnStarted
    | RequestSent
    | Retrying
    | Notice
    | TurnFinished
    | Judged
    | ApprovalAsked
    | ApprovalGiven
    | ToolStarted
    | ToolResult
    | RunFinished
)

_DECODER = msgspec.json.Decoder(list[Event])


def events_to_json(events: list[Event]) -> str:
    """Serialise events without loss."""
    return msgspec.json.encode(events).decode()


def events_from_json(text: str | bytes) -> list[Event]:
    """Read events back."""
    return _DECODER.decode(text)
