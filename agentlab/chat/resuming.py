"""From a log back to a run that can go on: after a restart, when what it waited for was decided, or after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlab.agent import Run
from agentlab.agent.records import TurnRecord
from agentlab.chat.state import Unfinished
from agentlab.messages import (
    AssistantMessage,
    Message,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from agentlab.messages.validity import INTERRUPTED_TEXT
from agentlab.sessions import AssistantSaid, Stored, ToolAnswered, UserSaid

__all__ = ["resumed_run", "turn_record"]


def resumed_run(
    entries: Sequence[Stored],
    unfinished: Unfinished,
    *,
    history: Sequence[Message],
    max_turns: int,
    **started: Any,
) -> tuple[Run, tuple[ToolResult, ...]]:
    """The run that an unfinished answer was, as far as the log has it.

    A call that waited for a decision waits still, or runs now that it is decided. Any other call without a result is answered
    as interrupted: it may have done its work before the process went away, and doing it twice could harm.

    Args:
        entries: The branch's entries.
        unfinished: Which answer, and what it waits for.
        history: What its prompt was sent with.
        max_turns: Exact number of model calls the whole answer may take.
        started: More of `Run.start`.

    Returns:
        The run, and the results that were made up for interrupted calls, which are still to be kept.
    """
    said = entries[unfinished.began].entry
    assert isinstance(said, UserSaid)
    own = [stored.entry for stored in entries[unfinished.began + 1 :]]
    run = Run.start(said.message, history=history, max_turns=max_turns, **started)
    open_ids = {each.call_id for each in unfinished.waiting} | {each.call_id for each in unfinished.decided}
    for entry in own:
        if isinstance(entry, AssistantSaid):
            run.turns_made += 1
            run.records.append(turn_record(entry, run.turns_made))
            run.id = entry.run_id or run.id
            _say(run, entry.message)
        elif isinstance(entry, ToolAnswered) and run.status == "calling_tools":
            pending = {call.id for call in run.pending_calls}
            if entry.result.call_id in pending:
                run.tool_results([entry.result])
    made_up = [_interrupted(call) for call in run.pending_calls if call.id not in open_ids]
    if made_up:
        run.tool_results(made_up)
    for each in unfinished.decided:
        if each.call_id in {call.id for call in run.pending_calls}:
            run.decide(each.call_id, approved=each.verdict == "allow", note=each.note)
    return run, tuple(made_up)


def _say(run: Run, message: AssistantMessage) -> None:
    """The model's turn, in the run."""
    if message.is_empty:
        return
    run.messages.append(message)
    if message.tool_calls and not message.interrupted:
        run.results, run.decisions, run.status = [], {}, "calling_tools"
    else:
        run.status, run.stop_reason = "done", "done"


def turn_record(entry: AssistantSaid, turn: int) -> TurnRecord:
    """What the log has of a model call, as a run keeps it; `turn` counts from 1."""
    return TurnRecord(
        turn=turn,
        model=entry.model,
        usage=entry.usage or Usage(),
        finish_reason=entry.finish_reason,
        tool_calls=len(entry.message.tool_calls),
        timing=entry.timing,
        retries=entry.retries,
        cost_usd=entry.cost_usd,
        response_id=entry.response_id,
        request_id=entry.request_id,
    )


def _interrupted(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, call.name, (Text(INTERRUPTED_TEXT),), "interrupted", call.provider_id)
