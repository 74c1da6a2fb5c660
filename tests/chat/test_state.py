"""Where a session stands, read from its log."""

from __future__ import annotations

from agentlab.chat.state import RESUMED, PendingDecision, PendingQuestion, state_of
from agentlab.sessions import (
    Attached,
    Decided,
    DecisionAsked,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    QuestionAsked,
    RunEnded,
)
from tests.chat.log import answered, called, logged, prompted, said

ASKED = DecisionAsked("c1", "send", '{"to": "x"}', "it sends", "r")


def test_an_empty_log_stands_at_the_beginning() -> None:
    state = state_of([], mode="plan")
    assert state.mode == "plan"
    assert (state.model, state.plan, state.question, state.unfinished, state.tainted_by) == (None,) * 5
    assert state.waiting == ()


def test_the_last_change_of_mode_and_model_holds() -> None:
    state = state_of(
        logged(
            ModelChanged("a:b"),
            ModeChanged("plan", "build"),
            ModelChanged("c:d", "a:b"),
            ModeChanged("build", "plan", "plans/x.plan", "1. do"),
        )
    )
    assert (state.mode, state.model, state.plan, state.plan_text) == ("build", "c:d", "plans/x.plan", "1. do")


def test_a_mode_without_a_plan_forgets_the_plan_of_the_one_before() -> None:
    state = state_of(logged(ModeChanged("build", "plan", "plans/x.plan", "1."), ModeChanged("plan", "build")))
    assert (state.mode, state.plan, state.plan_text) == ("plan", None, None)


def test_attachments_stand_in_the_order_in_which_they_were_last_attached() -> None:
    state = state_of(
        logged(
            Attached("a", 5, "1"), Attached("b", 0, "2"), Attached("a", 5, "3"), Attached("c"), Detached("c")
        )
    )
    assert [(path, each.digest) for path, each in state.attached.items()] == [("b", "2"), ("a", "3")]


def test_what_came_from_outside_taints_and_is_named_for_good() -> None:
    clean: list[Entry] = [prompted("x"), called("c1"), answered("c1"), said("y"), RunEnded("r")]
    assert state_of(logged(*clean)).tainted_by is None
    tainted = state_of(
        logged(*clean, called("c2"), answered("c2", tool="fetch", untrusted=True), prompted("z"))
    )
    assert tainted.tainted_by == "a result of `fetch`"
    assert (
        state_of(logged(Attached("notes.md"), Detached("notes.md"))).tainted_by == "the attachment notes.md"
    )


def test_a_question_waits_until_the_user_speaks() -> None:
    asked = logged(prompted("x"), called("c1"), QuestionAsked("q1", "c1", ({"name": "n"},)), answered("c1"))
    assert state_of(asked).question == PendingQuestion("q1", ({"name": "n"},))
    assert state_of([*asked, *logged(prompted("yes"))]).question is None


def test_an_answer_is_unfinished_until_the_log_has_its_end() -> None:
    begun = logged(prompted("x"), called("c1"))
    unfinished = state_of(begun).unfinished
    assert unfinished is not None
    assert (unfinished.began, unfinished.waiting) == (0, ())
    assert state_of([*begun, *logged(RunEnded("r", "cancelled"))]).unfinished is None


def test_a_call_that_was_asked_about_waits_until_it_is_decided() -> None:
    log: list[Entry] = [prompted("x"), called("c1", tool="send"), ASKED]
    assert state_of(logged(*log)).waiting == (PendingDecision("c1", "send", '{"to": "x"}', "it sends"),)
    decided = Decided("c1", "send", "allow", stood_still=True)
    unfinished = state_of(logged(*log, decided)).unfinished
    assert unfinished is not None
    assert (unfinished.waiting, unfinished.decided) == ((), (decided,))


def test_a_call_that_began_before_the_crash_is_not_among_those_that_will_run() -> None:
    log: list[Entry] = [prompted("x"), called("c1", tool="send"), ASKED]
    live = state_of(logged(*log, Decided("c1", "send", "allow"))).unfinished
    assert live is not None
    assert (live.waiting, live.decided) == ((), ())
    resumed: list[Entry] = [*log, Decided("c1", "send", "allow", stood_still=True), Noticed(RESUMED)]
    crashed_again = state_of(logged(*resumed)).unfinished
    assert crashed_again is not None
    assert (crashed_again.waiting, crashed_again.decided) == ((), ())


def test_a_later_turn_leaves_the_questions_of_the_one_before_behind() -> None:
    log: list[Entry] = [
        prompted("x"),
        called("c1", tool="send"),
        ASKED,
        answered("c1"),
        called("c2"),
        answered("c2"),
    ]
    assert state_of(logged(*log)).waiting == ()
