"""Where a session stands, read from its log alone: who answers, in which mode, what waits for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from agentlab.chat.events import Mode
from agentlab.sessions import (
    AssistantSaid,
    Attached,
    Decided,
    DecisionAsked,
    Detached,
    ModeChanged,
    ModelChanged,
    Noticed,
    QuestionAsked,
    RunEnded,
    Stored,
    ToolAnswered,
    UserSaid,
)
from agentlab.short_repr import ShortRepr

__all__ = ["ChatState", "PendingDecision", "PendingQuestion", "Unfinished", "state_of"]

RESUMED = "resumed"


class PendingDecision(ShortRepr, Struct, frozen=True):
    """A call that may not run before somebody has decided; fields as in `DecisionAsked`."""

    call_id: str
    tool: str
    arguments_json: str
    reason: str = ""


class PendingQuestion(ShortRepr, Struct, frozen=True):
    """A question that nobody has answered; fields as in `QuestionAsked`."""

    question_id: str
    questions: tuple[dict[str, Any], ...]


class Unfinished(ShortRepr, Struct, frozen=True):
    """An answer that has no end in the log: it waits for a decision, or its process went away.

    Attributes:
        began: Place of its prompt among the branch's entries.
        waiting: The calls that somebody must decide on before it can go on.
        decided: The calls that have been decided on since it stood still, and have not run.
    """

    began: int
    waiting: tuple[PendingDecision, ...] = ()
    decided: tuple[Decided, ...] = ()


class ChatState(ShortRepr, Struct, frozen=True, kw_only=True):
    """What a log says of the moment behind its last entry.

    Attributes:
        mode: The mode.
        model: Who answers; None where it was never changed.
        plan: Path of the approved plan.
        plan_text: What stood in it when it was approved.
        attached: Path to what was attached and how.
        question: The question that waits for an answer.
        unfinished: The last answer, where it has no end.
        tainted_by: What brought in words of others, the first of them; None where nothing has.
    """

    mode: Mode
    model: str | None = None
    plan: str | None = None
    plan_text: str | None = None
    attached: dict[str, Attached] = {}
    question: PendingQuestion | None = None
    unfinished: Unfinished | None = None
    tainted_by: str | None = None

    @property
    def waiting(self) -> tuple[PendingDecision, ...]:
        """The calls that wait for a decision."""
        return self.unfinished.waiting if self.unfinished else ()


def state_of(entries: Sequence[Stored], *, mode: Mode = "build") -> ChatState:
    """Read where a branch stands.

    Args:
        entries: The branch's entries, from the first.
        mode: The mode a session begins in.
    """
    fields: dict[str, Any] = {"mode": mode}
    attached: dict[str, Attached] = {}
    began: int | None = None
    for place, stored in enumerate(entries):
        match stored.entry:
            case UserSaid():
                began = place
                fields["question"] = None
            case RunEnded():
                began = None
            case ModeChanged(mode=new, plan=plan, plan_text=plan_text):
                fields |= {"mode": cast("Mode", new), "plan": plan, "plan_text": plan_text}
            case ModelChanged(model=model):
                fields["model"] = model
            case Attached(path=path) as entry:
                attached.pop(path, None)
                attached[path] = entry
                fields.setdefault("tainted_by", f"the attachment {path}")
            case Detached(path=path):
                attached.pop(path, None)
            case QuestionAsked(question_id=question_id, questions=questions):
                fields["question"] = PendingQuestion(question_id, questions)
            case ToolAnswered(untrusted=True, result=result):
                fields.setdefault("tainted_by", f"a result of `{result.name}`")
    unfinished = None if began is None else _unfinished(entries, began)
    return ChatState(attached=attached, unfinished=unfinished, **fields)


def _unfinished(entries: Sequence[Stored], began: int) -> Unfinished:
    """What an answer without an end waits for."""
    asked: dict[str, PendingDecision] = {}
    decided: dict[str, Decided] = {}
    for stored in entries[began:]:
        match stored.entry:
            case AssistantSaid():
                asked, decided = {}, {}
            case DecisionAsked(call_id=call_id, tool=tool, arguments_json=arguments, reason=reason):
                asked[call_id] = PendingDecision(call_id, tool, arguments, reason)
                decided.pop(call_id, None)
            case Decided(call_id=call_id) as entry:
                asked.pop(call_id, None)
                # Decided while the run was under way, the tool began right then: it may have done its work.
                if entry.stood_still:
                    decided[call_id] = entry
            case ToolAnswered(result=result):
                asked.pop(result.call_id, None)
                decided.pop(result.call_id, None)
            case Noticed(notice=notice) if notice == RESUMED:
                decided = {}
    return Unfinished(began, tuple(asked.values()), tuple(decided.values()))
