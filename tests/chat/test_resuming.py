"""From a log back to a run that can go on."""

from __future__ import annotations

from typing import Literal

import pytest

from agentlab.agent import CallModel, CallTools, Done, Run
from agentlab.chat.resuming import resumed_run
from agentlab.chat.state import state_of
from agentlab.messages import AssistantMessage, Message, UserMessage, validate
from agentlab.sessions import Decided, DecisionAsked, Entry
from tests.chat.log import answered, called, logged, prompted, said


def _resumed(*entries: Entry) -> tuple[Run, list[str]]:
    log = logged(*entries)
    unfinished = state_of(log).unfinished
    assert unfinished is not None
    earlier: list[Message] = [UserMessage.of("before"), AssistantMessage.of("yes")]
    run, made_up = resumed_run(log, unfinished, history=earlier, max_turns=9)
    if run.status == "ready":
        validate(run.all_messages)
    return run, [result.call_id for result in made_up]


def test_a_prompt_that_was_never_answered_is_asked_again() -> None:
    run, made_up = _resumed(prompted("x"))
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert [type(message).__name__ for message in step.messages] == [
        "UserMessage",
        "AssistantMessage",
        "UserMessage",
    ]
    assert made_up == []


def test_results_that_are_there_are_taken_and_the_model_is_called_next() -> None:
    run, made_up = _resumed(prompted("x"), called("c1", "c2"), answered("c2", "two"), answered("c1", "one"))
    step = run.next_step()
    assert isinstance(step, CallModel)
    last = step.messages[-1]
    assert isinstance(last, UserMessage)
    assert [result.call_id for result in last.tool_results] == ["c1", "c2"]
    assert (made_up, run.turns_made) == ([], 1)


def test_a_call_that_was_under_way_is_not_made_again() -> None:
    run, made_up = _resumed(prompted("x"), called("c1", "c2"), answered("c1"))
    step = run.next_step()
    assert isinstance(step, CallModel)
    last = step.messages[-1]
    assert isinstance(last, UserMessage)
    assert [result.status for result in last.tool_results] == ["success", "interrupted"]
    assert made_up == ["c2"]


@pytest.mark.parametrize("approved", [True, False])
def test_a_call_that_was_decided_while_the_run_stood_still_is_what_comes_next(approved: bool) -> None:
    verdict: Literal["allow", "deny"] = "allow" if approved else "deny"
    run, made_up = _resumed(
        prompted("x"),
        called("c1", tool="send"),
        DecisionAsked("c1", "send"),
        Decided("c1", "send", verdict, note="no", stood_still=True),
    )
    step = run.next_step()
    assert isinstance(step, CallTools)
    assert [call.id for call in step.calls] == ["c1"]
    assert run.decisions["c1"].approved is approved
    assert made_up == []


def test_a_call_that_still_waits_keeps_the_run_waiting() -> None:
    run, made_up = _resumed(prompted("x"), called("c1", "c2", tool="send"), DecisionAsked("c1", "send"))
    assert [call.id for call in run.pending_calls] == ["c1"]
    assert made_up == ["c2"]


def test_an_answer_that_was_complete_is_done() -> None:
    run, made_up = _resumed(prompted("x"), called("c1"), answered("c1"), said("the answer"))
    assert run.next_step() == Done("the answer")
    assert (made_up, run.turns_made) == ([], 2)


def test_only_the_last_answer_is_resumed_and_its_turns_count() -> None:
    run, _ = _resumed(prompted("x"), called("c1"), answered("c1"), called("c2"), answered("c2"))
    assert run.turns_made == 2
    assert len(run.messages) == 5
