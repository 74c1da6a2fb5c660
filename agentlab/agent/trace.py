"""The record of a run: every request as sent and every event with its time.

The live view, `explain`, replay and DataFrames all read this one record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import msgspec
from msgspec import Struct, field, structs

from agentlab.agent.asked import RequestChange, changes_of, requests_of
from agentlab.agent.frames import provider_and_model, retrieved_frame
from agentlab.agent.memory.plan import MemoryStep
from agentlab.agent.spans import spans_frame
from agentlab.agent.trace_tree import cost_of, tree_frame, tree_spans, walk
from agentlab.caching import Block, PrefixMatch, shared_prefix, split
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.explain import explain, explain_calls
from agentlab.caching.explaining.explanation import Explanations
from agentlab.caching.replaying.what_if import Change, what_if
from agentlab.errors import UsageError
from agentlab.messages import (
    Event,
    ReasoningDelta,
    Request,
    RequestSent,
    Retrieved,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trace", "TracedEvent", "TracedRequest"]

Kind = TypeVar("Kind")
_TOKENS = (TextDelta, ReasoningDelta, ToolCallDelta, ToolCall)


class TracedEvent(ShortRepr, Struct, frozen=True, gc=False):
    """An event and when it happened.

    Attributes:
        at_s: Seconds since the run began.
        event: What happened.
    """

    at_s: float
    event: Event


class TracedRequest(ShortRepr, Struct, frozen=True):
    """A request of a run, in the order a provider's cache reads it.

    Attributes:
        turn: The model call it belongs to.
        sent: The request, byte for byte.
        blocks: Its blocks in render order, with estimated tokens.
        prefix: How much of the previous request it begins with; None for the first.
    """

    turn: int
    sent: RequestSent
    blocks: tuple[Block, ...]
    prefix: PrefixMatch | None = None


class _Record(Struct):
    """The part of a trace that is written as it is."""

    run_id: str
    agent_name: str = ""
    model: str = ""
    started_at: float = 0.0
    title: str = ""
    events: list[TracedEvent] = field(default_factory=list)
    call_id: str = ""
    began_s: float = 0.0
    memory: MemoryStep | None = None


class _WrittenTrace(_Record):
    """A trace as JSON: its requests as changes."""

    asked: list[RequestChange] = field(default_factory=list)
    children: list[_WrittenTrace] = field(default_factory=list)


class Trace(_Record, dict=True):
    """Everything that happened in a run.

    Attributes:
        run_id: The run.
        agent_name: The agent.
        model: The model it was started with.
        started_at: Unix time of the start.
        title: The prompt, for readers.
        events: All events, in order.
        call_id: Where it ran inside another run: the tool call it belongs to there; empty where it belongs to none.
        began_s: Where it ran inside another run: seconds from the start of that one to its own.
        memory: What its memory planned and did to the history; None where it has none.
        asked: What each model call asked, before any wire format and before its parts were put in order:
            `agentlab.caching.arrange` gives what the wire was handed.
        children: The runs that began inside it, in order: agents its tools asked, summaries it had written.
    """

    asked: list[Request] = field(default_factory=list)
    children: list[Trace] = field(default_factory=list)

    def add(self, event: Event, at_s: float) -> None:
        """Record an event."""
        self.events.append(TracedEvent(at_s, event))

    def of(self, kind: type[Kind]) -> Iterator[Kind]:
        """The events of one type, in order."""
        return (traced.event for traced in self.events if isinstance(traced.event, kind))

    @property
    def requests(self) -> tuple[TracedRequest, ...]:
        """The last attempt of each model call, split into blocks and matched with the call before it.

        Computed when asked for, and each request once: a trace that grew adds only its new ones.
        """
        last: dict[int, RequestSent] = {}
        turn = 0
        for traced in self.events:
            if isinstance(traced.event, TurnStarted):
                turn = traced.event.turn
            elif isinstance(traced.event, RequestSent):
                last[turn] = traced.event
        known: tuple[TracedRequest, ...] = self.__dict__.get("_requests", ())
        same = takewhile(lambda pair: pair[0].sent is pair[1], zip(known, last.values(), strict=False))
        found = [request for request, _ in same]
        for number, sent in islice(last.items(), len(found), None):
            blocks = blocks_of(sent)
            prefix = shared_prefix(found[-1].blocks, blocks) if found else None
            found.append(TracedRequest(number, sent, blocks, prefix))
        self.__dict__["_requests"] = tuple(found)
        return tuple(found)

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """The model calls as the tools of `agentlab.caching` take them; the last attempt of each.

        A call is sent after the first token of the one before it, also where a coarse clock gives both one moment.
        """
        found: list[RecordedCall] = []
        asked = iter(self.asked)
        name, request, pending = "", None, False
        at = sent_s = 0.0
        answer_began = -math.inf
        waited_s: float | None = None
        for traced in self.events:
            event = traced.event
            if isinstance(event, TurnStarted):
                name, request, pending = event.model, next(asked, None), False
            elif isinstance(event, RequestSent):
                at = max(self.started_at + traced.at_s, math.nextafter(answer_began, math.inf))
                call = recorded(event, event.model or name, at=at, request=request)
                found[len(found) - pending :] = [call]
                sent_s, waited_s, pending = traced.at_s, None, True
            elif waited_s is None and isinstance(event, _TOKENS):
                waited_s = max(0.0, traced.at_s - sent_s)
            elif isinstance(event, TurnFinished) and pending:
                # The model's own timing begins before the request was encoded, and with the first attempt.
                ttft_s = event.timing.time_to_first_token_s if waited_s is None else waited_s
                answer_began = at + (ttft_s or 0.0)
                found[-1] = structs.replace(
                    found[-1],
                    usage=event.usage,
                    output_tokens=event.usage.output_tokens,
                    ttft_s=ttft_s,
                    cache_diagnosis=event.cache_diagnosis,
                )
        return tuple(found)

    def explain(self, turn: int | None = None) -> Explanations:
        """Why requests of the run could not read the cache that the request before each of them left.

        Args:
            turn: Only the request of this turn, counted from 1; all where None.

        Returns:
            One explanation for each request whose prefix moved; none where all only appended.

        Raises:
            UsageError: The run has no such turn.
        """
        calls = self.calls
        if turn is not None and not 1 <= turn <= len(calls):
            raise UsageError(f"the run has {len(calls)} model calls, and no turn {turn}")
        wanted = calls if turn is None else calls[max(0, turn - 2) : turn]
        first = 1 if turn is None else max(1, turn - 1)
        return Explanations(
            structs.replace(each, turn=first + (each.turn or 1) - 1) for each in explain_calls(wanted)
        )

    def what_if(self, **change: Unpack[Change]) -> pd.DataFrame:
        """What the run would have cost under another ordering, provider or cache setting; see `caching.what_if`."""
        return what_if(self, **change)

    @property
    def turns(self) -> tuple[TurnFinished, ...]:
        """The completed model calls."""
        return tuple(self.of(TurnFinished))

    @property
    def usage(self) -> Usage:
        """Tokens of its own model calls together."""
        return sum((turn.usage for turn in self.turns), Usage())

    @property
    def cost_usd(self) -> float | None:
        """Price of its own model calls; None where one of them has no known price."""
        return cost_of([self])

    @property
    def total_usage(self) -> Usage:
        """Tokens of its own model calls, and of those of all runs inside it."""
        return sum((trace.usage for _, trace in walk(self)), Usage())

    @property
    def total_cost_usd(self) -> float | None:
        """Price of its own model calls and of those of all runs inside it; None where one has no known price."""
        return cost_of(trace for _, trace in walk(self))

    @property
    def tree(self) -> pd.DataFrame:
        """One row a run, this one first and each above those inside it; see `agentlab.agent.trace_tree`."""
        return tree_frame(self)

    @property
    def retrieved(self) -> pd.DataFrame:
        """One row a document or tool that an index found for the prompt: what, where, its score, whether it was used."""
        return retrieved_frame(self.of(Retrieved))

    @property
    def tool_calls(self) -> pd.DataFrame:
        """One row a tool call: turn, tool, arguments, result, status, seconds."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        rows: dict[str, dict[str, object]] = {}
        turn = 0
        for traced in self.events:
            event = traced.event
            if isinstance(event, TurnStarted):
                turn = event.turn
            elif isinstance(event, ToolCall):
                rows[event.id] = {"turn": turn, "tool": event.name, "arguments": event.arguments_json}
            elif isinstance(event, ToolStarted) and event.call_id in rows:
                rows[event.call_id]["started_s"] = traced.at_s
            elif isinstance(event, ToolResult) and event.call_id in rows:
                row = rows[event.call_id]
                row |= {"result": event.text, "status": event.status}
                started = row.get("started_s")
                row["duration_s"] = traced.at_s - started if isinstance(started, float) else None
        columns = ["turn", "tool", "arguments", "result", "status", "started_s", "duration_s"]
        return pd.DataFrame(list(rows.values()), columns=columns)

    @property
    def blocks(self) -> pd.DataFrame:
        """One row a block of a request: turn, position, kind, label, tokens, and whether the prefix still held there."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        rows = [
            {
                "turn": request.turn,
                "position": position,
                "kind": block.kind,
                "label": block.label,
                "tokens": block.tokens,
                "in_shared_prefix": request.prefix is not None and position < request.prefix.blocks,
            }
            for request in self.requests
            for position, block in enumerate(request.blocks)
        ]
        return pd.DataFrame(rows, columns=["turn", "position", "kind", "label", "tokens", "in_shared_prefix"])

    @property
    def spans(self) -> pd.DataFrame:
        """One row a stretch of time, in the order in which they began: waits, attempts, first token, stream, approvals, tools.

        Those of runs inside it are among them, on its clock. Columns: turn, kind, name, start_s, end_s, duration_s, status,
        detail, call_id, run_id, agent, depth; see `agentlab.agent.spans.Span`.
        """
        return spans_frame(tree_spans(self))

    def to_json(self) -> str:
        """The whole trace as JSON. Contains the conversation."""
        return msgspec.json.encode(_written(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Trace:
        """Read a trace back.

        Raises:
            msgspec.ValidationError: The text is no trace; the message names the path.
        """
        return _read(msgspec.json.decode(text, type=_WrittenTrace))

    def __repr__(self) -> str:
        title = self.title if len(self.title) <= 60 else f"{self.title[:59]}…"
        return f"Trace({title!r}, model={self.model!r}, turns={len(self.turns)}, events={len(self.events)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython's
        """The run's timeline and the tokens of its turns."""
        from agentlab.agent.live import trace_mimebundle  # noqa: PLC0415 - loads the notebook's packages

        return trace_mimebundle(self)


