"""What of a run is kept, and when: pure, so that every order of events can be tried without a model or a disk.

The order is what makes a crash harmless. The prompt is kept before the request, a whole turn before its tools run, a result
before the model sees it; so what is in the log is always the beginning of what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec import structs

from agentlab.agent import Run
from agentlab.chat.summarising import LONGEST_OBSERVATION, observed
from agentlab.chat.translation import reasoning_id
from agentlab.errors import ApprovalNeeded
from agentlab.messages import (
    ApprovalAsked,
    AssistantMessage,
    Event,
    Judged,
    Notice,
    Reasoning,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from agentlab.sessions import (
    AssistantSaid,
    Decided,
    DecisionAsked,
    Entry,
    Noticed,
    RunEnded,
    ToolAnswered,
    UserSaid,
)
from agentlab.sessions.entries import digest_of
from agentlab.tools.workspace.summaries import summary_of_arguments

__all__ = ["Kept", "Recorder"]


@dataclass(frozen=True)
class Kept:
    """What is to be kept, in one transaction.

    Attributes:
        entries: In order.
        texts: Digest to a whole text that an entry names.
    """

    entries: tuple[Entry, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.entries)


class Recorder:
    """Makes a run's entries. Each thing is made once, whichever event tells of it first.

    Args:
        run: The run; read, never changed.
        text: The prompt as the user typed it.
        question_id: The question that the prompt answers.
        kept_prompt: The prompt as it stays in the history; as the run has it where None.
        whole: Call id to the whole text of a result that was shortened.
        noticed: Kind and text of the notices that the log has: what is told with every call is kept once.
        is_resumed: Whether the log has the run so far.
    """

    def __init__(
        self,
        run: Run,
        *,
        text: str = "",
        question_id: str | None = None,
        kept_prompt: UserMessage | None = None,
        whole: Mapping[str, str] | None = None,
        noticed: Iterable[tuple[str, str]] = (),
        is_resumed: bool = False,
    ) -> None:
        self._run = run
        self._text = text
        self._question_id = question_id
        self._kept_prompt = kept_prompt
        self._whole = whole if whole is not None else {}
        self._has_prompt = is_resumed
        self._turns = run.turns_made if is_resumed else 0
        self._messages = len(run.messages) if is_resumed else 1
        self._answered = {result.call_id for result in run.results}
        self._noticed = set(noticed)
        self._model = ""
        self._asked: set[str] = set()
        self._started: dict[str, float] = {}
        self._calls: dict[str, ToolCall] = {call.id: call for call in run.pending_calls}

    def take(self, event: Event, at_s: float = 0.0) -> Kept:
        """What an event leaves.

        Args:
            event: The event.
            at_s: Seconds after the run began.
        """
        match event:
            case ToolStarted(call_id=call_id):
                self._started[call_id] = at_s
                return Kept()
            case TurnStarted(model=model):
                self._model = model
                return Kept(self._prompt())
            case TurnFinished():
                return Kept((*self._prompt(), self._turn(event)))
            case ToolResult():
                return self._result(event, at_s)
            case ApprovalAsked(call_id=call_id, name=name, reason=reason):
                return Kept(self._question(call_id, name, reason))
            case Judged(call_id=call_id, name=name, verdict="ask", reason=reason):
                return Kept(self._question(call_id, name, reason))
            case Judged():
                return Kept((_decided(event),))
            case Notice(kind=kind, text=text):
                if (kind, text) in self._noticed:
                    return Kept()
                self._noticed.add((kind, text))
                return Kept((Noticed(kind, text),))
        return Kept()

    def finish(self, error: BaseException | None) -> Kept:
        """What is left when the run has ended, or stands still for a decision.

        Args:
            error: What it raised.
        """
        entries: list[Entry] = list(self._prompt())
        if isinstance(error, ApprovalNeeded):
            for call in error.calls:
                entries += self._question(call.id, call.name, "")
            return Kept(tuple(entries))
        texts: dict[str, str] = {}
        for message in self._run.messages[self._messages :]:
            if isinstance(message, AssistantMessage):
                entries.append(self._said(message))
                self._remember(message)
                continue
            for result in message.tool_results if isinstance(message, UserMessage) else ():
                kept = self._result(result)
                entries += kept.entries
                texts |= kept.texts
        reason = self._run.stop_reason or "cancelled"
        detail = (
            f"{type(error).__name__}: {error}"
            if error is not None and reason == "error"
            else self._run.detail
        )
        entries.append(RunEnded(self._run.id, reason, detail or ""))
        return Kept(tuple(entries), texts)

    # ------------------------------------------------------------ internal

    def _prompt(self) -> tuple[Entry, ...]:
        if self._has_prompt:
            return ()
        self._has_prompt = True
        prompt = self._kept_prompt or self._run.messages[0]
        assert isinstance(prompt, UserMessage)
        return (UserSaid(prompt, self._text, self._question_id),)

    def _turn(self, event: TurnFinished) -> AssistantSaid:
        self._turns += 1
        kept = self._run.messages[self._messages :]
        # A turn without content, or one that was discarded, leaves no message and was paid for all the same.
        message = next((each for each in kept if isinstance(each, AssistantMessage)), AssistantMessage())
        self._messages += sum(isinstance(each, AssistantMessage) for each in kept)
        self._remember(message)
        said = self._said(message)
        return structs.replace(
            said,
            model=event.model or self._model,
            usage=event.usage,
            cost_usd=event.cost_usd,
            finish_reason=event.finish_reason,
            timing=event.timing,
            retries=event.retries,
            response_id=event.response_id,
            request_id=event.request_id,
        )

    def _said(self, message: AssistantMessage) -> AssistantSaid:
        thinks = any(isinstance(part, Reasoning) for part in message.content)
        return AssistantSaid(
            message,
            self._model or message.model or "",
            run_id=self._run.id,
            turn=self._turns,
            reasoning_id=reasoning_id(self._run.id, self._turns) if thinks else None,
        )

    def _remember(self, message: AssistantMessage) -> None:
        self._calls = {call.id: call for call in message.tool_calls}
        self._answered = set()

    def _result(self, result: ToolResult, at_s: float | None = None) -> Kept:
        if result.call_id in self._answered:
            return Kept()
        self._answered.add(result.call_id)
        call = self._calls.get(result.call_id)
        whole = self._whole.get(result.call_id)
        texts = {} if whole is None else {digest_of(whole): whole}
        answered = ToolAnswered(
            result,
            summary_of_arguments(call.name, call.arguments_json or "{}", LONGEST_OBSERVATION)
            if call
            else "{}",
            observed(result),
            next(iter(texts), None),
            duration_s=0.0 if at_s is None else max(0.0, at_s - self._started.get(result.call_id, at_s)),
            untrusted=result.untrusted,
            run_id=self._run.id,
        )
        if all(each in self._answered for each in self._calls):
            self._messages = len(self._run.messages)
        return Kept((answered,), texts)

    def _question(self, call_id: str, tool: str, reason: str) -> tuple[Entry, ...]:
        if call_id in self._asked:
            return ()
        self._asked.add(call_id)
        call = self._calls.get(call_id)
        return (DecisionAsked(call_id, tool, call.arguments_json if call else "", reason, self._run.id),)


def _decided(judged: Judged) -> Decided:
    """A verdict as an entry; of a call that a run inside another call made, the reason names that."""
    by: Literal["policy", "user", "approver"] = "policy"
    if judged.by in {"user", "approver"}:
        by = judged.by
    within = f"inside the call {judged.within}: " if judged.within else ""
    note = judged.reason if by != "policy" else ""
    reason = f"{within}{judged.reason}" if by == "policy" else within.removesuffix(": ")
    verdict: Literal["allow", "deny"] = "allow" if judged.verdict == "allow" else "deny"
    return Decided(judged.call_id, judged.name, verdict, by, reason, note)
