"""What of a run is kept, and when."""

from __future__ import annotations

from msgspec import structs

from agentlab.agent import Run
from agentlab.chat.recording import Recorder
from agentlab.errors import ApprovalNeeded, RunStopped
from agentlab.messages import (
    ApprovalAsked,
    AssistantMessage,
    Event,
    Judged,
    Notice,
    Reasoning,
    ReasoningText,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
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
    digest_of,
)

CALL = ToolCall("c1", "read", '{"path": "x"}')
CALLING = AssistantMessage((Reasoning((ReasoningText("hm"),)), Text("I look."), CALL), model="vendor:model")
RESULT = ToolResult("c1", "read", (Text("what is there"),))


class Played:
    """A run that is played by hand, and what its recorder keeps of it."""

    def __init__(self, **told: object) -> None:
        self.run = Run.start(UserMessage.of("x"), max_turns=9, run_id="r1")
        self.recorder = Recorder(self.run, text="x", **told)  # type: ignore[arg-type]
        self.entries: list[Entry] = []
        self.texts: dict[str, str] = {}

    def take(self, *events: Event, at_s: float = 0.0) -> list[Entry]:
        """What these events leave."""
        new: list[Entry] = []
        for event in events:
            kept = self.recorder.take(event, at_s)
            new += kept.entries
            self.texts |= kept.texts
        self.entries += new
        return new

    def turn(self, message: AssistantMessage) -> list[Entry]:
        """The model's turn, as the driver gives it: to the run first."""
        finished = TurnFinished(message, Usage(input_tokens=5, output_tokens=2), "stop", cost_usd=0.5)
        self.run.model_turn(finished, model="vendor:model")
        return self.take(finished)

    def result(self, result: ToolResult, at_s: float = 0.0) -> list[Entry]:
        """A tool's result, likewise."""
        self.run.tool_results([result])
        return self.take(result, at_s=at_s)


def test_the_prompt_is_kept_before_the_request_and_once() -> None:
    played = Played()
    assert played.take(TurnStarted(1, "vendor:model")) == [UserSaid(UserMessage.of("x"), "x")]
    assert played.take(TurnStarted(2, "vendor:model")) == []


def test_the_prompt_is_kept_as_it_stays_in_the_history() -> None:
    played = Played(kept_prompt=UserMessage.of("x", "a fact"), question_id="q")
    assert played.take(TurnStarted(1, "m")) == [UserSaid(UserMessage.of("x", "a fact"), "x", "q")]


def test_deltas_leave_nothing() -> None:
    assert Played().take(TextDelta("a"), RunFinished("", Usage())) == []


def test_a_turn_is_one_entry_with_its_reasoning_under_one_id() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    (entry,) = played.turn(CALLING)
    assert isinstance(entry, AssistantSaid)
    assert entry.message == CALLING
    assert (entry.run_id, entry.turn, entry.reasoning_id) == ("r1", 1, "r1-1")
    assert (entry.usage, entry.cost_usd, entry.finish_reason) == (
        Usage(input_tokens=5, output_tokens=2),
        0.5,
        "stop",
    )


def test_a_result_is_kept_with_its_arguments_its_summary_and_how_long_it_took() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    played.take(ToolStarted("c1", "read"), at_s=1.0)
    brought = structs.replace(RESULT, untrusted=True)
    (entry,) = played.result(brought, at_s=3.5)
    assert isinstance(entry, ToolAnswered)
    assert (entry.result, entry.arguments_json, entry.duration_s) == (brought, '{"path": "x"}', 2.5)
    assert (entry.summary, entry.full, entry.untrusted) == ("what is there", None, True)


def test_a_result_that_was_shortened_names_the_whole_text() -> None:
    played = Played(whole={"c1": "all of it"})
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    (entry,) = played.result(RESULT)
    assert isinstance(entry, ToolAnswered)
    assert entry.full == digest_of("all of it")
    assert played.texts == {entry.full: "all of it"}


def test_what_had_arrived_when_the_answer_was_stopped_is_kept_once() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    played.result(RESULT)
    played.take(TurnStarted(2, "m"))
    played.run.end("stopped", "enough", partial=AssistantMessage.of("I fou"))
    kept = played.recorder.finish(RunStopped("x", reason="enough")).entries
    assert [type(entry) for entry in kept] == [AssistantSaid, RunEnded]
    partial = kept[0]
    assert isinstance(partial, AssistantSaid)
    assert (partial.message.text, partial.message.interrupted, partial.usage) == ("I fou", True, None)
    assert kept[1] == RunEnded("r1", "stopped", "enough")


def test_calls_that_were_cut_off_are_answered_in_the_log() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    played.run.end("cancelled")
    kept = played.recorder.finish(None).entries
    assert [type(entry) for entry in kept] == [ToolAnswered, RunEnded]
    answer = kept[0]
    assert isinstance(answer, ToolAnswered)
    assert answer.result.status == "interrupted"


def test_a_run_that_failed_before_its_first_call_leaves_its_prompt_and_its_end() -> None:
    played = Played()
    played.run.end("error", "no such model")
    kept = played.recorder.finish(ValueError("no such model")).entries
    assert [type(entry) for entry in kept] == [UserSaid, RunEnded]
    assert kept[1] == RunEnded("r1", "error", "ValueError: no such model")


def test_a_run_that_waits_for_a_decision_has_no_end() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    waits = ApprovalNeeded("nobody", calls=(CALL,))
    assert played.recorder.finish(waits).entries == (DecisionAsked("c1", "read", '{"path": "x"}', "", "r1"),)


def test_questions_and_decisions_are_kept_once_with_the_arguments_they_are_about() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    assert played.take(ApprovalAsked("c1", "read", "it reads")) == [
        DecisionAsked("c1", "read", '{"path": "x"}', "it reads", "r1")
    ]
    assert played.take(ApprovalAsked("c1", "read", "it reads")) == []
    assert played.take(Judged("c1", "read", "deny", "user", "no")) == [
        Decided("c1", "read", "deny", "user", note="no")
    ]


def test_what_the_policy_says_is_kept_with_its_reason() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    assert played.take(Judged("c1", "read", "ask", "taint", "it was tainted")) == [
        DecisionAsked("c1", "read", '{"path": "x"}', "it was tainted", "r1")
    ]
    assert played.take(Judged("c2", "send", "deny", "rule", "never")) == [
        Decided("c2", "send", "deny", "policy", "never")
    ]
    inside = Judged("c3", "send", "allow", "user", "fine", within="c1")
    assert played.take(inside) == [Decided("c3", "send", "allow", "user", "inside the call c1", "fine")]


def test_a_notice_is_kept_once_though_it_is_told_with_every_call() -> None:
    played = Played(noticed={("warning", "known")})
    assert played.take(Notice("fallback", "another one")) == [Noticed("fallback", "another one")]
    assert played.take(Notice("fallback", "another one"), Notice("warning", "known")) == []


def test_a_turn_that_said_nothing_is_kept_for_what_it_cost() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    (entry,) = played.turn(AssistantMessage())
    assert isinstance(entry, AssistantSaid)
    assert (entry.message, entry.cost_usd) == (AssistantMessage(), 0.5)


def test_results_of_a_later_turn_are_kept_where_the_provider_uses_an_id_again() -> None:
    played = Played()
    played.take(TurnStarted(1, "m"))
    played.turn(CALLING)
    played.result(RESULT)
    played.turn(CALLING)
    assert len(played.result(RESULT)) == 1
