"""Where the time of a run went: its events as spans.

The spans of one model call follow each other without a gap, from `TurnStarted` to `TurnFinished`; those of tools and
approvals may overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, get_args

from msgspec import Struct, structs

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    Judged,
    Notice,
    ReasoningDelta,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    Retrying,
    RunFinished,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL_CALL_KINDS", "Span", "SpanKind", "SpanStatus", "spans_frame", "spans_of"]

SpanKind = Literal["retrieval", "queue", "attempt", "retry_wait", "first_token", "stream", "approval", "tool"]
SpanStatus = Literal["ok", "failed", "skipped", "denied", "interrupted", "open"]
MODEL_CALL_KINDS: Final[tuple[SpanKind, ...]] = ("queue", "attempt", "retry_wait", "first_token", "stream")


class Span(Struct, frozen=True):
    """A stretch of a run.

    Attributes:
        turn: The model call it belongs to, from 1; 0 before the first.
        kind: `retrieval`: an index is asked. `queue`: a call waits until it is sent. `attempt`: a request that failed. `retry_wait`: the pause after it.
            `first_token`: from the request to the first token. `stream`: from there to the end of the answer. `approval`:
            a person is asked. `tool`: a tool runs.
        name: The model, the tool, or the index.
        start_s: Seconds since the run began.
        end_s: Likewise; never before `start_s`.
        status: How it ended; `open` where the trace ends before it did.
        detail: What failed, what was decided, how much came or was found, or what the tool was called with.
        call_id: The tool call it belongs to; empty for the model's own spans.
        run_id: The run it belongs to; empty where only events were read.
        agent: The agent of that run.
        depth: How many runs that one is inside of; 0 for the run looked at.
        inside: The tool call that run belongs to, in the run around it; empty where it belongs to none.
    """

    turn: int
    kind: SpanKind
    name: str
    start_s: float
    end_s: float
    status: SpanStatus = "ok"
    detail: str = ""
    call_id: str = ""
    run_id: str = ""
    agent: str = ""
    depth: int = 0
    inside: str = ""

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


def spans_of(events: Iterable[tuple[Event, float]]) -> tuple[Span, ...]:
    """The spans of a run, in the order in which they began.

    Total: any sequence of events has spans, and none reaches out of the run. Nothing after `RunFinished` is read.

    Args:
        events: Each event with its time, in seconds since the run began. A time before the one before it counts as that.
    """
    reader = _Reader()
    for event, at_s in events:
        reader.read(event, at_s)
        if isinstance(event, RunFinished):
            break
    return reader.spans()


def spans_frame(spans: Iterable[Span]) -> pd.DataFrame:
    """One row a span; times are seconds since the run began."""
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    rows = [{**structs.asdict(span), "duration_s": span.duration_s} for span in spans]
    columns = ["turn", "kind", "name", "start_s", "end_s", "duration_s", "status", "detail", "call_id"]
    columns += ["run_id", "agent", "depth"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["kind"] = pd.Categorical(frame["kind"], categories=list(get_args(SpanKind)))
    times = ["start_s", "end_s", "duration_s"]
    return frame.astype({"turn": "int64", "depth": "int64", **dict.fromkeys(times, "float64")})


class _Open:
    """A span that has begun; `place` is when, among all."""

    def __init__(self, place: int, span: Span) -> None:
        self.place = place
        self.span = span


class _Reader:
    """Reads events in order. `phase` is the open span of the model call: one follows the other."""

    def __init__(self) -> None:
        self._now = 0.0
        self._turn = 0
        self._model = ""
        self._begun = 0
        self._found: list[tuple[int, Span]] = []
        self._phase: _Open | None = None
        self._tools: dict[str, _Open] = {}
        self._approvals: dict[str, _Open] = {}
        self._searches: dict[int, _Open] = {}
        self._arguments: dict[str, str] = {}

    def read(self, event: Event, at_s: float) -> None:
        """Take one more event."""
        self._now = max(self._now, at_s)
        match event:
            case TurnStarted():
                self._end_phase("interrupted")
                self._turn, self._model = event.turn, event.model
                self._begin_phase("queue")
            case RetrievalStarted() | Retrieved():
                self._read_search(event)
            case RequestSent() | Retrying() | Notice():
                self._read_attempt(event)
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                self._first_token()
            case ToolCall():
                self._arguments[event.id] = event.arguments_json
                self._first_token()
            case TurnFinished():
                self._answered(event)
            case ApprovalAsked() | ApprovalGiven() | ToolStarted() | ToolResult():
                self._read_tool(event)
            case Judged(verdict="deny", by="rule" | "taint" | "default", within=""):
                refused = self._begin("approval", event.name, event.reason, event.call_id)
                self._end(refused, "denied")
            case RunFinished():
                self._end_all("failed" if event.stop_reason == "error" else "interrupted", event.detail or "")
            case _:
                pass

    def spans(self) -> tuple[Span, ...]:
        """All of them; what is still under way ends with the newest event."""
        self._end_all("open")
        return tuple(span for _, span in sorted(self._found, key=lambda found: found[0]))

    # ------------------------------------------------------ the retrieval

    def _read_search(self, event: RetrievalStarted | Retrieved) -> None:
        """Indexes are asked at the same time, and told of together: each took as long as it says."""
        begun = self._searches.pop(event.place, None)
        if isinstance(event, RetrievalStarted):
            if begun is not None:
                self._end(begun, "interrupted")
            self._searches[event.place] = self._begin("retrieval", event.index)
        elif begun is not None:
            used = sum(hit.used for hit in event.hits)
            said = f"{len(event.hits)} {event.kind} found, {used} used"
            self._end(begun, "ok", said, at_s=begun.span.start_s + event.duration_s)

    # ------------------------------------------------------ the model call

    def _read_attempt(self, event: RequestSent | Retrying | Notice) -> None:
        waits = self._phase is not None and self._phase.span.kind == "first_token"
        match event:
            case RequestSent():
                self._end_phase("failed" if waits else "ok", kind="attempt" if waits else None)
                self._begin_phase("first_token")
            case Retrying():
                status = f" (HTTP {event.status})" if event.status is not None else ""
                failed = f"attempt {event.attempt}: {event.reason}{status}"
                self._end_phase("failed" if waits else "ok", failed, kind="attempt" if waits else None)
                self._begin_phase("retry_wait")
            case Notice(kind="tools_dropped" | "fallback") if waits:
                self._end_phase("failed", event.text, kind="attempt")
                self._begin_phase("queue")
            case _:
                pass

    def _first_token(self) -> None:
        if self._phase is not None and self._phase.span.kind == "stream":
            return
        self._end_phase("ok", kind=self._waited_for())
        self._begin_phase("stream")

    def _answered(self, event: TurnFinished) -> None:
        tokens = event.usage.output_tokens
        said = "" if tokens is None else f"{tokens:,} output tokens"
        self._end_phase("ok", said, kind=self._waited_for())

    def _waited_for(self) -> SpanKind | None:
        """A model of the user's own may not say when it sends: then all the wait was for its answer."""
        return "first_token" if self._phase is not None and self._phase.span.kind == "queue" else None

    def _begin_phase(self, kind: SpanKind) -> None:
        self._phase = self._begin(kind, self._model)

    def _end_phase(self, status: SpanStatus, detail: str = "", *, kind: SpanKind | None = None) -> None:
        """End the open span of the model call; `kind` is what it turned out to be."""
        if self._phase is not None:
            self._end(self._phase, status, detail, kind=kind)
        self._phase = None

    # ----------------------------------------------------------- the tools

    def _read_tool(self, event: ApprovalAsked | ApprovalGiven | ToolStarted | ToolResult) -> None:
        call = event.call_id
        match event:
            case ApprovalAsked():
                self._end_named(self._approvals, call, "interrupted")
                self._approvals[call] = self._begin("approval", event.name, event.reason, call)
            case ApprovalGiven():
                self._end_named(self._approvals, call, "ok" if event.approved else "denied", event.note)
            case ToolStarted():
                self._end_named(self._approvals, call, "ok")
                self._end_named(self._tools, call, "interrupted")
                self._tools[call] = self._begin_tool(event)
            case ToolResult():
                self._end_named(self._approvals, call, "interrupted")
                if call not in self._tools:  # it was not run: skipped, denied or unknown
                    self._tools[call] = self._begin_tool(event)
                self._end_named(self._tools, call, "ok" if event.status == "success" else event.status)

    def _begin_tool(self, event: ToolStarted | ToolResult) -> _Open:
        return self._begin("tool", event.name, self._arguments.get(event.call_id, ""), event.call_id)

    def _end_named(self, spans: dict[str, _Open], call: str, status: SpanStatus, detail: str = "") -> None:
        begun = spans.pop(call, None)
        if begun is not None:
            self._end(begun, status, detail)

    # --------------------------------------------------------- all of them

    def _begin(self, kind: SpanKind, name: str, detail: str = "", call_id: str = "") -> _Open:
        self._begun += 1
        span = Span(self._turn, kind, name, self._now, self._now, detail=detail, call_id=call_id)
        return _Open(self._begun, span)

    def _end(
        self,
        begun: _Open,
        status: SpanStatus,
        detail: str = "",
        *,
        kind: SpanKind | None = None,
        at_s: float | None = None,
    ) -> None:
        """End a span, now or at a moment between its beginning and now."""
        span = begun.span
        end_s = self._now if at_s is None else max(span.start_s, min(self._now, at_s))
        ended = structs.replace(
            span, kind=kind or span.kind, end_s=end_s, status=status, detail=detail or span.detail
        )
        self._found.append((begun.place, ended))

    def _end_all(self, status: SpanStatus, detail: str = "") -> None:
        self._end_phase(status, detail)
        for begun in self._searches.values():
            self._end(begun, status, detail)
        self._searches = {}
        tool_status: SpanStatus = "open" if status == "open" else "interrupted"
        for spans in (self._approvals, self._tools):
            for call in list(spans):
                self._end_named(spans, call, tool_status)
