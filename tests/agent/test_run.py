"""The run decides, without I/O, and can be put away between any two steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent import CallModel, CallTools, Done, Run
from agentlab.errors import (
    AnswerTruncated,
    ContentFiltered,
    InvalidHistory,
    MaxTurnsReached,
    RunError,
    RunProtocolViolation,
)
from agentlab.messages import (
    AssistantMessage,
    FinishReason,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    Usage,
    UserMessage,
    validate,
)

QUESTION = UserMessage.of("question")
ONE = ToolCall(id="c1", name="add", arguments_json='{"a":1}')
TWO = ToolCall(id="c2", name="sub")


def turn(*parts: object, finish: FinishReason | None = "stop", tokens: int = 10) -> TurnFinished:
    return TurnFinished(AssistantMessage.of(*parts), Usage(input_tokens=tokens, output_tokens=1), finish)  # type: ignore[arg-type]


def result(call: ToolCall, text: str = "ok") -> ToolResult:
    return ToolResult(call.id, call.name, (Text(text),))


def started(**options: object) -> Run:
    return Run.start(QUESTION, **{"max_turns": 5, **options})  # type: ignore[arg-type]


def test_an_answer_without_tools_ends_the_run() -> None:
    run = started()
    assert run.next_step() == CallModel(1, (QUESTION,))
    run.model_turn(turn("answer"))
    assert run.next_step() == Done("answer")
    assert run.all_messages == (QUESTION, AssistantMessage.of("answer"))


def test_results_become_one_message_in_the_order_of_the_calls() -> None:
    run = started()
    run.model_turn(turn(ONE, TWO))
    assert run.next_step() == CallTools((ONE, TWO))
    run.tool_results([result(TWO)])
    assert run.next_step() == CallTools((ONE,))
    run.tool_results([result(ONE)])
    assert run.next_step() == CallModel(
        2, (QUESTION, AssistantMessage.of(ONE, TWO), UserMessage((result(ONE), result(TWO))))
    )


@pytest.mark.parametrize("budget", [0, 1, 2, 3])
def test_max_turns_is_the_exact_number_of_model_calls(budget: int) -> None:
    run = started(max_turns=budget)
    for _ in range(budget):
        assert isinstance(run.next_step(), CallModel)
        run.model_turn(turn(ONE))
        run.tool_results([result(ONE)])
    with pytest.raises(MaxTurnsReached) as caught:
        run.next_step()
    assert run.turns_made == budget
    assert caught.value.max_turns == budget
    assert caught.value.history == run.all_messages
    validate(caught.value.history)


def test_usage_is_summed_over_all_calls() -> None:
    run = started()
    run.model_turn(turn(ONE, tokens=10))
    run.tool_results([result(ONE)])
    run.model_turn(turn("done", tokens=25))
    assert run.usage == Usage(input_tokens=35, output_tokens=2)
    assert [record.turn for record in run.records] == [1, 2]


@given(st.data())
def test_a_run_put_away_at_any_step_goes_on_the_same(data: st.DataObject) -> None:
    script = [turn("thinking", ONE, TWO), turn(ONE), turn("answer")]

    def drive(put_away: bool) -> Run:
        run = Run.start(
            QUESTION, history=[UserMessage.of("hi"), AssistantMessage.of("hello")], max_turns=5, run_id="r"
        )
        turns = iter(script)
        while True:
            if put_away and data.draw(st.booleans()):
                run = Run.from_json(run.to_json())
            step = run.next_step()
            if isinstance(step, Done):
                return run
            if isinstance(step, CallModel):
                run.model_turn(next(turns))
            else:
                run.tool_results([result(step.calls[-1])])

    assert drive(put_away=True) == drive(put_away=False)


def test_answering_out_of_turn_is_refused_and_harms_nothing() -> None:
    run = started()
    before = run.to_json()
    with pytest.raises(RunProtocolViolation, match="ready"):
        run.tool_results([result(ONE)])
    assert run.to_json() == before
    run.model_turn(turn(ONE))
    before = run.to_json()
    with pytest.raises(RunProtocolViolation, match="calling_tools"):
        run.model_turn(turn("x"))
    with pytest.raises(RunProtocolViolation, match="not pending"):
        run.tool_results([result(ONE), result(TWO)])
    with pytest.raises(RunProtocolViolation, match="no results"):
        run.tool_results([])
    assert run.to_json() == before
    run.tool_results([result(ONE)])
    assert isinstance(run.next_step(), CallModel)


def test_an_empty_answer_ends_the_run_and_stays_out_of_the_history() -> None:
    run = started()
    run.model_turn(turn(""))
    assert run.next_step() == Done("")
    assert run.all_messages == (QUESTION,)


@pytest.mark.parametrize(
    ("finish", "error"), [("length", AnswerTruncated), ("content_filter", ContentFiltered)]
)
def test_a_turn_cut_before_any_answer_is_an_error_with_the_history(
    finish: FinishReason, error: type[Exception]
) -> None:
    run = started()
    run.model_turn(turn(finish=finish))
    with pytest.raises(error) as caught:
        run.next_step()
    assert caught.value.history == (QUESTION,)  # type: ignore[attr-defined]


def test_text_cut_at_the_limit_is_an_answer() -> None:
    run = started()
    run.model_turn(turn("half an ans", finish="length"))
    assert run.next_step() == Done("half an ans")


def test_calls_of_a_turn_cut_at_the_limit_are_marked() -> None:
    run = started()
    run.model_turn(turn(ONE, finish="length"))
    assert run.next_step() == CallTools((ONE,), truncated=True)


def test_the_output_tool_ends_the_run_and_leaves_no_open_call() -> None:
    run = started(output_tool="final_result")
    output = ToolCall(id="o", name="final_result", arguments_json='{"x":1}')
    run.model_turn(turn("here", ONE, output))
    assert run.next_step() == Done('{"x":1}')
    validate([*run.all_messages, UserMessage.of("next")])
    assert run.messages[-1] == AssistantMessage.of("here", '{"x":1}')


def test_a_correction_reopens_a_finished_run() -> None:
    run = started()
    run.model_turn(turn("wrong"))
    run.correct("try again")
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert step.messages[-2:] == (AssistantMessage.of("wrong"), UserMessage.of("try again"))


def test_a_discarded_turn_counts_but_is_not_kept() -> None:
    run = started(max_turns=2)
    run.discard_turn(turn("bad"))
    assert run.next_step() == CallModel(2, (QUESTION,))
    run.discard_turn(turn("bad"))
    with pytest.raises(MaxTurnsReached):
        run.next_step()


def test_ending_a_run_in_mid_tools_keeps_what_is_there_and_answers_the_rest() -> None:
    run = started()
    run.model_turn(turn(ONE, TWO))
    run.tool_results([result(ONE, "kept")])
    run.end("cancelled")
    validate(run.all_messages)
    last = run.messages[-1]
    assert isinstance(last, UserMessage)
    assert [(each.call_id, each.status) for each in last.tool_results] == [
        ("c1", "success"),
        ("c2", "interrupted"),
    ]
    with pytest.raises(RunError):
        run.next_step()


def test_ending_a_run_in_mid_answer_keeps_the_partial_text() -> None:
    run = started()
    run.end("stopped", "by hand", partial=AssistantMessage.of("half"))
    assert run.text == "half"
    assert run.messages[-1] == AssistantMessage((Text("half"),), interrupted=True)
    assert (run.stop_reason, run.detail) == ("stopped", "by hand")


def test_ending_an_ended_run_changes_nothing() -> None:
    run = started()
    run.model_turn(turn("answer"))
    run.end("cancelled")
    assert run.next_step() == Done("answer")


def test_a_history_with_open_calls_is_repaired_at_the_start() -> None:
    run = started(history=[QUESTION, AssistantMessage.of(ONE)])
    validate(run.all_messages)
    assert len(run.history) == 3


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(InvalidHistory, match="no content"):
        Run.start(UserMessage(()), max_turns=1)
