"""A run as a state machine without I/O: it decides, drivers do.

    step = run.next_step()
    CallModel  -> call the model, answer with `model_turn(...)`
    CallTools  -> run the tools, answer with `tool_results(...)`
    Done       -> finished

`next_step` changes nothing, so a run may be written to JSON between any two calls, read back in another process and go
on. Blocking, streaming and notebook runs are drivers over it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct, field, structs

from agentlab.agent.approving.taint import named, taints_of
from agentlab.agent.facts import Facts
from agentlab.agent.known_histories import KnownHistories
from agentlab.agent.records import Decision, TurnRecord, record_of
from agentlab.agent.steps import CallModel, CallTools, Done, Step
from agentlab.errors import AnswerTruncated, ContentFiltered, MaxTurnsReached, RunError, RunProtocolViolation
from agentlab.messages import (
    AssistantMessage,
    FinishReason,
    Judged,
    Message,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    Usage,
    UserMessage,
    repair,
)
from agentlab.rich_display import html_of

__all__ = ["CallModel", "CallTools", "Done", "Run", "Step"]


Status = Literal["ready", "calling_tools", "done", "failed"]


class Run(Struct, kw_only=True):
    """One prompt being answered.

    Make it with `Run.start`. The attributes are for reading; the methods keep them consistent.

    Attributes:
        id: Unique name of the run.
        history: Messages before the run.
        messages: Messages of the run: the prompt, and all that followed.
        max_turns: Exact number of model calls allowed, retries of a turn included.
        output_tool: Name of the tool whose arguments are the structured answer, or None.
        status: Where the run stands.
        stop_reason: How it ended; None while it goes on.
        detail: Why, in words.
        turns_made: Model calls answered so far.
        records: One entry a model call.
        results: Results of the current tool calls, as far as they are there.
        facts: What is told beside the prompt; settled before the first model call.
        decisions: Id of a tool call to the decision whether it may run; of the turn under way.
        judged: What approval policies and those they asked said of its calls, of all turns; see `Judged`.
        tainted: What brought in words that anybody may have written, by name; empty where nothing did.
    """

    id: str
    history: list[Message]
    messages: list[Message]
    max_turns: int
    output_tool: str | None = None
    status: Status = "ready"
    stop_reason: StopReason | None = None
    detail: str | None = None
    turns_made: int = 0
    records: list[TurnRecord] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    facts: Facts | None = None
    decisions: dict[str, Decision] = field(default_factory=dict)
    judged: list[Judged] = field(default_factory=list)
    tainted: list[str] = field(default_factory=list)
    output: str | None = None
    failure: Literal["truncated", "filtered", "max_turns", "other"] | None = None

    @classmethod
    def start(
        cls,
        prompt: UserMessage,
        *,
        history: Iterable[Message] = (),
        max_turns: int,
        output_tool: str | None = None,
        run_id: str | None = None,
        tainted: str | Iterable[str] = (),
        known: KnownHistories | None = None,
    ) -> Run:
        """Begin a run.

        Args:
            prompt: What the user says now.
            history: What was said before; unanswered tool calls in it are answered as interrupted.
            max_turns: Exact number of model calls allowed.
            output_tool: Name of the tool whose arguments are the structured answer.
            run_id: Name of the run; a random one where None.
            tainted: What of the prompt or the history anybody may have written (an attachment, a mail), by name. Results in
                the history that say themselves that they are untrusted, and documents found for its prompts, taint anyway.
            known: What is known of earlier histories; it learns this one.

        Raises:
            InvalidHistory: History and prompt together cannot be sent.
        """
        known = known or KnownHistories()
        earlier = known.mended(history, prompt)
        return cls(
            id=run_id or secrets.token_hex(8),
            history=earlier,
            messages=[prompt],
            max_turns=max_turns,
            output_tool=output_tool,
            tainted=named([tainted] if isinstance(tainted, str) else tainted, known.taints(earlier)),
        )

    # ------------------------------------------------------------- reading

    def __repr__(self) -> str:
        how = f", stop_reason={self.stop_reason!r}" if self.stop_reason else ""
        said = f"messages={len(self.messages)}, turns={self.turns_made}/{self.max_turns}"
        return f"Run({self.status!r}, {said}{how})"

    def _repr_html_(self) -> str:
        return html_of(self)

    @property
    def all_messages(self) -> tuple[Message, ...]:
        """History and run together: what the next prompt would be sent with."""
        return (*self.history, *self.messages)

    @property
    def text(self) -> str:
        """The answer; partial where the run did not end by itself."""
        if self.output is not None:
            return self.output
        last = next((m for m in reversed(self.messages) if isinstance(m, AssistantMessage)), None)
        return last.text if last and (self.status == "failed" or not last.tool_calls) else ""

    @property
    def usage(self) -> Usage:
        """Tokens of all model calls together."""
        return sum((record.usage for record in self.records), Usage())

    @property
    def cost_usd(self) -> float | None:
        """Price of all model calls; None where one of them has no known price."""
        costs = [record.cost_usd for record in self.records]
        return sum(cost for cost in costs if cost is not None) if costs and None not in costs else None

    @property
    def pending_calls(self) -> tuple[ToolCall, ...]:
        """Tool calls that have no result yet."""
        if self.status != "calling_tools":
            return ()
        answered = {result.call_id for result in self.results}
        return tuple(call for call in self._last_turn().tool_calls if call.id not in answered)

    def output_call(self, message: AssistantMessage) -> ToolCall | None:
        """The call in a turn whose arguments are the answer, the first of several; None where there is none."""
        if self.output_tool is None:
            return None
        return next((call for call in message.tool_calls if call.name == self.output_tool), None)

    def next_step(self) -> Step:
        """What is to be done now. Changes nothing; ask as often as you like.

        Raises:
            RunError: The run has failed; the error carries the history.
        """
        if self.status == "done":
            return Done(self.text)
        if self.status == "failed":
            raise self.error()
        if self.status == "calling_tools":
            return CallTools(self.pending_calls, truncated=self.records[-1].finish_reason == "length")
        if self.turns_made >= self.max_turns:
            raise self.error()
        return CallModel(self.turns_made + 1, self.all_messages)

    def error(self) -> RunError | ContentFiltered:
        """The error a failed run, or one out of budget, stands for."""
        history = self.all_messages
        if self.failure == "truncated":
            return AnswerTruncated(
                "the answer was cut off before it began; raise `max_tokens`", history=history
            )
        if self.failure == "filtered":
            error = ContentFiltered("the provider filtered the answer")
            error.history = history
            return error
        if self.status == "ready" or self.failure == "max_turns":
            calls = "model call" if self.max_turns == 1 else "model calls"
            return MaxTurnsReached(
                f"the run made its {self.max_turns} {calls} and is not finished; raise `max_turns`, or continue from "
                "`error.history`",
                max_turns=self.max_turns,
                history=history,
            )
        return RunError(self.detail or "the run failed", history=history)

    # ----------------------------------------------------------- answering

    def model_turn(self, turn: TurnFinished, *, model: str = "") -> None:
        """Take the model's turn.

        Args:
            turn: The complete turn. A truncated stream is not one: see `end`.
            model: Name of the model that was called.

        Raises:
            RunProtocolViolation: No model call was due.
        """
        self._require("ready", "a model turn")
        self.turns_made += 1
        message = turn.message
        self.records.append(record_of(turn, self.turns_made, model))
        call = self.output_call(message)
        if call is not None:
            self._finish_with_output(message, call)
        elif message.tool_calls:
            self.messages.append(message)
            self.results = []
            self.decisions = {}
            self.status = "calling_tools"
        else:
            self._finish_with_text(message, turn.finish_reason)

    def tool_results(self, results: Sequence[ToolResult]) -> None:
        """Take results of pending calls, in any order, all at once or a few at a time.

        When the last one is there, they become one user message, in the order of the calls.

        Raises:
            RunProtocolViolation: No calls are pending, or a result answers none of them; nothing was taken then.
        """
        self._require("calling_tools", "tool results")
        open_ids = [call.id for call in self.pending_calls]
        for result in results:
            if result.call_id not in open_ids:
                raise RunProtocolViolation(
                    f"the result of `{result.name}` answers the call {result.call_id!r}, which is not pending",
                    history=self.all_messages,
                )
            open_ids.remove(result.call_id)
        if not results:
            raise RunProtocolViolation("no results were given", history=self.all_messages)
        seen = taints_of([UserMessage(tuple(results))])
        self.taint(*(name for name in seen if not any(name in known for known in self.tainted)))
        self.results += [
            result if result.content else structs.replace(result, content=(Text(""),)) for result in results
        ]
        if not open_ids:
            by_id = {result.call_id: result for result in self.results}
            self.messages.append(UserMessage(tuple(by_id[call.id] for call in self._last_turn().tool_calls)))
            self.results = []
            self.status = "ready"

    def taint(self, *sources: str) -> None:
        """Note that the run has seen words that anybody may have written; there is no way back.

        Args:
            sources: What brought them in, by name.
        """
        self.tainted = named(self.tainted, sources)

    def decide(self, call_id: str, *, approved: bool, note: str = "") -> None:
        """Decide whether a pending call of a tool that asks may run; `Agent.resume` goes on from there.

        Args:
            call_id: Id of the call.
            approved: Whether it may.
            note: What the model is told of a refusal.

        Raises:
            RunProtocolViolation: The call is not pending.
        """
        if all(call.id != call_id for call in self.pending_calls):
            raise RunProtocolViolation(f"the call {call_id!r} is not pending", history=self.all_messages)
        self.decisions[call_id] = Decision(approved, note)

    def repair_call(self, call_id: str, name: str) -> ToolCall:
        """Give a pending call another tool's name, in the history too, and return it.

        Raises:
            RunProtocolViolation: The call is not pending.
        """
        call = next((pending for pending in self.pending_calls if pending.id == call_id), None)
        if call is None:
            raise RunProtocolViolation(f"the call {call_id!r} is not pending", history=self.all_messages)
        renamed = structs.replace(call, name=name)
        turn = self._last_turn()
        self.messages[-1] = structs.replace(
            turn, content=tuple(renamed if part is call else part for part in turn.content)
        )
        return renamed

    def discard_turn(self, turn: TurnFinished, *, model: str = "") -> None:
        """Count a turn but keep nothing of it: the same request will be made again."""
        self._require("ready", "a model turn")
        self.turns_made += 1
        self.records.append(record_of(turn, self.turns_made, model))

    def correct(self, feedback: str) -> None:
        """Reopen a finished run with a word to the model about its answer.

        Raises:
            RunProtocolViolation: The run is not finished.
        """
        self._require("done", "a correction")
        self.output = None
        self.stop_reason = None
        self.messages.append(UserMessage.of(feedback))
        self.status = "ready"

    def end(
        self, reason: StopReason, detail: str | None = None, *, partial: AssistantMessage | None = None
    ) -> None:
        """End a run from outside: cancelled, stopped, out of turns or broken. The history stays valid.

        Args:
            reason: How it ended.
            detail: Why, in words.
            partial: What of the current turn had arrived; kept, marked as interrupted.
        """
        if self.status in {"done", "failed"}:
            return
        if partial is not None and not partial.is_empty:
            self.messages.append(structs.replace(partial, interrupted=True))
        if self.results:
            self.messages.append(UserMessage(tuple(self.results)))
            self.results = []
        self.messages = repair(self.messages)
        self.status = "failed"
        self.failure = "max_turns" if reason == "max_turns" else "other"
        self.stop_reason = reason
        self.detail = detail

    # --------------------------------------------------------- persistence

    def to_json(self) -> str:
        """The whole state as JSON. Contains the conversation."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Run:
        """Read a run back, in this process or another.

        Raises:
            msgspec.ValidationError: The text is no run; the message names the path.
        """
        return msgspec.json.decode(text, type=cls)

    # ------------------------------------------------------------ internal

    def _require(self, status: Status, what: str) -> None:
        if self.status != status:
            raise RunProtocolViolation(
                f"the run is {self.status}; it takes no {what} now", history=self.all_messages
            )

    def _last_turn(self) -> AssistantMessage:
        last = self.messages[-1]
        assert isinstance(last, AssistantMessage)
        return last

    def _finish_with_text(self, message: AssistantMessage, finish_reason: FinishReason | None) -> None:
        if not message.is_empty:
            self.messages.append(message)
        if not message.text and finish_reason in {"length", "content_filter"}:
            self.status = "failed"
            self.failure = "truncated" if finish_reason == "length" else "filtered"
            self.stop_reason = "error"
            self.detail = str(self.error())
            return
        self.status = "done"
        self.stop_reason = "done"

    def _finish_with_output(self, message: AssistantMessage, call: ToolCall) -> None:
        """The output tool's arguments are the answer; it is kept as text, so that no call stays unanswered."""
        kept: list[Any] = [part for part in message.content if not isinstance(part, ToolCall)]
        self.output = call.arguments_json or "{}"
        self.messages.append(structs.replace(message, content=(*kept, Text(self.output))))
        self.status = "done"
        self.stop_reason = "done"