def _written(trace: Trace) -> _WrittenTrace:
    children = [_written(child) for child in trace.children]
    return _WrittenTrace(**{**structs.asdict(trace), "asked": changes_of(trace.asked), "children": children})


def _read(written: _WrittenTrace) -> Trace:
    children = [_read(child) for child in written.children]
    return Trace(**{**structs.asdict(written), "asked": requests_of(written.asked), "children": children})


def blocks_of(sent: RequestSent) -> tuple[Block, ...]:
    """The blocks of a request; none where its wire is one this version cannot read (a model of the user's own)."""
    try:
        return split(sent.wire, sent.body)
    except UsageError:
        return ()


def recorded(
    sent: RequestSent, model: str, *, at: float = 0.0, request: Request | None = None
) -> RecordedCall:
    """A request as it was sent, as the tools of `agentlab.caching` take it; `model` is `"vendor:model"`."""
    vendor, name = provider_and_model(model)
    return RecordedCall(sent.wire, sent.body, vendor, name, at=at, request=request)


def prefix_notice(previous: RecordedCall, current: RecordedCall) -> str | None:
    """A line about a request that no longer begins with the one before it; None where it does.

    The tokens are those that `Trace.explain` gives afterwards. Without dollars: the run is waiting, and the prices of
    the request are not known before its length is.
    """
    try:
        found = explain(previous, current, priced=False)
    except UsageError:  # a wire this version cannot read
        return None
    return found.line if found is not None else None
